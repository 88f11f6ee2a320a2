"""The days of pauses and what each costs: arithmetic only.

The days of a calendar year count together: so many may be paused, the first of them are free, the others cost a fee.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings

from billing.charges import Line
from billing.models import EntryKind
from tariffs.models import Suspension

NOTHING = Decimal(0)
DAY = timedelta(days=1)
Dated = tuple[date, Line]


@dataclass(frozen=True)
class Span:
    """Days of a pause, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def within(self, year: int) -> int:
        """How many of its days lie in a calendar year."""
        first, last = max(self.first, date(year, 1, 1)), min(self.last, date(year, 12, 31))
        return max((last - first).days + 1, 0)

    def each_day(self) -> Iterator[date]:
        return (self.first + timedelta(days=ahead) for ahead in range(self.days))


@dataclass(frozen=True)
class Year:
    """A calendar year's days of pause: how many are used, and how many are left, of them free."""

    year: int
    used: int

    @property
    def left(self) -> int:
        return max(int(settings.SUSPENSION_DAYS_MOST) - self.used, 0)

    @property
    def free_left(self) -> int:
        return min(max(int(settings.SUSPENSION_FREE_DAYS) - self.used, 0), self.left)


def spans_of(rows: Iterable[Suspension]) -> list[Span]:
    """Of the pauses that took place, run or are planned."""
    return [Span(row.starts_on, row.ends_on) for row in rows if row.state != Suspension.State.CANCELLED]


def year_of(spans: Iterable[Span], year: int) -> Year:
    return Year(year, sum(span.within(year) for span in spans))


def fee_on(spans: Iterable[Span], day: date) -> Decimal:
    """What a day of pause costs: nothing for the first days of its calendar year."""
    paused = (Span(max(span.first, date(day.year, 1, 1)), min(span.last, day)) for span in spans)
    number = sum(max(span.days, 0) for span in paused)
    return Decimal(settings.SUSPENSION_DAY_FEE) if number > settings.SUSPENSION_FREE_DAYS else NOTHING


def day_lines(spans: Sequence[Span], days: Span, key: str) -> list[Dated]:
    """The daily fees of some days; `spans` are all pauses of the contract, this one among them."""
    costs = ((day, fee_on(spans, day)) for day in days.each_day())
    return [
        (day, Line(f"{key}:{day}", EntryKind.CHARGE, -fee, f"Добровольная блокировка, {day:%d.%m.%Y}"))
        for day, fee in costs
        if fee
    ]


def last_possible(spans: Sequence[Span], first: date) -> date:
    """How far a pause from `first` may go by the days left of its years; the day before it for no days at all."""
    last, start = first - DAY, first
    while True:
        end = date(start.year, 12, 31)
        last = min(start + timedelta(days=year_of(spans, start.year).left - 1), end)
        if last < end or start.year > first.year:
            return last
        start = end + DAY
