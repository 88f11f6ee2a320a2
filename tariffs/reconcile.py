"""What a contract's service does follows its money: it returns when there is enough, and stops when there is not.

The charge of a month that begins is not here but in `months`.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from accounts import contracts
from accounts.models import Contract
from billing import charges, outlook
from billing.models import Account, LedgerEntry, PromisedPayment
from billing.outlook import Standing
from notifications import live, outbox
from notifications.models import Topic

State = Contract.State
LATELY = timedelta(minutes=15)
Change = Callable[[Standing, datetime], bool]


def run(*, now: datetime) -> int:
    """Set right every contract whose service differs from its money; returns how many."""
    return _run(outlook.standing(now=now), now=now)


def run_lately_paid(*, now: datetime) -> int:
    """The same for contracts to which money has come, or a promise, a short while ago, and for those below zero.

    What a month costs is asked for each contract that is off; of a million, tens of thousands may be.
    """
    paid = LedgerEntry.objects.filter(account=OuterRef("pk"), at__gte=now - LATELY, amount__gt=0)
    promised = PromisedPayment.objects.filter(account=OuterRef("pk"), granted_at__gte=now - LATELY)
    off = Account.objects.filter(contract__state=State.SUSPENDED_FOR_DEBT)
    ids = list(off.filter(Exists(paid) | Exists(promised)).values_list("pk", flat=True))
    return _run(outlook.standing(now=now), now=now, only=ids)


def _run(accounts: QuerySet[Any], *, now: datetime, only: list[int] | None = None) -> int:
    off = accounts if only is None else accounts.filter(pk__in=only)
    in_debt = off.filter(contract__state=State.SUSPENDED_FOR_DEBT, money__gte=F("due"))
    # The first condition is cheap and rules out nearly all; the second looks for an open promise.
    below = accounts.filter(contract__state=State.ACTIVE, balance__lt=-F("credit_limit")).filter(money__lt=0)
    return _each(in_debt, contract, now=now) + _each(below, contract, now=now)


def contract(contract_id: int, *, now: datetime) -> bool:
    """One contract under its lock: the tasks of two workers do it once. False if there was nothing to do."""
    return _locked(contract_id, _set_right, now=now)


def _each(accounts: QuerySet[Any], act: Callable[..., bool], *, now: datetime) -> int:
    ids: Iterable[int] = list(accounts.values_list("pk", flat=True))
    return sum(act(contract_id, now=now) for contract_id in ids)


@transaction.atomic
def _locked(contract_id: int, change: Change, *, now: datetime) -> bool:
    Account.objects.lock(contract_id)
    return change(outlook.stand(contract_id, now=now), now)


def _set_right(standing: Standing, now: datetime) -> bool:
    state = standing.contract.state
    if state == State.SUSPENDED_FOR_DEBT and standing.money >= standing.due:
        return _return(standing, now)
    if state == State.ACTIVE and standing.money < 0:
        return _stop(standing, now)
    return False


def _return(standing: Standing, now: datetime) -> bool:
    charged = standing.due
    if not contracts.return_to_service(standing.contract, now=now):
        return False
    if charged:
        charges.post(standing.contract.pk, standing.lines(standing.today), now=now)
    _tell(standing, "service_returned", now, charged=str(charged) if charged else "")
    return True


def _stop(standing: Standing, now: datetime) -> bool:
    if not contracts.suspend_for_debt(standing.contract, now=now):
        return False
    _tell(standing, "service_stopped", now, missing=str(standing.due - standing.money))
    return True


def _tell(standing: Standing, kind: str, now: datetime, **facts: str) -> None:
    outbox.tell(standing.contract.pk, Topic.MONEY, kind, about=f"service:{now.isoformat()}", now=now, **facts)
    live.publish(standing.contract.pk, "balance")
