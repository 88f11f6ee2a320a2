"""YooKassa's words about payments, refunds and receipts, in ours."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_noop
from yookassa.domain.models.payment_data.payment_data import ResponsePaymentData
from yookassa.domain.response import PaymentResponse, ReceiptResponse, RefundResponse

from billing.gateways import PaymentState, ReceiptState, RefundState, Saved, Status

from .client import readable

STATUSES = {
    "pending": Status.PENDING,
    "waiting_for_capture": Status.PENDING,
    "succeeded": Status.SUCCEEDED,
    "canceled": Status.CANCELLED,
}
# Reasons of cancellation_details; what is not here is "declined".
FAILURES = {
    "3d_secure_failed": "3d_secure",
    "canceled_by_merchant": "left",
    "card_expired": "card_expired",
    "expired_on_capture": "expired",
    "expired_on_confirmation": "expired",
    "fraud_suspected": "fraud",
    "identification_required": "limit",
    "insufficient_funds": "insufficient_funds",
    "internal_timeout": "unavailable",
    "invalid_card_number": "invalid_card",
    "invalid_csc": "invalid_card",
    "issuer_unavailable": "unavailable",
    "payment_method_limit_exceeded": "limit",
    "permission_revoked": "method_revoked",
    "rejected_by_timeout": "unavailable",
}
NOT_REGISTERED = gettext_noop("the cash register has not registered it; YooKassa's cabinet says why")
NETWORKS = {"Mir": "Мир"}  # the others are written alike everywhere


def of_payment(answer: PaymentResponse) -> PaymentState:
    """Raises Unknown for an answer that cannot be read."""
    with readable():
        metadata = answer.metadata or {}
        pay_url, qr = _confirmation(answer)
        return PaymentState(
            gateway_id=_number(answer.id),
            status=STATUSES[answer.status],
            amount=answer.amount.value,
            currency=answer.amount.currency,
            shop=(answer.recipient.account_id if answer.recipient else None) or "",
            reference=str(metadata.get("payment", "")),
            contract_number=str(metadata.get("contract", "")),
            paid_at=_moment(answer.captured_at),
            failure=_failure(answer),
            saved=_saved(answer.payment_method),
            pay_url=pay_url,
            qr=qr,
        )


def of_refund(answer: RefundResponse) -> RefundState:
    """Raises Unknown for an answer that cannot be read."""
    with readable():
        details = answer.cancellation_details
        failure = f"{details.reason} ({details.party})" if details else ""
        return RefundState(gateway_id=_number(answer.id), status=STATUSES[answer.status], failure=failure)


def of_receipt(answer: ReceiptResponse) -> ReceiptState:
    """Raises Unknown for an answer that cannot be read."""
    with readable():
        status = STATUSES[answer.status]
        return ReceiptState(
            gateway_id=_number(answer.id),
            status=status,
            registered_at=_moment(answer.registered_at),
            fiscal_drive=answer.fiscal_storage_number or "",
            fiscal_document=answer.fiscal_document_number or "",
            fiscal_sign=answer.fiscal_attribute or "",
            error=NOT_REGISTERED if status == Status.CANCELLED else "",
        )


def _confirmation(answer: PaymentResponse) -> tuple[str, str]:
    """Where to pay, and what a QR code holds; that of SBP is a link too, which opens the bank on a phone."""
    if answer.confirmation is None:
        return "", ""
    qr = getattr(answer.confirmation, "confirmation_data", None) or ""
    link = getattr(answer.confirmation, "confirmation_url", None) or ""
    return link or (qr if qr.startswith("https://") else ""), qr


def _failure(answer: PaymentResponse) -> str:
    if STATUSES[answer.status] != Status.CANCELLED:
        return ""
    reason = answer.cancellation_details.reason if answer.cancellation_details else ""
    return FAILURES.get(reason, "declined")


def _saved(method: ResponsePaymentData | None) -> Saved | None:
    if method is None or not method.saved:
        return None
    return Saved(gateway_id=_number(method.id), title=_title(method))


def _title(method: ResponsePaymentData) -> str:
    card = getattr(method, "card", None)
    if card is not None:
        return f"{NETWORKS.get(card.card_type, card.card_type or 'Карта')} •• {card.last4}"
    return "СБП" if method.type == "sbp" else method.title or method.type


def _number(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("a number is missing")
    return value


def _moment(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None
