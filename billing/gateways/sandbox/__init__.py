"""The sandbox: a gateway to the demo's own bank. Refused outside the demo and the tests (mark_portal/settings.py)."""

from __future__ import annotations

import hmac
import json
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from billing.gateways import Forged, Notification, PaymentState, ReceiptState, RefundState, Status
from billing.gateways.sandbox import bank
from billing.models import Payment, PaymentMethod, Receipt, Refund


class SandboxGateway:
    """What a gateway's library would do: ask the bank, believe only what it signed."""

    name = "sandbox"
    shop = bank.SHOP
    methods = (Payment.Method.CARD, Payment.Method.SBP)

    def start(self, payment: Payment, *, return_url: str) -> PaymentState:
        return bank.begin(payment, return_url=return_url, now=timezone.now())

    def charge(self, payment: Payment, method: PaymentMethod) -> PaymentState:
        return bank.charge(payment, method, now=timezone.now())

    def read(self, gateway_id: str) -> PaymentState:
        return bank.read(gateway_id, now=timezone.now())

    def verify(self, notification: Notification) -> str:
        if not settings.SANDBOX_SECRET:
            raise Forged("there is no secret to check a signature with")
        given = notification.headers.get(bank.SIGNATURE, "")
        if not hmac.compare_digest(given.encode(errors="replace"), bank.sign(notification.body).encode()):
            raise Forged("the signature is wrong" if given else "not signed")
        return _number_in(notification.body)

    def refund(self, refund: Refund) -> RefundState:
        bank.give_back(refund.payment.gateway_id, key=refund.operation, amount=refund.amount)
        return RefundState(str(refund.operation), Status.SUCCEEDED)

    def send_receipt(self, receipt: Receipt) -> ReceiptState:
        """Being registered when asked first, registered when asked again: the tax service takes its time."""
        if not receipt.gateway_id:
            return ReceiptState(str(receipt.operation), Status.PENDING)
        numbers = str(int.from_bytes(sha256(receipt.operation.bytes).digest()[:12])).zfill(20)
        return ReceiptState(
            receipt.gateway_id,
            Status.SUCCEEDED,
            registered_at=timezone.now(),
            fiscal_drive="9960440300" + numbers[:6],
            fiscal_document=numbers[6:11].lstrip("0") or "1",
            fiscal_sign=numbers[-10:],
        )


def _number_in(body: bytes) -> str:
    try:
        return str(UUID(json.loads(body)["payment"]["number"]))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Forged("signed, but it names no payment") from error


gateway = SandboxGateway()
