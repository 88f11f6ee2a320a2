"""Money given back to the payer by staff: signed, debited, then sent to the gateway by a task."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import User
from billing import gateways, ledger, payments, receipts
from billing.gateways import NotOffered, RefundState, Refused, Status, Unknown
from billing.models import Account, EntryKind, Payment, Refund
from billing.templatetags.money import rubles
from notifications import outbox
from notifications.models import Topic

State = Refund.State
GIVES_NOTHING = (State.FAILED, State.REJECTED)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)
LEAST = ledger.KOPECK
A_ROUND = 40  # refunds sent in one run of the task

log = structlog.get_logger(__name__)


class RefundRefused(Exception):
    """The message says to the member of staff why not, and how much could be given back."""


def refundable(payment: Payment) -> Decimal:
    """How much can be given back now, rubles: what is left of the payment, and no more than the account holds."""
    if _not_at_all(payment):
        return Decimal(0)
    return max(min(_left_of(payment), payment.account.balance), Decimal(0))


def refusal(payment: Payment, amount: Decimal) -> str:
    """Why so much cannot be given back; empty when it can."""
    if reason := _not_at_all(payment):
        return reason
    left = _left_of(payment)
    if not left:
        return _("This payment is given back in full already, or on its way back.")
    if amount > left:
        return _("Only %(sum)s is left of this payment to give back.") % {"sum": rubles(left)}
    return _short_of_money(payment.account, amount)


def _not_at_all(payment: Payment) -> str:
    if payment.state != Payment.State.SUCCEEDED:
        return _("Only a credited payment can be given back.")
    if payment.method == Payment.Method.TERMINAL:
        return _("Money paid at a terminal cannot be sent back the same way: the terminal's owner gives it back.")
    if payment.gateway not in settings.PAYMENT_GATEWAYS:
        return _("The gateway %(gateway)s is switched off.") % {"gateway": payment.gateway}
    return ""


def _left_of(payment: Payment) -> Decimal:
    given = payment.refunds.exclude(state__in=GIVES_NOTHING).aggregate(sum=Sum("amount"))["sum"]
    return payment.amount - (given or Decimal(0))


def _short_of_money(account: Account, amount: Decimal) -> str:
    """The account must not go below zero by a refund: the money may be spent already."""
    if amount <= account.balance:
        return ""
    return _("The account holds %(sum)s; a refund must not take it below zero.") % {
        "sum": rubles(max(account.balance, Decimal(0)))
    }


@transaction.atomic
def propose(payment_id: int, *, operation: UUID, amount: Decimal, reason: str, author: User, now: datetime) -> Refund:
    """Give back `amount` rubles of a payment: at once up to the limit, above it after a second signature.

    Repeating an `operation` returns the first refund and does nothing else. Raises RefundRefused.
    """
    payment = payments.lock(payment_id)
    repeated = Refund.objects.filter(operation=operation).first()
    if repeated:
        return repeated
    if refused := refusal(payment, amount):
        raise RefundRefused(refused)
    refund = Refund.objects.create(
        operation=operation, payment=payment, amount=amount, reason=reason, author=author, created_at=now
    )
    if refund.needs_second:
        _journal(author, "refund_proposed", refund, now=now)
    else:
        _begin(refund, now=now)
        _journal(author, "refund_ordered", refund, now=now)
    return refund


@transaction.atomic
def approve(refund_id: int, *, by: User, now: datetime) -> Refund:
    """Put the second signature and take the money from the account. Raises RefundRefused."""
    refund = _lock_to_decide(refund_id, by=by)
    if refused := _short_of_money(refund.payment.account, refund.amount):
        raise RefundRefused(refused)
    refund.second = by
    _begin(refund, now=now)
    _journal(by, "refund_approved", refund, now=now)
    return refund


@transaction.atomic
def reject(refund_id: int, *, by: User, now: datetime) -> Refund:
    """Turn it down; nothing is given back. Raises RefundRefused."""
    refund = _lock_to_decide(refund_id, by=by)
    refund.state, refund.second, refund.decided_at, refund.finished_at = State.REJECTED, by, now, now
    refund.save(update_fields=["state", "second", "decided_at", "finished_at"])
    _journal(by, "refund_rejected", refund, now=now)
    return refund


def _lock(refund_id: int) -> Refund:
    """The refund under the lock of its account; the order is always account, then the rest."""
    account_id = Refund.objects.values_list("payment__account_id", flat=True).get(pk=refund_id)
    account = Account.objects.lock(account_id)
    refund = Refund.objects.select_for_update(no_key=True, of=("self",)).select_related("payment").get(pk=refund_id)
    refund.payment.account = account
    return refund


def _lock_to_decide(refund_id: int, *, by: User) -> Refund:
    refund = _lock(refund_id)
    if refund.author_id == by.pk:
        raise RefundRefused(_("The second signature must be another person's."))
    if refund.state != State.WAITING:
        raise RefundRefused(_("This refund is decided already."))
    return refund


def _begin(refund: Refund, *, now: datetime) -> None:
    """The account pays first: a gateway that has given the money back cannot be asked to undo it."""
    refund.state, refund.decided_at, refund.next_try_at = State.SENDING, now, now
    refund.save(update_fields=["state", "second", "decided_at", "next_try_at"])
    ledger.post(
        refund.payment.account_id,
        kind=EntryKind.PAYOUT,
        amount=-refund.amount,
        key=refund.key,
        title=refund.reason,
        author=refund.second or refund.author,
        now=now,
    )


# --- Asking the gateway: never in a transaction


def send_due(*, now: datetime) -> int:
    """Ask the gateways for what is signed, and again for what they left open. Returns how many were asked for."""
    for count in range(A_ROUND):
        refund = _claim(now=now)
        if refund is None:
            return count
        _send(refund, now=now)
    return A_ROUND


@transaction.atomic
def _claim(*, now: datetime) -> Refund | None:
    """The next due refund; its next time is set first, so that a worker that dies here only delays it."""
    _leave_to_staff(now=now)
    due = Refund.objects.filter(state=State.SENDING, next_try_at__lte=now).order_by("next_try_at", "pk")
    rows = due.select_for_update(no_key=True, skip_locked=True, of=("self",))
    refund = rows.select_related("payment__account__contract").first()
    if refund:
        refund.attempts += 1
        refund.next_try_at = now + _pause(refund.attempts)
        refund.save(update_fields=["attempts", "next_try_at"])
    return refund


def _leave_to_staff(*, now: datetime) -> None:
    """Asked with a key that the gateway has forgotten, it might give back twice; so a person looks there instead."""
    unanswered = Refund.objects.filter(state=State.SENDING, gateway_id="", attempts__gt=0, next_try_at__lte=now)
    unanswered.filter(decided_at__lte=now - payments.KEY_LIVES).update(next_try_at=None)


def _pause(attempts: int) -> timedelta:
    doublings = min(attempts - 1, 10)
    return min(FIRST_PAUSE * (1 << doublings), LONGEST_PAUSE)


def _send(refund: Refund, *, now: datetime) -> None:
    """The key is always the refund's own: asked ten times, the gateway gives back once."""
    try:
        state = gateways.get(refund.payment.gateway).refund(refund)
    except (Refused, NotOffered) as error:
        _fail(refund.pk, str(error), now=now)
    except (Unknown, LookupError) as error:  # no answer; or the gateway is switched off for a while
        log.warning("refund_unanswered", refund=refund.pk, attempts=refund.attempts, error=str(error))
    else:
        learn(refund.pk, state, now=now)


@transaction.atomic
def settle(refund_id: int, *, is_given: bool, by: User, now: datetime) -> Refund:
    """What a person has seen at the gateway about a refund that it never answered. Raises RefundRefused."""
    refund = _lock(refund_id)
    if not refund.is_unanswered:
        raise RefundRefused(_("This refund does not wait for anybody's word."))
    _journal(by, "refund_settled", refund, now=now)
    return _succeed(refund, now=now) if is_given else _fail(refund_id, _("Not found at the gateway"), now=now)


@transaction.atomic
def learn(refund_id: int, state: RefundState, *, now: datetime) -> Refund:
    """Take the gateway's word; a finished refund does not change any more."""
    refund = _lock(refund_id)
    if refund.state != State.SENDING:
        return refund
    if state.status == Status.CANCELLED:
        return _fail(refund_id, state.failure, now=now)
    refund.gateway_id = state.gateway_id
    refund.save(update_fields=["gateway_id"])
    return _succeed(refund, now=now) if state.status == Status.SUCCEEDED else refund


def _succeed(refund: Refund, *, now: datetime) -> Refund:
    refund.state, refund.next_try_at, refund.finished_at = State.SUCCEEDED, None, now
    refund.save(update_fields=["state", "next_try_at", "finished_at"])
    receipts.create_return(refund, now=now)
    _journal(None, "refund_succeeded", refund, now=now)
    payment = refund.payment
    facts = {"sum": str(refund.amount), "paid_at": (payment.paid_at or payment.created_at).isoformat()}
    outbox.tell(payment.account_id, Topic.MONEY, "refund_given", about=refund.key, now=now, **facts)
    return refund


@transaction.atomic
def _fail(refund_id: int, failure: str, *, now: datetime) -> Refund:
    """The gateway has not done it and will not: the account gets its money again, staff see why."""
    refund = _lock(refund_id)
    if refund.state != State.SENDING:
        return refund
    refund.state, refund.next_try_at, refund.finished_at = State.FAILED, None, now
    refund.failure = failure[:200]
    refund.save(update_fields=["state", "next_try_at", "finished_at", "failure"])
    ledger.post(
        refund.payment.account_id,
        kind=EntryKind.PAYOUT,
        amount=refund.amount,
        key=f"{refund.key}:returned",
        title=_("The refund did not go through"),
        now=now,
    )
    _journal(None, "refund_failed", refund, now=now)
    log.error("refund_failed", refund=refund.pk, failure=refund.failure)
    return refund


def _journal(actor: User | None, action: str, refund: Refund, *, now: datetime) -> None:
    changes = {"contract": str(refund.payment.account), "amount": str(refund.amount), "reason": refund.reason}
    if refund.failure:
        changes["failure"] = refund.failure
    journal.record(actor, action, refund, changes=changes, now=now)
