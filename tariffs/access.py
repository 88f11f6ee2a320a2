"""Is the service on, if not why, and how fast it is now: derived from the contract, never stored.

Twice over: in Python for a page about one contract, because Django takes longer to write the SQL than a page has, and
in SQL for the comparing of all of them (tariffs/provisioning.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any, cast

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db.models import Case, CharField, F, FilteredRelation, Func, IntegerField, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Greatest, Least, Round
from django.db.models.lookups import IsNull
from django.utils import timezone

from accounts.models import Contract
from tariffs import usage
from tariffs.models import Boost, Tariff

PATH = "subscribed__tariff"
SPEEDS: ArrayField[Any, Any] = ArrayField(IntegerField(null=True))


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
    return of_row(detailed(now=now).get(pk=contract_id))


def detailed(*, now: datetime) -> QuerySet[Any]:
    """The rows that `of_row` reads, for a page that wants more of them in the same query."""
    return _rows(now).select_related(PATH, "boost")


def of_row(row: Any) -> Access:
    # A relation without a row leaves no attribute.
    subscribed, boost = getattr(row, "subscribed", None), getattr(row, "boost", None)
    tariff: Tariff | None = subscribed and subscribed.tariff
    reason = REASONS.get(row.state) or (None if tariff else Reason.TARIFF)
    stands = Access(reason, tariff, boost=boost, is_past_volume=row.is_past_volume)
    if reason or tariff is None:
        return stands
    return replace(stands, down=_speed(stands, tariff.speed_down), up=_speed(stands, tariff.speed_up))


def _speed(stands: Access, full: int | None) -> int | None:
    """What was bought goes first: a boost lifts the tariff's full speed, also past the included volume."""
    if full is None or stands.tariff is None:
        return None
    if stands.boost:
        return boosted(full, stands.boost.factor)
    return min(full, stands.tariff.floor_speed or full) if stands.is_past_volume else full


def boosted(speed: int, factor: Decimal) -> int:
    """A tariff's speed times a factor, up to the line's limit: what a boost gives."""
    times = int((speed * factor).to_integral_value(ROUND_HALF_UP))
    return min(times, max(int(settings.LINE_MBIT), speed))


def _rows(now: datetime) -> QuerySet[Any]:
    today = timezone.localdate(now)
    in_force = Q(subscriptions__since__lte=today) & (Q(subscriptions__until=None) | Q(subscriptions__until__gt=today))
    running = Q(boosts__state=Boost.State.RUNNING, boosts__started_at__lte=now, boosts__ends_at__gt=now)
    contracts = Contract.objects.annotate(
        subscribed=FilteredRelation("subscriptions", condition=in_force),
        boost=FilteredRelation("boosts", condition=running),
        is_past_volume=usage.past_volume(today, contract="pk", volume=f"{PATH}__volume_gb"),
    )
    return cast("QuerySet[Any]", contracts)


# --- The same in SQL, for all contracts at once; test_access.py holds the two together


def derived(*, now: datetime) -> QuerySet[Any]:
    """Contracts with `off` (a Reason or "") and `speeds` (down, up) at `now`."""
    return cast("QuerySet[Any]", _rows(now).annotate(off=_reason()).annotate(speeds=_speeds()))


def pair(down: Any, up: Any) -> Func:
    """Two speeds as one value, which can be compared with another pair: in arrays NULL equals NULL."""
    return Func(down, up, template="ARRAY[%(expressions)s]::int[]", output_field=SPEEDS)


def _reason() -> Case:
    off = [When(state=state, then=Value(reason.value)) for state, reason in REASONS.items()]
    without = When(subscribed__isnull=True, then=Value(Reason.TARIFF.value))
    return Case(*off, without, default=Value(""), output_field=CharField())


def _speeds() -> Case:
    """Down and up together, so that the database adds up the traffic once for both."""
    return Case(
        When(~Q(off="") | Q(**{f"{PATH}__isnull": True}), then=_both(lambda _full: Value(None))),
        When(boost__isnull=False, then=_both(_boosted)),
        When(is_past_volume=True, then=_both(lambda full: Least(full, F(f"{PATH}__floor_speed")))),
        default=_both(lambda full: full),
        output_field=SPEEDS,
    )


def _both(speed: Callable[[F], Any]) -> Func:
    return pair(*(_if_known(F(f"{PATH}__speed_{way}"), speed) for way in ("down", "up")))


def _if_known(full: F, speed: Callable[[F], Any]) -> Case:
    """LEAST and GREATEST pass over NULL: a tariff without the service would get the limit as its speed."""
    return Case(When(IsNull(full, True), then=None), default=speed(full), output_field=IntegerField())


def _boosted(full: F) -> Least:
    return Least(Cast(Round(full * F("boost__factor")), IntegerField()), Greatest(full, Value(settings.LINE_MBIT)))
