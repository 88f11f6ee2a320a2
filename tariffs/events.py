"""What happened to a contract in some days besides traffic and fees: pauses, stops, promises, turbo, top-ups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, Count, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Cast, JSONObject
from django.utils import timezone

from accounts.local_time import midnight
from accounts.models import Contract, JournalEntry
from billing.models import EntryKind, LedgerEntry, PromisedPayment
from tariffs import usage
from tariffs.models import Press, Subscription, Suspension
from tariffs.periods import DAY, Period
from tariffs.usage import Volume

Pause = Suspension.State
Days = tuple[date, date]  # both included


@dataclass(frozen=True)
class Events:
    """`paused` and `stopped` are days; `volume` is of the current month, whatever the days are."""

    has_internet: bool
    volume: Volume | None
    paused: int
    stopped: int
    top_ups: int
    topped_up: Decimal
    promises: int
    presses: int
    press_hours: int


def of(contract_id: int, period: Period, *, today: date) -> Events:
    """One query."""
    row: Any = _read(contract_id, period, today)
    return Events(
        has_internet=row.speed is not None,
        volume=_volume(row, today),
        paused=_count([_days_of(pause) for pause in row.pauses], period, today),
        stopped=_count(_stops(row.changes, today), period, today),
        top_ups=row.top_ups or 0,
        topped_up=row.topped_up or Decimal(0),
        promises=row.promises or 0,
        presses=row.presses or 0,
        press_hours=row.press_hours or 0,
    )


def _read(contract_id: int, period: Period, today: date) -> Contract:
    tariff = Subscription.objects.in_force(today).filter(contract=OuterRef("pk"))
    since, until = midnight(period.since), midnight(period.until)
    top_ups = LedgerEntry.objects.filter(account=OuterRef("pk"), kind=EntryKind.TOP_UP, amount__gt=0)
    top_ups = top_ups.filter(at__gte=since, at__lt=until)
    promises = PromisedPayment.objects.filter(account=OuterRef("pk"), granted_at__gte=since, granted_at__lt=until)
    presses = Press.objects.filter(boost__contract=OuterRef("pk"), at__gte=since, at__lt=until)
    return Contract.objects.annotate(
        speed=Subquery(tariff.values("tariff__speed_down")[:1]),
        volume_gb=Subquery(tariff.values("tariff__volume_gb")[:1]),
        floor_speed=Subquery(tariff.values("tariff__floor_speed")[:1]),
        used=usage.used_bytes(today, contract="pk"),
        pauses=ArraySubquery(_pauses(period)),
        changes=ArraySubquery(_changes(until)),
        top_ups=_total(top_ups, "account", Count("pk")),
        topped_up=_total(top_ups, "account", Sum("amount")),
        promises=_total(promises, "account", Count("pk")),
        presses=_total(presses, "boost__contract", Count("pk")),
        press_hours=_total(presses, "boost__contract", Sum("hours")),
    ).get(pk=contract_id)


def _total(rows: QuerySet[Any], contract: str, total: Any) -> Subquery:
    return Subquery(rows.order_by().values(contract).annotate(total=total).values("total"))


def _volume(row: Any, today: date) -> Volume | None:
    return None if row.volume_gb is None else usage.volume_at(row.volume_gb, row.used, row.floor_speed, today=today)


# --- Days without service -------------------------------------------------------------------------------------------
def _pauses(period: Period) -> QuerySet[Any, Any]:
    begun = Suspension.objects.filter(contract=OuterRef("pk"), state__in=[Pause.RUNNING, Pause.OVER])
    touching = begun.filter(starts_on__lt=period.until, ends_on__gte=period.since).order_by("starts_on")
    return touching.values(json=JSONObject(first="starts_on", last="ends_on"))


def _changes(until: datetime) -> QuerySet[Any, Any]:
    """Changes of the contract's state, as the journal has them."""
    entries = JournalEntry.objects.filter(
        target_type=ContentType.objects.get_for_model(Contract),
        target_id=Cast(OuterRef("pk"), CharField()),
        changes__has_key="state",
        at__lt=until,
    )
    return entries.order_by("at", "pk").values(json=JSONObject(at="at", state="changes__state__1"))


def _days_of(pause: dict[str, str]) -> Days:
    return date.fromisoformat(pause["first"]), date.fromisoformat(pause["last"])


def _stops(changes: list[dict[str, str]], today: date) -> list[Days]:
    """Every day on which the service stood for debt, if only for a part of it."""
    days = [timezone.localdate(datetime.fromisoformat(change["at"])) for change in changes]
    return [
        (day, end)
        for change, day, end in zip(changes, days, [*days, today][1:], strict=True)
        if change["state"] == Contract.State.SUSPENDED_FOR_DEBT
    ]


def _count(stretches: list[Days], period: Period, today: date) -> int:
    counted: set[date] = set()
    for first, last in stretches:
        day, end = max(first, period.since), min(last, period.last, today)
        while day <= end:
            counted.add(day)
            day += DAY
    return len(counted)
