"""Is the service on, if not why, and how fast it is now: derived from the contract, never stored.

One derivation in SQL serves a page about one contract and the comparing of all of them (tariffs/provisioning.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any, cast

from django.conf import settings
from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    CharField,
    F,
    FilteredRelation,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    Value,
    When,
)
from django.db.models.functions import Cast, Greatest, Least, Round
from django.db.models.lookups import GreaterThanOrEqual
from django.utils import timezone

from accounts.models import Contract
from billing import shares
from tariffs.models import Boost, Tariff, TrafficDay

BYTES_IN_GB = 10**9
PATH = "subscribed__tariff"


class Reason(StrEnum):
    """Why a service is off."""

    DEBT = "debt"
    WISH = "wish"
    TERMINATED = "terminated"
    TARIFF = "tariff"  # there is none


@dataclass(frozen=True)
class Access:
    """The service at a moment. Speeds in Mbit/s; None when it is off or has no internet."""

    reason: Reason | None
    tariff: Tariff | None = None
    down: int | None = None
    up: int | None = None
    boost: Boost | None = None
    is_past_volume: bool = False

    @property
    def is_on(self) -> bool:
        return self.reason is None


REASONS = {
    Contract.State.SUSPENDED_FOR_DEBT: Reason.DEBT,
    Contract.State.SUSPENDED_BY_WISH: Reason.WISH,
    Contract.State.TERMINATED: Reason.TERMINATED,
}


def of(contract: Contract) -> Access:
    """On or off by the contract's state alone: no query, no speed."""
    return Access(REASONS.get(Contract.State(contract.state)))


def stand(contract_id: int, *, now: datetime) -> Access:
    """One query. What is on, why not, and the speed at `now`."""
    row = derived(now=now).select_related(PATH, "boost").get(pk=contract_id)
    # A relation without a row leaves no attribute.
    subscribed = getattr(row, "subscribed", None)
    return Access(
        Reason(row.off) if row.off else None,
        tariff=subscribed and subscribed.tariff,
        down=row.down,
        up=row.up,
        boost=getattr(row, "boost", None),
        is_past_volume=row.is_past_volume,
    )


def derived(*, now: datetime) -> QuerySet[Any]:
    """Contracts with `off` (a Reason or ""), `down`, `up` and `is_past_volume` at `now`, for a query to compare."""
    today = timezone.localdate(now)
    in_force = Q(subscriptions__since__lte=today) & (Q(subscriptions__until=None) | Q(subscriptions__until__gt=today))
    running = Q(boosts__state=Boost.State.RUNNING, boosts__started_at__lte=now, boosts__ends_at__gt=now)
    contracts = Contract.objects.annotate(
        subscribed=FilteredRelation("subscriptions", condition=in_force),
        boost=FilteredRelation("boosts", condition=running),
        off=_reason(),
        is_past_volume=_is_past_volume(now),
    )
    return cast("QuerySet[Any]", contracts.annotate(down=_speed("down"), up=_speed("up")))


def boosted(speed: int, factor: Decimal) -> int:
    """A tariff's speed times a factor, up to the line's limit: what a boost gives."""
    times = int((speed * factor).to_integral_value(ROUND_HALF_UP))
    return min(times, max(int(settings.LINE_MBIT), speed))


def _reason() -> Case:
    off = [When(state=state, then=Value(reason.value)) for state, reason in REASONS.items()]
    without = When(subscribed__isnull=True, then=Value(Reason.TARIFF.value))
    return Case(*off, without, default=Value(""), output_field=CharField())


def _is_past_volume(now: datetime) -> Case:
    """Whether this local month's traffic, both ways, has reached the volume that the tariff includes."""
    first = shares.first_of_month(timezone.localdate(now))
    days = TrafficDay.objects.filter(
        contract=OuterRef("pk"), day__gte=first, day__lt=shares.first_of_month(first, 1)
    ).order_by()
    used = Subquery(days.values("contract").annotate(bytes=Sum(F("down") + F("up"))).values("bytes"))
    volume = Cast(F(f"{PATH}__volume_gb"), BigIntegerField()) * Value(BYTES_IN_GB, output_field=BigIntegerField())
    # The first case spares most contracts the sum.
    return Case(
        When(**{f"{PATH}__volume_gb__isnull": True}, then=Value(False)),
        When(GreaterThanOrEqual(used, volume), then=Value(True)),
        default=Value(False),
        output_field=BooleanField(),
    )


def _speed(way: str) -> Case:
    """What was bought goes first: a boost lifts the tariff's full speed, also past the included volume."""
    full = F(f"{PATH}__speed_{way}")
    times = Cast(Round(full * F("boost__factor")), IntegerField())
    return Case(
        When(~Q(off="") | Q(**{f"{PATH}__speed_{way}__isnull": True}), then=None),
        When(boost__isnull=False, then=Least(times, Greatest(full, Value(settings.LINE_MBIT)))),
        When(is_past_volume=True, then=Least(full, F(f"{PATH}__floor_speed"))),
        default=full,
        output_field=IntegerField(),
    )
