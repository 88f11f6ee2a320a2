"""A year with «Марк» in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models.functions import TruncMonth

from accounts.models import Contract
from tariffs import events, periods, statistics
from tariffs.events import Events
from tariffs.periods import Kind, Period
from tariffs.statistics import Traffic


@dataclass(frozen=True)
class Review:
    """`busiest_month` and `busiest_day` are None in a year without traffic."""

    period: Period
    is_over: bool
    traffic: Traffic
    busiest_month: Traffic | None
    busiest_day: Traffic | None
    days_online: int
    spent: Decimal
    saved: Decimal
    events: Events


def of(contract: Contract, year: int, *, today: date) -> Review:
    """Three queries."""
    period = periods.containing(Kind.YEAR, date(year, 1, 1), started_on=contract.started_on, today=today)
    days = statistics.traffic_rows(contract.pk, period.since, period.until)
    money = statistics.spending_rows(contract.pk, period.since, period.until, by=TruncMonth)
    used = [day for day in days if day.total]
    return Review(
        period=period,
        is_over=period.until <= today,
        traffic=_sum(days, period.since, period.until),
        busiest_month=max(_by_months(used), key=_total, default=None),
        busiest_day=max(used, key=_total, default=None),
        days_online=len(used),
        spent=sum((row.spent for row in money), Decimal(0)),
        saved=sum((row.saved for row in money), Decimal(0)),
        events=events.of(contract.pk, period, today=today),
    )


def _by_months(days: list[Traffic]) -> list[Traffic]:
    months: dict[date, list[Traffic]] = {}
    for day in days:
        months.setdefault(day.since.replace(day=1), []).append(day)
    return [_sum(found, month, found[-1].until) for month, found in months.items()]


def _sum(rows: list[Traffic], since: date, until: date) -> Traffic:
    return Traffic(since, until, sum(row.down for row in rows), sum(row.up for row in rows))


def _total(row: Traffic) -> int:
    return row.total


def years(contract: Contract, today: date) -> list[int]:
    """Of which there is a review, newest first."""
    return list(range(today.year, min(contract.started_on.year, today.year) - 1, -1))
