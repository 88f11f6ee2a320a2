"""Weeks, months and years of statistics: where they begin and end, and with what they are fairly compared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from billing.shares import first_of_month

DAY, WEEK = timedelta(days=1), timedelta(days=7)


class Kind(StrEnum):
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    ALL = "all"


@dataclass(frozen=True)
class Period:
    """Local days from `since` on; `until` is the first day after it."""

    kind: Kind
    since: date
    until: date

    @property
    def last(self) -> date:
        return self.until - DAY

    def __contains__(self, day: date) -> bool:
        return self.since <= day < self.until


def containing(kind: Kind, day: date, *, started_on: date, today: date) -> Period:
    """The whole week, month or year around a day; all time is from the start of the contract until today."""
    if kind == Kind.ALL:
        return Period(kind, min(started_on, today), today + DAY)
    if kind == Kind.WEEK:
        monday = day - timedelta(days=day.weekday())
        return Period(kind, monday, monday + WEEK)
    if kind == Kind.MONTH:
        return Period(kind, first_of_month(day), first_of_month(day, 1))
    return Period(kind, date(day.year, 1, 1), date(day.year + 1, 1, 1))


def before(period: Period) -> Period:
    """The one before a week, a month or a year."""
    return containing(period.kind, period.since - DAY, started_on=period.since, today=period.since)


def after(period: Period) -> Period:
    return containing(period.kind, period.until, started_on=period.until, today=period.until)


def compared_with(period: Period, *, started_on: date, today: date) -> Period | None:
    """The period before; of one under way the same part of it. None where the contract did not have all of that."""
    if period.kind == Kind.ALL or before(period).since < started_on:
        return None
    earlier, tomorrow = before(period), today + DAY
    if period.until <= tomorrow:
        return earlier
    if period.kind == Kind.YEAR:
        return Period(Kind.YEAR, earlier.since, _year_before(tomorrow))
    return Period(period.kind, earlier.since, min(earlier.since + (tomorrow - period.since), earlier.until))


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:  # 29 February, the day after the 28th
        return date(day.year - 1, 3, 1)
