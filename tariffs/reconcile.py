"""What a contract's service does follows its money: it returns when there is enough, and stops when there is not.

The charge of a month that begins is not here but in `months`.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet

from accounts import contracts
from accounts.models import Contract
from billing import charges, outlook
from billing.models import Account
from billing.outlook import Standing
from notifications import live, outbox
from notifications.models import Topic

State = Contract.State
Change = Callable[[Standing, datetime], bool]


def run(*, now: datetime) -> int:
    """Set right every contract whose service differs from its money; returns how many."""
    accounts = outlook.standing(now=now)
    in_debt = accounts.filter(contract__state=State.SUSPENDED_FOR_DEBT, money__gte=F("due"))
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
