"""What an account will hold on each of the next days, if nothing more is paid in.

The fees and the promise come from `outlook.stand`, as everywhere; the rules are those of the month: a month is charged
on its 1st when the money, the credit and the promise cover it, else the service stops and nothing is charged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum

from django.utils import timezone

from accounts.local_time import midnight
from accounts.models import Contract
from billing import parts
from billing.outlook import Standing
from billing.shares import first_of_month

DAYS = 60


class Event(Enum):
    FEE = "fee"
    TERM = "term"  # the last day of a promised payment
    STOP = "stop"  # a month that cannot be paid, or a promise that was not kept


@dataclass(frozen=True)
class Line:
    """One day on which something happens; `amount` is signed, zero where no money moves."""

    on: date
    event: Event
    amount: Decimal
    balance: Decimal
    missing: Decimal = Decimal(0)
    charges: tuple[parts.Step, ...] = ()  # the lines of the ledger


@dataclass(frozen=True)
class Forecast:
    today: date
    balance: Decimal
    lines: list[Line]

    @property
    def end(self) -> date:
        return self.today + timedelta(days=DAYS)

    @property
    def below_zero_on(self) -> date | None:
        """The first day on which the account owes, today included."""
        if self.balance < 0:
            return self.today
        return next((line.on for line in self.lines if line.balance < 0), None)

    @property
    def stop(self) -> Line | None:
        """The line at which the service stops; there is none after it."""
        return next((line for line in self.lines if line.event == Event.STOP), None)


def of(standing: Standing, *, now: datetime) -> Forecast | None:
    """None where nothing is charged by the month, or not while the service is off."""
    if standing.contract.state != Contract.State.ACTIVE or standing.fee is None:
        return None
    today = timezone.localdate(now)
    lines: list[Line] = []
    balance = standing.account.balance
    for on, event in _days(standing, today):
        if event == Event.FEE and not standing.months.fee(on):
            continue
        line = _line(standing, on, event, balance)
        lines.append(line)
        balance = line.balance
        if line.event == Event.STOP:
            break
    return Forecast(today, standing.account.balance, lines)


def _days(standing: Standing, today: date) -> list[tuple[date, Event]]:
    """The firsts of the months to come and the term of the promise, in order; the term is the last day it holds."""
    months = (first_of_month(today, ahead) for ahead in range(1, DAYS // 28 + 2))
    days = [(month, Event.FEE) for month in months]
    if standing.promised_until:
        days.append((timezone.localdate(standing.promised_until - timedelta(microseconds=1)), Event.TERM))
    return sorted(((on, event) for on, event in days if on <= today + timedelta(days=DAYS)), key=lambda day: day[0])


def _line(standing: Standing, on: date, event: Event, balance: Decimal) -> Line:
    if event == Event.TERM:
        is_kept = balance >= 0
        return Line(on, Event.TERM if is_kept else Event.STOP, Decimal(0), balance, max(-balance, Decimal(0)))
    charges = standing.lines(on)
    fee = -sum((line.amount for line in charges), Decimal(0))
    missing = fee - balance - standing.account.credit_limit - _promised(standing, on)
    if missing > 0:
        return Line(on, Event.STOP, Decimal(0), balance, missing)
    return Line(on, Event.FEE, -fee, balance - fee, charges=tuple(parts.steps(balance, charges, on)))


def _promised(standing: Standing, on: date) -> Decimal:
    """What the promise lends to a month that begins on this day."""
    begins = midnight(on)
    return standing.promised if standing.promised_until and begins < standing.promised_until else Decimal(0)
