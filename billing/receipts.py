"""Fiscal receipts (54-ФЗ): each payment and each refund has one, registered through the gateway, never twice."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import uuid4

import structlog
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts import journal
from accounts.models import User
from billing import gateways
from billing.gateways import NotOffered, ReceiptState, Refused, Status, Unknown
from billing.models import Payment, Receipt, Refund
from notifications import live

State = Receipt.State
UNDER_WAY = (State.WAITING, State.SENT)
# Together shorter than a gateway remembers a key (24 hours): asked later with it, it might register a second receipt.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=1)
A_ROUND = 60  # receipts sent in one run of the task
GIVEN_UP = gettext_noop(
    "no answer in time: see in the gateway's cabinet whether it is registered before you send it again"
)

log = structlog.get_logger(__name__)


class ReceiptRefused(Exception):
    """The message says to the member of staff why it cannot be sent again."""


def create(payment: Payment, *, now: datetime) -> Receipt:
    """The receipt that a payment must have, in the transaction that credits it; sent afterwards by a task."""
    return Receipt.objects.create(payment=payment, amount=payment.amount, **_to_send(payment, now=now))


def create_return(refund: Refund, *, now: datetime) -> Receipt:
    """The receipt of money given back, in the transaction that learns of it; a refund has one, however often asked."""
    receipt, _is_new = Receipt.objects.get_or_create(
        refund=refund,
        defaults={
            "kind": Receipt.Kind.RETURN,
            "payment": refund.payment,
            "amount": refund.amount,
            **_to_send(refund.payment, now=now),
        },
    )
    return receipt


def _to_send(payment: Payment, *, now: datetime) -> dict[str, object]:
    """A terminal gives its own receipt on paper, as the payment agent's law (103-ФЗ) has it."""
    is_agents = payment.method == Payment.Method.TERMINAL
    return {
        "operation": uuid4(),
        "contact": payment.contact,
        "created_at": now,
        "state": State.BY_AGENT if is_agents else State.WAITING,
        "next_try_at": None if is_agents else now,
    }


# --- Asking the gateway: never in a transaction


def send_due(*, now: datetime) -> int:
    """Send what is due, and ask about what is being registered. Returns how many were.

    A gateway that does not answer is left alone for the rest of the round.
    """
    silent: set[str] = set()
    for count in range(A_ROUND):
        receipt = _claim(silent, now=now)
        if receipt is None:
            return count
        _send(receipt, silent, now=now)
    return A_ROUND


@transaction.atomic
def _claim(silent: set[str], *, now: datetime) -> Receipt | None:
    """The next due receipt; its next time is set first, so that a worker that dies here only delays it."""
    due = Receipt.objects.filter(state__in=UNDER_WAY, next_try_at__lte=now).exclude(payment__gateway__in=silent)
    rows = due.select_for_update(no_key=True, skip_locked=True, of=("self",)).order_by("next_try_at", "pk")
    receipt = rows.select_related("payment__account__contract", "refund").first()
    if receipt:
        receipt.attempts += 1
        receipt.next_try_at = now + _pause(receipt.attempts)
        receipt.save(update_fields=["attempts", "next_try_at"])
    return receipt


def _pause(attempts: int) -> timedelta:
    doublings: int = 2 ** min(attempts - 1, 10)
    return min(FIRST_PAUSE * doublings, LONGEST_PAUSE)


def _send(receipt: Receipt, silent: set[str], *, now: datetime) -> None:
    """The key is always the receipt's own: sent ten times, it is registered once."""
    gateway = receipt.payment.gateway
    try:
        state = gateways.get(gateway).send_receipt(receipt)
    except (Refused, NotOffered) as error:
        _fail(receipt.pk, str(error) or type(error).__name__, now=now)
    except (Unknown, LookupError) as error:  # no answer; or the gateway is switched off for a while
        silent.add(gateway)
        log.warning("receipt_unanswered", receipt=receipt.pk, attempts=receipt.attempts, error=str(error))
        _give_up_if_long(receipt, now=now)
    else:
        learn(receipt.pk, state, now=now)
        _give_up_if_long(receipt, now=now)


@transaction.atomic
def learn(receipt_id: int, state: ReceiptState, *, now: datetime) -> Receipt:
    """Take the gateway's word; a registered receipt does not change any more."""
    receipt = _lock(receipt_id)
    if state.status == Status.SUCCEEDED and receipt.state != State.REGISTERED:
        return _register(receipt, state, now=now)
    if receipt.state not in UNDER_WAY:
        return receipt
    if state.status == Status.CANCELLED:
        # Its number is a dead one: sent again by staff it is to be a new receipt there, not a question about this one.
        receipt.gateway_id = ""
        receipt.save(update_fields=["gateway_id"])
        return _fail(receipt_id, state.error, now=now)
    receipt.state, receipt.gateway_id = State.SENT, state.gateway_id
    receipt.save(update_fields=["state", "gateway_id"])
    return receipt


def _register(receipt: Receipt, state: ReceiptState, *, now: datetime) -> Receipt:
    receipt.state, receipt.gateway_id = State.REGISTERED, state.gateway_id
    receipt.registered_at, receipt.next_try_at, receipt.error = state.registered_at or now, None, ""
    receipt.fiscal_drive, receipt.fiscal_document = state.fiscal_drive, state.fiscal_document
    receipt.fiscal_sign = state.fiscal_sign
    receipt.save()  # under its lock, as nothing else writes one
    live.publish(receipt.payment.account_id, "payment")
    return receipt


@transaction.atomic
def _fail(receipt_id: int, error: str, *, now: datetime) -> Receipt:
    """It will not be registered by itself: staff find it on their first page."""
    receipt = _lock(receipt_id)
    if receipt.state in UNDER_WAY:
        receipt.state, receipt.error, receipt.next_try_at = State.FAILED, error[:200], None
        receipt.save(update_fields=["state", "error", "next_try_at"])
        log.error("receipt_failed", receipt=receipt.pk, payment=receipt.payment_id, error=receipt.error)
    return receipt


def _give_up_if_long(receipt: Receipt, *, now: datetime) -> None:
    if receipt.attempts >= settings.RECEIPT_ATTEMPTS:
        _fail(receipt.pk, GIVEN_UP, now=now)


def _lock(receipt_id: int) -> Receipt:
    rows = Receipt.objects.select_for_update(no_key=True, of=("self",)).select_related("payment")
    return rows.get(pk=receipt_id)


# --- Staff


@transaction.atomic
def retry(receipt_id: int, *, by: User, now: datetime) -> Receipt:
    """Send a failed receipt again, under the same key. Raises ReceiptRefused."""
    receipt = _lock(receipt_id)
    if receipt.state != State.FAILED:
        raise ReceiptRefused(_("Only a failed receipt is sent again."))
    error, receipt.error = receipt.error, ""
    receipt.state = State.SENT if receipt.gateway_id else State.WAITING
    receipt.attempts, receipt.next_try_at = 0, now
    receipt.save(update_fields=["state", "error", "attempts", "next_try_at"])
    changes = {"contract": str(receipt.payment.account), "amount": str(receipt.amount), "error": error}
    journal.record(by, "receipt_retried", receipt, changes=changes, now=now)
    return receipt
