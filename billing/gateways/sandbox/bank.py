"""The demo's bank: it decides, keeps what was paid, and owes the shop a word about it (delivered by `notices`)."""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse

from billing.gateways import PaymentState, Refused, Saved, Status, Unknown
from billing.models import BankPayment, Payment, PaymentMethod

SHOP = "sandbox"
CURRENCY = "RUB"
SIGNATURE = "X-Sandbox-Signature"
COMES_LATE = timedelta(seconds=30)
PAYER_HAS = timedelta(hours=1)

# What a charge of a saved card ends with, by the card's last digits; any other is paid.
DECLINED_ENDINGS = {"0002": "insufficient_funds", "0119": "card_expired", "0341": "method_revoked"}
LATE_ENDING = "0077"  # paid after COMES_LATE
SILENT_ENDING = "0408"  # paid, but the first answer is lost

STATUSES = {
    BankPayment.Status.WAITING: Status.PENDING,
    BankPayment.Status.SUCCEEDED: Status.SUCCEEDED,
    BankPayment.Status.CANCELLED: Status.CANCELLED,
}


def sign(body: bytes) -> str:
    return hmac.new(settings.SANDBOX_SECRET.encode(), body, sha256).hexdigest()


# --- What the shop asks for


def begin(payment: Payment, *, return_url: str, now: datetime) -> PaymentState:
    row, _is_new = _once(payment, return_url=return_url, now=now)
    return _word(row)


def charge(payment: Payment, method: PaymentMethod, *, now: datetime) -> PaymentState:
    """By a saved card, whose last digits tell how it ends. Raises Unknown."""
    card = method.title[-4:]
    row, is_new = _once(payment, return_url="", now=now, card=card)
    if is_new:
        if card in DECLINED_ENDINGS:
            decline(row.number, failure=DECLINED_ENDINGS[card], now=now)
        elif card == LATE_ENDING:
            confirm_late(row.number, card=card, now=now)
        else:
            confirm(row.number, card=card, now=now)
        if card == SILENT_ENDING:
            raise Unknown("the bank's answer was lost")
    return read(str(row.number), now=now)


def read(number: str, *, now: datetime) -> PaymentState:
    """Raises Refused for a number that the bank does not know."""
    settle_due(now=now)
    try:
        return _word(BankPayment.objects.get(pk=UUID(number)))
    except (ValueError, BankPayment.DoesNotExist) as error:
        raise Refused(f"the bank knows no payment {number[:64]}") from error


@transaction.atomic
def give_back(number: str, *, key: UUID, amount: Decimal) -> None:
    """Return a part to the payer, once for each key and never more than was paid. Raises Refused."""
    row = BankPayment.objects.select_for_update().filter(number=number, status=BankPayment.Status.SUCCEEDED).first()
    if row is None:
        raise Refused("the bank knows no such paid payment")
    given = row.refunds.get(str(key))
    if given is not None:
        if Decimal(given) != amount:
            raise Refused("the key was used for another sum")
        return
    if row.refunded + amount > row.amount:
        raise Refused("more than was paid")
    row.refunded += amount
    row.refunds[str(key)] = str(amount)
    row.save(update_fields=["refunded", "refunds"])


def _once(payment: Payment, *, return_url: str, now: datetime, card: str = "") -> tuple[BankPayment, bool]:
    return BankPayment.objects.get_or_create(
        idempotence_key=payment.operation,
        defaults={
            "amount": payment.amount,
            "reference": str(payment.operation),
            "contract_number": payment.account.contract.number,
            "method": payment.method,
            "return_url": return_url,
            "wants_saving": payment.wants_saving,
            "card": card,
            "created_at": now,
        },
    )


def _word(row: BankPayment) -> PaymentState:
    page = settings.SITE_URL + reverse("billing:sandbox_bank", kwargs={"number": row.number})
    is_kept = row.wants_saving and row.method == Payment.Method.CARD and row.status == BankPayment.Status.SUCCEEDED
    return PaymentState(
        gateway_id=str(row.number),
        status=STATUSES[BankPayment.Status(row.status)],
        amount=row.amount,
        currency=CURRENCY,
        shop=SHOP,
        reference=row.reference,
        contract_number=row.contract_number,
        paid_at=row.paid_at,
        failure=row.failure,
        saved=Saved(str(row.number), f"Мир •• {row.card}") if is_kept else None,
        pay_url=page,
        qr=page if row.method == Payment.Method.SBP else "",
    )


# --- What the payer does, or time


def confirm(number: UUID, *, now: datetime, card: str = "", notices: int = 1) -> bool:
    """Paid. False when the payment was decided already."""
    return bool(
        _undecided(number).update(
            status=BankPayment.Status.SUCCEEDED,
            card=card,
            paid_at=now,
            confirm_at=None,
            notices_left=notices,
            next_notice_at=now,
        )
    )


def confirm_late(number: UUID, *, now: datetime, card: str = "") -> bool:
    return bool(_undecided(number).update(card=card, confirm_at=now + COMES_LATE))


def decline(number: UUID, *, failure: str, now: datetime) -> bool:
    """`failure` is a key of gateways.FAILURES."""
    changes = {"status": BankPayment.Status.CANCELLED, "failure": failure, "notices_left": 1, "next_notice_at": now}
    return bool(_undecided(number).update(**changes))


def settle_due(*, now: datetime) -> None:
    """What time decides: late confirmations, and payers who never came."""
    waiting = BankPayment.objects.filter(status=BankPayment.Status.WAITING)
    waiting.filter(confirm_at__lte=now).update(
        status=BankPayment.Status.SUCCEEDED, paid_at=F("confirm_at"), notices_left=1, next_notice_at=now
    )
    waiting.filter(confirm_at=None, created_at__lte=now - PAYER_HAS).update(
        status=BankPayment.Status.CANCELLED, failure="expired", notices_left=1, next_notice_at=now
    )


def _undecided(number: UUID) -> QuerySet[BankPayment]:
    return BankPayment.objects.filter(number=number, status=BankPayment.Status.WAITING, confirm_at=None)
