"""Why a service cannot be had now, and from which date or sum it could be, in the subscriber's words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Protocol

from django.db.models import Subquery
from django.utils.translation import gettext as _

from accounts.models import Contract
from accounts.templatetags.dates import day as written
from billing.outlook import Standing
from billing.templatetags.money import rubles
from tariffs.models import Suspension

NOTHING = Decimal(0)


@dataclass(frozen=True)
class Reason:
    """`missing` in rubles is what must be put on the account first."""

    text: str
    missing: Decimal | None = None
    from_when: date | None = None

    def __str__(self) -> str:
        return self.text


def paused_to(contract: Any) -> Subquery:
    """The last day of the pause that runs, for a query that the page asks anyway; `contract` leads to its key."""
    running = Suspension.objects.filter(contract=contract, state=Suspension.State.RUNNING)
    return Subquery(running.values("ends_on")[:1])


def of_contract(standing: Standing, paused_to: date | None) -> Iterator[Reason]:
    """Why nothing that begins today can be had while the service is off."""
    state = standing.contract.state
    if state == Contract.State.TERMINATED:
        yield Reason(_("The contract has ended."))
    elif state == Contract.State.SUSPENDED_FOR_DEBT:
        yield _of_debt(max(standing.due - standing.money, NOTHING))
    elif state == Contract.State.SUSPENDED_BY_WISH:
        yield _of_pause(paused_to)


class Purse(Protocol):
    @property
    def own(self) -> Decimal:
        """The subscriber's own money in rubles, with the credit that the contract allows."""


def of_money(standing: Purse, amount: Decimal) -> Iterator[Reason]:
    """Why lines of `amount` in all, signed, cannot be paid; an open promise is not money."""
    missing = -(standing.own + amount)
    if missing > 0:
        text = _("%(sum)s is missing on the account: top up first.")
        if standing.own < 0 and not amount:
            text = _("The account is %(sum)s below zero: top up first.")
        yield Reason(text % {"sum": rubles(missing)}, missing=missing)


def _of_debt(missing: Decimal) -> Reason:
    if not missing:
        return Reason(_("The service is off for debt, and returns by itself within a minute: the money is there."))
    text = _("The service is off for debt: put %(sum)s on the account first, and it returns by itself.")
    return Reason(text % {"sum": rubles(missing)}, missing=missing)


def _of_pause(last_day: date | None) -> Reason:
    if last_day is None:
        return Reason(_("The service is paused at your wish: possible once it runs again."))
    from_when = last_day + timedelta(days=1)
    text = _("The service is paused at your wish: possible from %(date)s, or earlier if you end the pause.")
    return Reason(text % {"date": written(from_when)}, from_when=from_when)
