"""YooKassa: cards and SBP, saved methods, refunds and receipts, on its official SDK."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import uuid5

from django.conf import settings
from django.utils.translation import gettext_noop
from yookassa.domain.request import PaymentRequest, ReceiptRequest, RefundRequest

from billing.gateways import Gateway, Notification, PaymentState, ReceiptState, RefundState, Refused, Status
from billing.models import Payment, PaymentMethod, Receipt, Refund

from . import notifications, states
from .client import Payments, Receipts, Refunds, possible, readable

CURRENCY = "RUB"
# On receipts and in YooKassa's own pages: the law wants them in Russian, whatever language our page has.
DESCRIPTION = "Услуги связи, договор № {number}"
NO_CONTACT = gettext_noop("not sent: there is neither an e-mail nor a phone to send the receipt to")


class YooKassa:
    name = "yookassa"

    def __init__(self) -> None:
        self.shop: str = settings.YOOKASSA_SHOP_ID
        self.methods: tuple[Payment.Method, ...] = tuple(map(Payment.Method, settings.YOOKASSA_METHODS))

    def start(self, payment: Payment, *, return_url: str) -> PaymentState:
        is_sbp = payment.method == Payment.Method.SBP
        return self._create(
            payment,
            payment_method_data={"type": "sbp" if is_sbp else "bank_card"},
            confirmation={"type": "qr" if is_sbp else "redirect", "return_url": return_url},
            save_payment_method=payment.wants_saving,
        )

    def charge(self, payment: Payment, method: PaymentMethod) -> PaymentState:
        return self._create(payment, payment_method_id=method.gateway_id)

    def read(self, gateway_id: str) -> PaymentState:
        with readable():
            answer = Payments.find_one(gateway_id)
        return states.of_payment(answer)

    def verify(self, notification: Notification) -> str:
        return notifications.payment_of(notification)

    def refund(self, refund: Refund) -> RefundState:
        if refund.gateway_id:
            with readable():
                return states.of_refund(Refunds.find_one(refund.gateway_id))
        with possible():
            request = RefundRequest(
                {
                    "payment_id": refund.payment.gateway_id,
                    "amount": _money(refund.amount),
                    "description": _description(refund.payment),
                }
            )
        with readable():
            answer = Refunds.create(request, refund.operation)
        return states.of_refund(answer)

    def send_receipt(self, receipt: Receipt) -> ReceiptState:
        if receipt.gateway_id:
            with readable():
                return states.of_receipt(Receipts.find_one(receipt.gateway_id))
        if not receipt.contact:
            raise Refused(NO_CONTACT)
        # A key lives a day, a receipt that staff send again may be older: YooKassa's list remembers for longer.
        known = self._receipts_like(receipt)
        alive = [one for one in known if one.status != Status.CANCELLED]
        return alive[0] if alive else self._new_receipt(receipt, cancelled=len(known))

    def _receipts_like(self, receipt: Receipt) -> list[ReceiptState]:
        occasion = _occasion(receipt)
        kind = occasion.pop("type")
        with readable():
            found = Receipts.list(occasion).items
            return [states.of_receipt(one) for one in found if one.type == kind]

    def _new_receipt(self, receipt: Receipt, *, cancelled: int) -> ReceiptState:
        """Under the key `receipt.operation`, or one made of it when YooKassa has spent that on a cancelled receipt."""
        with possible():
            request = ReceiptRequest(_receipt(receipt))
        with readable():
            key = uuid5(receipt.operation, str(cancelled)) if cancelled else receipt.operation
            answer = Receipts.create(request, key)
        return states.of_receipt(answer)

    def _create(self, payment: Payment, **how: Any) -> PaymentState:
        with possible():
            request = PaymentRequest(
                {
                    "amount": _money(payment.amount),
                    "capture": True,
                    "description": _description(payment),
                    "metadata": {"payment": str(payment.operation), "contract": payment.account.contract.number},
                    **how,
                }
            )
        with readable():
            answer = Payments.create(request, payment.operation)
        return states.of_payment(answer)


def _receipt(receipt: Receipt) -> dict[str, Any]:
    """An advance for services: which ones it will pay for is not known when the money comes."""
    item = {
        "description": _description(receipt.payment),
        "quantity": 1,
        "amount": _money(receipt.amount),
        "vat_code": settings.YOOKASSA_VAT_CODE,
        "payment_subject": "service",
        "payment_mode": "advance",
    }
    return {
        **_occasion(receipt),
        "customer": _customer(receipt.contact),
        "items": [item],
        "settlements": [{"type": "cashless", "amount": _money(receipt.amount)}],
        "send": True,
        **({"tax_system_code": settings.YOOKASSA_TAX_SYSTEM} if settings.YOOKASSA_TAX_SYSTEM else {}),
    }


def _occasion(receipt: Receipt) -> dict[str, str]:
    if receipt.refund:
        return {"type": "refund", "refund_id": receipt.refund.gateway_id}
    return {"type": "payment", "payment_id": receipt.payment.gateway_id}


def _customer(contact: str) -> dict[str, str]:
    return {"email": contact} if "@" in contact else {"phone": contact.removeprefix("+")}


def _description(payment: Payment) -> str:
    return DESCRIPTION.format(number=payment.account.contract.number)


def _money(amount: Decimal) -> dict[str, str]:
    return {"value": f"{amount:.2f}", "currency": CURRENCY}


gateway: Gateway = YooKassa()
