"""What a switch of tariff moves: its own lines, and the months' charges around them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

from django.conf import settings

from billing import charges, outlook, shares
from billing.charges import Line
from billing.models import EntryKind
from billing.outlook import Standing
from tariffs import holding, pricing, turbo_terms
from tariffs.holding import Holding
from tariffs.models import Tariff
from tariffs.pricing import Part, Picture

KEY = "switch"  # of lines that have no switch yet


@dataclass(frozen=True)
class When:
    """At once, or on a day to come."""

    on: date
    is_at_once: bool = False

    @property
    def is_free(self) -> bool:
        """From the beginning of a month nothing is paid for switching, and it may be done every month."""
        return not self.is_at_once and self.on.day == 1

    @classmethod
    def now(cls, today: date) -> When:
        return cls(today, is_at_once=True)

    @classmethod
    def next_month(cls, today: date) -> When:
        return cls(shares.first_of_month(today, 1))


def days(today: date) -> tuple[date, date]:
    """The first and the last day that a switch may be planned for."""
    return today + timedelta(days=1), today + timedelta(days=settings.SWITCH_DAYS_AHEAD)


@dataclass(frozen=True)
class Step(charges.Step):
    """`is_own`: posted by the switch itself; the others are the months' charges around it."""

    is_own: bool

    @property
    def note(self) -> str:
        return str(self.line.kind.label)


@dataclass(frozen=True)
class Ground:
    """What a contract has, and how its money stands: all that a switch is decided on."""

    standing: Standing
    holding: Holding
    now: datetime

    @property
    def today(self) -> date:
        return self.standing.today

    @cached_property
    def tariff(self) -> Tariff | None:
        """That of today."""
        return self.holding.tariff(self.today)


def ground(contract_id: int, *, now: datetime, also: int | None = None) -> Ground:
    """Three queries. Decide on it only under the account's lock. `also` is a tariff that may not be on sale."""
    standing = outlook.stand(contract_id, now=now)
    return Ground(standing, holding.of(standing.contract, today=standing.today, also=also), now)


def steps(ground: Ground, tariff: Tariff, when: When) -> Iterator[Step]:
    return balanced(ground, _at_once(ground, tariff) if when.is_at_once else _planned(ground, tariff, when))


def balanced(ground: Ground, rows: Iterable[tuple[date, Line, bool]]) -> Iterator[Step]:
    balance = ground.standing.account.balance
    for on, line, is_own in rows:
        balance += line.amount
        yield Step(on, line, balance, is_own)


def _at_once(ground: Ground, tariff: Tariff) -> Iterator[tuple[date, Line, bool]]:
    today, is_charged = ground.today, ground.standing.is_month_charged
    own = own_lines(ground, tariff, today, is_free=False, is_charged=is_charged)
    yield from ((today, line, True) for line in [*turbo_lines(ground, tariff), *own])
    if not is_charged and not any(line.kind == EntryKind.MONTH for line in own):
        month = pricing.month_lines(ground.holding.under(tariff, today), shares.first_of_month(today))
        yield from ((today, line, False) for line in month)


def _planned(ground: Ground, tariff: Tariff, when: When) -> Iterator[tuple[date, Line, bool]]:
    """Each month until then under the old tariff, then the switch; one from a 1st is in the charge of its month."""
    if when.on > days(ground.today)[1]:
        return
    if not ground.standing.is_month_charged:
        first = shares.first_of_month(ground.today)
        yield from _month(ground.today, pricing.month_lines(ground.holding.picture(ground.today), first))
    for day in _firsts(ground.today, when.on):
        picture = ground.holding.under(tariff, day) if day == when.on else ground.holding.picture(day)
        yield from _month(day, pricing.month_lines(picture, day))
    if not when.is_free:
        own = own_lines(ground, tariff, when.on, is_free=False, is_charged=True)
        yield from ((when.on, line, True) for line in own)


def _month(on: date, lines: list[Line]) -> Iterator[tuple[date, Line, bool]]:
    return ((on, line, False) for line in lines)


def _firsts(today: date, until: date) -> Iterator[date]:
    ahead = 1
    while (first := shares.first_of_month(today, ahead)) <= until:
        yield first
        ahead += 1


def turbo_lines(ground: Ground, tariff: Tariff) -> list[Line]:
    """What a running boost gives back when the new tariff has nothing to speed up; the turbo button posts it."""
    boost = ground.holding.boost
    if boost is None or tariff.has_internet or boost.ends_at <= ground.now:
        return []
    return turbo_terms.back_lines(boost, ground.holding.presses, ground.now)


def own_lines(ground: Ground, tariff: Tariff, day: date, *, is_free: bool, is_charged: bool) -> list[Line]:
    """What the switch itself moves: days given back, days charged, and the fee for switching."""
    old, new = ground.holding.picture(day), ground.holding.under(tariff, day)
    lines = list(_change(old, new, day, is_free=is_free, is_charged=is_charged))
    if tariff.switch_fee and not is_free:
        # In the ledger's language: a line is written once and read in both.
        title = f"Переход на тариф «{tariff.name}»"
        lines.append(Line(f"{KEY}:fee", EntryKind.CHARGE, -tariff.switch_fee, title))
    return lines


def _change(old: Picture, new: Picture, day: date, *, is_free: bool, is_charged: bool) -> Iterator[Line]:
    had, has = pricing.parts(old), pricing.parts(new)
    if is_charged:
        yield from pricing.back(_without(had, has), day, f"{KEY}:back")
        yield from pricing.rest_of(_without(has, had), day, f"{KEY}:rest")
    elif not is_free and not any(part.fee for part in had):
        # Nothing was to be charged this month, so it begins to be with the switch.
        yield from pricing.month_lines(new, day)


def _without(some: list[Part], others: list[Part]) -> list[Part]:
    """Those parts that the switch ends or begins; what stays as it is moves no money."""
    return [part for part in some if part not in others]
