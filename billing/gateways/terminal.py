"""What the dialects of payment terminals share: they ask, we answer in XML, and nothing is asked of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

from django.utils import timezone

from billing.gateways import Forged, Notification, NotOffered, PaymentState, ReceiptState, RefundState
from billing.models import GatewayMessage, Payment
from billing.terminals import Refusal, TerminalRefused

Verdict = GatewayMessage.Verdict

CONTRACT_NUMBER = re.compile(r"[0-9]{6,12}")
PAYMENT_NUMBER = re.compile(r"[0-9]{1,20}")
SUM = re.compile(r"[0-9]{1,20}(\.[0-9]{1,2})?")
# The money is in the machine already: a clock that is wrong by months is no reason to give it back.
EARLIEST_YEAR, CLOCK_MAY_RUN_AHEAD = 2000, timedelta(days=366)
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'


@dataclass(frozen=True)
class Reply:
    """What a terminal is told, and what the record of messages keeps of it."""

    code: int
    xml: bytes
    verdict: Verdict
    payment: Payment | None = None
    reason: str = ""


class Terminal:
    """A gateway that a subscriber does not choose on a page."""

    name: str
    shop = ""
    methods: tuple[Payment.Method, ...] = ()
    actions_kept: tuple[tuple[str, str], ...]  # (parameter, value) of the requests that move money

    def answer(self, asked: Mapping[str, str], *, now: datetime) -> Reply:
        """Carry out one request. Raises nothing of its own; faults of the database and bugs pass through."""
        raise NotImplementedError

    def refuse(self, reason: Refusal, asked: Mapping[str, str]) -> Reply:
        raise NotImplementedError

    def moves_money(self, asked: Mapping[str, str]) -> bool:
        """Whether the request asks for a change; such requests are recorded, mere questions are not."""
        return any(asked.get(parameter) == value for parameter, value in self.actions_kept)

    def start(self, payment: Payment, *, return_url: str) -> PaymentState:
        raise NotOffered(self.name)

    def charge(self, payment: Payment, method: Any) -> PaymentState:
        raise NotOffered(self.name)

    def read(self, gateway_id: str) -> PaymentState:
        raise NotOffered(self.name)

    def verify(self, notification: Notification) -> str:
        raise Forged(f"{self.name} has an address and a format of its own")

    def refund(self, refund: Any) -> RefundState:
        raise NotOffered(self.name)

    def send_receipt(self, receipt: Any) -> ReceiptState:
        raise NotOffered(self.name)


def contract_number(text: str) -> str:
    if not CONTRACT_NUMBER.fullmatch(text):
        raise TerminalRefused(Refusal.BAD_ACCOUNT)
    return text


def payment_number(text: str) -> str:
    if not PAYMENT_NUMBER.fullmatch(text):
        raise TerminalRefused(Refusal.BAD_NUMBER)
    return text


def amount(text: str) -> Decimal:
    """Rubles with a dot, at most two decimals; no sign, exponent or space."""
    if not SUM.fullmatch(text):
        raise TerminalRefused(Refusal.BAD_SUM)
    return Decimal(text)


def moment(text: str, *, shape: str, pattern: str, now: datetime) -> datetime:
    """A local time of Samara; `shape` is checked first, because strptime forgives missing zeros."""
    if not re.fullmatch(shape, text):
        raise TerminalRefused(Refusal.BAD_DATE)
    try:
        told = datetime.strptime(text, pattern)  # noqa: DTZ007
    except ValueError:
        raise TerminalRefused(Refusal.BAD_DATE) from None
    if told.year < EARLIEST_YEAR or told > timezone.make_naive(now) + CLOCK_MAY_RUN_AHEAD:
        raise TerminalRefused(Refusal.BAD_DATE)
    return timezone.make_aware(told)


def written(root: str, values: Mapping[str, object]) -> bytes:
    """A flat XML document in UTF-8; characters that XML cannot hold are dropped."""
    element = ElementTree.Element(root)
    for name, value in values.items():
        ElementTree.SubElement(element, name).text = NOT_XML.sub("", str(value)) or None
    body: bytes = ElementTree.tostring(element, encoding="utf-8")
    return DECLARATION + body
