"""The months from which the days of a pause are chosen: each day is a link, so it works without a script."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import urlencode

from django.conf import settings

from billing import shares
from tariffs.suspension_days import DAY, Span, fee_on, last_possible

SHEETS = 2


@dataclass(frozen=True)
class Cell:
    """`mark` is used, free or paid for a day of a pause, else empty; `query` chooses the day, where that may be."""

    day: date
    mark: str = ""
    query: str = ""
    is_today: bool = False


@dataclass(frozen=True)
class Sheet:
    """A month; None stands for the days of its neighbours."""

    first: date
    weeks: list[list[Cell | None]]


@dataclass(frozen=True)
class Choice:
    """What is chosen so far. `spans` are the pauses that there are; `is_open` lets days be chosen."""

    today: date
    spans: Sequence[Span]
    first: date | None = None
    last: date | None = None
    is_open: bool = True

    @property
    def earliest(self) -> date:
        """The first day that a pause may begin on."""
        day = self.today + DAY
        while day <= self.latest and last_possible(self.spans, day) < day:
            day = date(day.year + 1, 1, 1)
        return day

    @property
    def latest(self) -> date:
        return self.today + timedelta(days=settings.SUSPENSION_AHEAD_DAYS)

    def cell(self, day: date) -> Cell:
        return Cell(day, self._mark(day), self._query(day), day == self.today)

    def _mark(self, day: date) -> str:
        if any(span.first <= day <= span.last for span in self.spans):
            return "used"
        if self.first is None or not self.first <= day <= (self.last or self.first):
            return ""
        chosen = Span(self.first, self.last or self.first)
        return "paid" if fee_on([*self.spans, chosen], day) else "free"

    def _query(self, day: date) -> str:
        if not self.is_open:
            return ""
        if self.first and not self.last and day > self.first:
            return urlencode({"first": self.first, "last": day}) if self._may_be_last(self.first, day) else ""
        may_be_first = self.earliest <= day <= self.latest and last_possible(self.spans, day) >= day
        return urlencode({"first": day}) if may_be_first else ""

    def _may_be_last(self, first: date, day: date) -> bool:
        enough = first + timedelta(days=int(settings.SUSPENSION_DAYS_LEAST) - 1)
        return enough <= day <= last_possible(self.spans, first)


def sheets(choice: Choice, month: date) -> list[Sheet]:
    """`month` is the first of them."""
    firsts = (shares.first_of_month(month, ahead) for ahead in range(SHEETS))
    return [Sheet(first, list(_weeks(choice, first))) for first in firsts]


def _weeks(choice: Choice, first: date) -> Iterator[list[Cell | None]]:
    for week in Calendar().monthdatescalendar(first.year, first.month):
        yield [choice.cell(day) if day.month == first.month else None for day in week]


def turned(choice: Choice, month: date) -> tuple[str, str]:
    """The queries of the months before and after; empty where there is nothing more to see."""
    chosen = {name: day for name, day in (("first", choice.first), ("last", choice.last)) if day}
    before, after = shares.first_of_month(month, -SHEETS), shares.first_of_month(month, SHEETS)
    start = date(choice.today.year, 1, 1)
    return (
        urlencode(chosen | {"month": f"{before:%Y-%m}"}) if shares.first_of_month(month, -1) >= start else "",
        urlencode(chosen | {"month": f"{after:%Y-%m}"}) if after <= choice.latest else "",
    )
