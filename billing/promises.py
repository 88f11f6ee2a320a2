"""Promised payments: what is lent until a term, to whom, and how it ends.

A promise is not money. While it is open it counts towards what the service needs; the balance does not know it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import contracts
from accounts.local_time import midnight
from billing import outlook, promise_terms
from billing.models import Account, LedgerEntry, PromisedPayment
from billing.promise_terms import PromiseRefused as PromiseRefused
from billing.promise_terms import Terms
from billing.promise_terms import quote as quote
from notifications import live, outbox
from notifications.models import Notice, Topic

State = PromisedPayment.State
REMINDER = "promise_ends_tomorrow"


def of(contract_id: int) -> QuerySet[PromisedPayment]:
    """A contract's promises, newest first."""
    return PromisedPayment.objects.filter(account=contract_id).order_by("-granted_at", "-pk")


@transaction.atomic
def grant(contract_id: int, *, operation: UUID, now: datetime) -> PromisedPayment:
    """Lend what is missing until the term. The same operation is the same promise.

    Raises PromiseRefused with the reasons and the dates or sums that lift them.
    """
    Account.objects.lock(contract_id)
    past = list(of(contract_id))
    if done := next((promise for promise in past if promise.operation == operation), None):
        return done
    standing = outlook.stand(contract_id, now=now)
    terms = quote(standing, past, now=now)
    terms.refuse_if_locked()
    promise = _create(standing.account, terms, operation, now=now)
    _tell(
        promise, "promise_granted", now=now, sum=str(promise.amount), pay=str(terms.missing), until=_last_day(promise)
    )
    return promise


def _create(account: Account, terms: Terms, operation: UUID, *, now: datetime) -> PromisedPayment:
    # Not `create`: another contract may send the same operation at the same moment.
    promise, _is_new = PromisedPayment.objects.get_or_create(
        operation=operation,
        defaults={
            "account": account,
            "amount": terms.amount,
            "granted_at": now,
            "due_at": terms.due_at,
            "terms": terms.as_json(),
        },
    )
    if promise.account_id != account.pk:
        raise PromiseRefused(_("The page has grown old. Please send it again."))
    return promise


def settle(account: Account, *, before: Decimal, now: datetime) -> None:
    """Money has come to a locked account, whose balance was `before`: close what it pays for."""
    own = account.balance + account.credit_limit
    if own < 0:
        return
    waiting = account.promises.filter(state=State.OPEN) | account.promises.filter(state=State.BROKEN, repaid_at=None)
    for promise in waiting:
        if promise.state == State.BROKEN:
            promise.repaid_at = now
            promise.save(update_fields=["repaid_at"])
        elif own >= to_come(promise):
            _close(promise, State.KEPT, now=now)


def to_come(promise: PromisedPayment) -> Decimal:
    """What the promise was lent for and is not charged yet: until then the account may well be above zero."""
    lines = {line["key"]: -Decimal(line["amount"]) for line in promise.terms.get("lines", [])}
    if not lines:
        return Decimal(0)
    charged = LedgerEntry.objects.filter(key__in=lines).values_list("key", flat=True)
    return sum((amount for key, amount in lines.items() if key not in set(charged)), Decimal(0))


def to_pay(promise: PromisedPayment, own: Decimal) -> Decimal:
    """How much must come until the term; `own` as in `outlook.Standing`."""
    return max(to_come(promise) - own, Decimal(0))


def close_due(*, now: datetime) -> int:
    """Close the promises whose term is over; an account locked by somebody else is left to the next run."""
    over = PromisedPayment.objects.filter(state=State.OPEN, due_at__lte=now).order_by("due_at")
    return sum(_close_over(account_id, now=now) for account_id in over.values_list("account_id", flat=True))


@transaction.atomic
def _close_over(account_id: int, *, now: datetime) -> bool:
    account = Account.objects.lock_if_free(account_id)
    promise = account and account.promises.filter(state=State.OPEN, due_at__lte=now).first()
    if not account or not promise:
        return False
    own = account.balance + account.credit_limit
    if own >= 0:
        _close(promise, State.KEPT, now=now)
        return True
    _close(promise, State.BROKEN, now=now, owed=str(-own))
    contracts.suspend_for_debt(account.contract, reason=_("The promised payment was not paid."), now=now)
    return True


def _close(promise: PromisedPayment, state: PromisedPayment.State, *, now: datetime, **facts: str) -> None:
    promise.state, promise.closed_at = state, now
    promise.save(update_fields=["state", "closed_at"])
    _tell(promise, f"promise_{state.value}", now=now, sum=str(promise.amount), **facts)


def remind(*, now: datetime) -> int:
    """Tell those whose promise ends tomorrow, once each, what they still have to pay."""
    ends = midnight(timezone.localdate(now) + timedelta(days=2))
    told = Notice.objects.filter(contract=OuterRef("account"), kind=REMINDER, at__gte=OuterRef("granted_at"))
    ending = PromisedPayment.objects.filter(~Exists(told), state=State.OPEN, due_at=ends).select_related("account")
    for promise in ending:
        own = promise.account.balance + promise.account.credit_limit
        _tell(promise, REMINDER, now=now, pay=str(to_pay(promise, own)), until=_last_day(promise))
    return len(ending)


def _tell(promise: PromisedPayment, kind: str, *, now: datetime, **facts: Any) -> None:
    outbox.tell(promise.account_id, Topic.MONEY, kind, about=f"promise:{promise.pk}", now=now, **facts)
    live.publish(promise.account_id, "balance")


def _last_day(promise: PromisedPayment) -> str:
    return str(promise_terms.last_day(promise.due_at))
