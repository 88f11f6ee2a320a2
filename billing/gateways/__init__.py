"""Gateways: how money reaches us. One small protocol, a module for each, chosen by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from importlib import import_module
from typing import Protocol

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from billing.models import Payment, PaymentMethod, Receipt, Refund

# As people call them: also those that are switched off now.
NAMES = {"yookassa": "ЮKassa", "osmp": "OSMP", "sber": "Сбер", "sandbox": _("sandbox")}

# Why a payment was not paid, by our codes; each gateway translates its own into these.
FAILURES = {
    "declined": _("The bank declined the payment."),
    "insufficient_funds": _("There is not enough money on the card."),
    "card_expired": _("The card has expired."),
    "invalid_card": _("The card number or its code is wrong."),
    "fraud": _("The bank took the payment for a fraud. Call the bank, or pay by another card."),
    "3d_secure": _("The bank did not get your confirmation."),
    "method_revoked": _("The saved card cannot be charged any more."),
    "limit": _("The sum is above the limit of the card or the bank."),
    "left": _("The payment was given up."),
    "expired": _("The time for paying is over."),
    "unavailable": _("The payment system did not answer in time."),
    "refused": _("The payment system did not accept the payment."),
    "reversed": _("The payment was cancelled, and its sum was taken off the account again."),
    "mismatch": _("The payment system named another sum. Nothing was credited; support looks into it."),
}


class Status(StrEnum):
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Saved:
    """A method of payment that the gateway keeps; `title` as people know it, «Мир •• 4477»."""

    gateway_id: str
    title: str


@dataclass(frozen=True)
class PaymentState:
    """The gateway's own word about a payment, re-read from it; never what a browser or a notification says."""

    gateway_id: str
    status: Status
    amount: Decimal
    currency: str
    shop: str
    reference: str  # str(payment.operation), as we gave it
    contract_number: str
    paid_at: datetime | None = None
    failure: str = ""  # a key of FAILURES
    saved: Saved | None = None
    pay_url: str = ""
    qr: str = ""


@dataclass(frozen=True)
class RefundState:
    gateway_id: str
    status: Status
    failure: str = ""  # the gateway's words, for staff


@dataclass(frozen=True)
class ReceiptState:
    gateway_id: str
    status: Status
    registered_at: datetime | None = None
    fiscal_drive: str = ""
    fiscal_document: str = ""
    fiscal_sign: str = ""
    error: str = ""


@dataclass(frozen=True)
class Notification:
    """An HTTP request that claims to come from a gateway."""

    method: str
    headers: Mapping[str, str]
    body: bytes
    network_address: str | None


class Unknown(Exception):
    """No answer, or one that tells nothing (HTTP 500, a time-out): it may have happened. Ask again, same key."""


class Refused(Exception):
    """The gateway has definitely not done it; the message is its own words, for staff."""


class Forged(Exception):
    """Not a notification of this gateway; the message says why, for staff."""


class NotOffered(Exception):
    """This gateway cannot do that."""


class Gateway(Protocol):
    """Every call but `verify` may go over the network: never inside a transaction. All keys are idempotent."""

    name: str
    shop: str
    methods: tuple[Payment.Method, ...]  # what a subscriber may choose; empty for terminals

    def start(self, payment: Payment, *, return_url: str) -> PaymentState:
        """Begin a payment under the key `payment.operation`. Raises Unknown, Refused."""

    def charge(self, payment: Payment, method: PaymentMethod) -> PaymentState:
        """Begin a payment by a saved method, without the payer. Raises Unknown, Refused."""

    def read(self, gateway_id: str) -> PaymentState:
        """Ask for the state. Raises Unknown, Refused (no such payment)."""

    def verify(self, notification: Notification) -> str:
        """The number of the payment that a genuine notification is about. Raises Forged."""

    def refund(self, refund: Refund) -> RefundState:
        """Give back under the key `refund.operation`, or ask how it goes. Raises Unknown, Refused."""

    def send_receipt(self, receipt: Receipt) -> ReceiptState:
        """Register a fiscal receipt under the key `receipt.operation`, or ask how it goes. Raises Unknown, Refused."""


def get(name: str) -> Gateway:
    """Raises LookupError for a gateway that is not switched on."""
    if name not in settings.PAYMENT_GATEWAYS:
        raise LookupError(f"the gateway {name!r} is not in PAYMENT_GATEWAYS")
    gateway: Gateway = import_module(f"billing.gateways.{name}").gateway
    return gateway


def name_of(gateway: str) -> str:
    """As people call it; one that this version does not know keeps the name of the code."""
    return str(NAMES.get(gateway, gateway))


def offered() -> list[Gateway]:
    """The gateways a subscriber may choose a method of, in the order of PAYMENT_GATEWAYS."""
    return [gateway for gateway in map(get, settings.PAYMENT_GATEWAYS) if gateway.methods]
