"""The volume that a tariff includes: what a contract has used of it in the local month, and what is left.

Bytes of both directions count, whatever tariff the contract had when they flowed; a gigabyte is 10⁹ bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import BigIntegerField, Exists, F, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Cast, Coalesce
from django.db.models.lookups import IsNull

from billing.shares import first_of_month
from tariffs.models import Subscription, TrafficDay

GIGABYTE = 10**9


@dataclass(frozen=True)
class Volume:
    """Of one contract in one month, in bytes; `floor_speed` in Mbit/s is what remains past it, until `ends_on`."""

    included: int
    used: int
    floor_speed: int
    ends_on: date  # the first day of the next month, when it begins anew

    @property
    def left(self) -> int:
        return max(self.included - self.used, 0)

    @property
    def is_past(self) -> bool:
        return self.used >= self.included


def past_volume(today: date, *, contract: str = "contract", volume: str = "tariff__volume_gb") -> Exists:
    """A condition for rows that lead to a contract and to its tariff's volume: the month's traffic has used it up.

    For example `Subscription.objects.in_force(today).filter(past_volume(today))`; false without a limit.
    """
    used = _monthly(today, contract).annotate(used=Sum(F("down") + F("up")))
    limit = Cast(OuterRef(volume), BigIntegerField()) * Value(GIGABYTE)
    return Exists(used.filter(IsNull(OuterRef(volume), False), used__gte=limit))


def used_bytes(today: date, *, contract: str = "contract") -> Coalesce:
    """A column for rows that lead to a contract: bytes of both directions since the 1st."""
    used = _monthly(today, contract).annotate(used=Sum(F("down") + F("up"), output_field=BigIntegerField()))
    return Coalesce(Subquery(used.values("used")), Value(0), output_field=BigIntegerField())


def of(contract_id: int, *, today: date) -> Volume | None:
    """None where the tariff has no limit, or there is no tariff. One query."""
    limited = Subscription.objects.in_force(today).filter(contract=contract_id, tariff__volume_gb__isnull=False)
    row: Any = limited.select_related("tariff").annotate(used=used_bytes(today)).first()
    return volume_of(row, today=today) if row else None


def volume_of(subscription: Any, *, today: date) -> Volume:
    """From a subscription to a limited tariff that has been read with `used_bytes` as `used`."""
    tariff = subscription.tariff
    return volume_at(tariff.volume_gb, subscription.used, tariff.floor_speed, today=today)


def volume_at(volume_gb: int, used: int, floor_speed: int, *, today: date) -> Volume:
    return Volume(volume_gb * GIGABYTE, used, floor_speed, first_of_month(today, 1))


def _monthly(today: date, contract: str) -> QuerySet[Any, Any]:
    month = TrafficDay.objects.filter(day__gte=first_of_month(today), day__lt=first_of_month(today, 1))
    return month.filter(contract=OuterRef(contract)).order_by().values("contract")
