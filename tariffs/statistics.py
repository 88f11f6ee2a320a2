"""What a contract used and spent, by days, months and years; from the sums of days, however many hours there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, Q, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, TruncDate, TruncMonth
from django.utils import timezone

from accounts.local_time import midnight
from accounts.models import Contract
from billing.models import EntryKind, LedgerEntry
from billing.shares import first_of_month
from tariffs import periods, savings
from tariffs.models import TrafficDay
from tariffs.periods import Kind, Period

# What services cost: fees and charges, less what was returned and taken off. Corrections by staff are not spending.
SPENDING = (EntryKind.MONTH, EntryKind.CHARGE, EntryKind.REFUND, EntryKind.DISCOUNT)
MONTHS_SHOWN = 6  # of spending beside a week or a month
MONTHS_APART = 24  # all time in longer tenures is told by years
NOTHING = Decimal(0)


@dataclass(frozen=True)
class Traffic:
    """Bytes to the subscriber and from them, of the days from `since` on and before `until`."""

    since: date
    until: date
    down: int = 0
    up: int = 0

    @property
    def total(self) -> int:
        return self.down + self.up


@dataclass(frozen=True)
class Spending:
    """Rubles spent, and those that offers took off, of the days from `since` on and before `until`."""

    since: date
    until: date
    spent: Decimal = NOTHING
    saved: Decimal = NOTHING


@dataclass(frozen=True)
class Comparison:
    """With an earlier stretch of days; `percent` is None where there was nothing then."""

    period: Period
    percent: int | None

    @property
    def amount(self) -> int:
        return abs(self.percent or 0)


@dataclass(frozen=True)
class Statistics:
    period: Period
    traffic: list[Traffic]
    spending: list[Spending]
    total: Traffic
    money: Spending
    traffic_change: Comparison | None = None
    spending_change: Comparison | None = None
    earlier: Period | None = None
    later: Period | None = None

    @property
    def is_by_years(self) -> bool:
        return self.period.kind == Kind.ALL and _is_long(self.period)


def of(contract: Contract, period: Period, *, today: date) -> Statistics:
    """Two queries: days of the period and of the one it is compared with, and sums of the ledger."""
    compared = periods.compared_with(period, started_on=contract.started_on, today=today)
    since = compared.since if compared else _begins(period)
    used, paid = _traffic(contract, period, since), _spending(contract, period, min(since, _months_since(period)))
    total = _used_in(used, _begins(period), period.until)
    money = _paid_in(paid, _begins(period), period.until)
    return Statistics(
        period=period,
        traffic=[_used_in(used, *days) for days in _steps(period)],
        spending=[_paid_in(paid, *days) for days in _months(period)],
        total=total,
        money=money,
        traffic_change=_change(compared, total.total, lambda *days: _used_in(used, *days).total),
        spending_change=_change(compared, money.spent, lambda *days: _paid_in(paid, *days).spent),
        earlier=periods.before(period) if period.kind != Kind.ALL and period.since > contract.started_on else None,
        later=periods.after(period) if period.until <= today else None,
    )


def traffic_rows(contract_id: int, since: date, until: date) -> list[Traffic]:
    """A row for each day with traffic. One query."""
    rows = _days(contract_id, since, until).order_by("day").values_list("day", "down", "up")
    return [Traffic(day, day + periods.DAY, down, up) for day, down, up in rows]


def spending_rows(contract_id: int, since: date, until: date, *, by: Any = TruncDate) -> list[Spending]:
    """A row for each local day, or month, on which something was spent or returned. One query."""
    entries = LedgerEntry.objects.filter(account=contract_id, kind__in=SPENDING)
    entries = entries.filter(at__gte=midnight(since), at__lt=midnight(until)).order_by()
    saved = Sum("amount", filter=Q(key__regex=savings.OF_AN_OFFER))
    nothing = Value(NOTHING, output_field=DecimalField())
    rows = entries.values(day=by("at")).annotate(spent=-Sum("amount"), saved=Coalesce(saved, nothing)).order_by("day")
    return [Spending(_date(row["day"]), _date(row["day"]) + periods.DAY, row["spent"], row["saved"]) for row in rows]


# --- Reading --------------------------------------------------------------------------------------------------------
def _days(contract_id: int, since: date, until: date) -> QuerySet[TrafficDay]:
    return TrafficDay.objects.filter(contract=contract_id, day__gte=since, day__lt=until)


def _traffic(contract: Contract, period: Period, since: date) -> list[Traffic]:
    if period.kind != Kind.ALL:
        return traffic_rows(contract.pk, since, period.until)
    months = _days(contract.pk, since, period.until).values(month=TruncMonth("day"))
    rows = months.annotate(down_sum=Sum("down"), up_sum=Sum("up")).order_by("month")
    return [Traffic(row["month"], row["month"], int(row["down_sum"]), int(row["up_sum"])) for row in rows]


def _spending(contract: Contract, period: Period, since: date) -> list[Spending]:
    by = TruncMonth if period.kind == Kind.ALL else TruncDate
    return spending_rows(contract.pk, since, _months(period)[-1][1], by=by)


def _date(moment: date | datetime) -> date:
    return timezone.localtime(moment).date() if isinstance(moment, datetime) else moment


# --- Adding up ------------------------------------------------------------------------------------------------------
def _used_in(rows: Iterable[Traffic], since: date, until: date) -> Traffic:
    found = [row for row in rows if since <= row.since < until]
    return Traffic(since, until, sum(row.down for row in found), sum(row.up for row in found))


def _paid_in(rows: Iterable[Spending], since: date, until: date) -> Spending:
    found = [row for row in rows if since <= row.since < until]
    return Spending(
        since, until, sum((row.spent for row in found), NOTHING), sum((row.saved for row in found), NOTHING)
    )


def _change(compared: Period | None, now: Any, then: Any) -> Comparison | None:
    if compared is None:
        return None
    earlier = then(compared.since, compared.until)
    return Comparison(compared, round((now - earlier) * 100 / earlier) if earlier > 0 else None)


def _is_long(period: Period) -> bool:
    return (period.last.year - period.since.year) * 12 + period.last.month - period.since.month >= MONTHS_APART


def _steps(period: Period) -> list[tuple[date, date]]:
    """Days of a week and of a month, months of a year, months or years of all time."""
    if period.kind in (Kind.WEEK, Kind.MONTH):
        count = (period.until - period.since).days
        return [(period.since + periods.DAY * n, period.since + periods.DAY * (n + 1)) for n in range(count)]
    return _months(period)


def _months(period: Period) -> list[tuple[date, date]]:
    """Of spending: those of a year, those up to a week or a month, months or years of all time."""
    if period.kind == Kind.ALL and _is_long(period):
        return [(date(year, 1, 1), date(year + 1, 1, 1)) for year in range(period.since.year, period.last.year + 1)]
    month, found = _months_since(period), []
    while month < period.until:
        found.append((month, first_of_month(month, 1)))
        month = first_of_month(month, 1)
    return found


def _begins(period: Period) -> date:
    """All time is read by months: the first one whole."""
    return first_of_month(period.since) if period.kind == Kind.ALL else period.since


def _months_since(period: Period) -> date:
    if period.kind in (Kind.WEEK, Kind.MONTH):
        return first_of_month(period.last, 1 - MONTHS_SHOWN)
    return first_of_month(period.since)
