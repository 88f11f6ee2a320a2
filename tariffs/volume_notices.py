"""Telling subscribers that their included volume runs out: at 20 % and 5 % left, and when the slow-down begins."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField, CharField, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from accounts.models import Contract
from notifications import outbox
from notifications.models import Notice, Topic
from tariffs import usage
from tariffs.models import Subscription
from tariffs.usage import GIGABYTE

# The words of each step, and the percentage left at which it is told; one told hides those before it.
STEPS = {"volume_over": 0, "volume_left_5": 5, "volume_left_20": 20}


def tell_due(*, now: datetime) -> int:
    """Tell everybody whose month's traffic has come to a step that they were not told of; returns how many."""
    found = list(_due(now))
    for subscription in found:
        _tell(subscription, now=now)
    return len(found)


@transaction.atomic
def _tell(subscription: Any, *, now: datetime) -> None:
    volume = usage.volume_of(subscription, today=timezone.localdate(now))
    is_nearly_over = volume.left * 100 <= volume.included * STEPS["volume_left_5"]
    kind = "volume_over" if not volume.left else "volume_left_5" if is_nearly_over else "volume_left_20"
    outbox.tell(
        subscription.contract_id,
        Topic.TRAFFIC,
        kind,
        about=subscription.fact,
        now=now,
        left=volume.left,
        included=volume.included,
        floor=volume.floor_speed,
        until=volume.ends_on.isoformat(),
    )


def _due(now: datetime) -> QuerySet[Any]:
    """Subscriptions with `used` bytes, and `fact`, the month and the tariff that a notice is about. One query."""
    today = timezone.localdate(now)
    limited = Subscription.objects.in_force(today).filter(tariff__volume_gb__isnull=False)
    rows = limited.exclude(contract__state=Contract.State.TERMINATED).annotate(
        used=usage.used_bytes(today),
        included=Cast("tariff__volume_gb", BigIntegerField()) * Value(GIGABYTE),
        fact=Concat(Value(f"volume:{today:%Y-%m}:"), Cast("tariff", CharField()), output_field=CharField()),
    )
    due: Q | Combinable = Q()
    kinds: list[str] = []
    for kind, percent in STEPS.items():
        kinds.append(kind)
        told = Notice.objects.filter(contract=OuterRef("contract"), kind__in=list(kinds), about=OuterRef("fact"))
        due |= Q(used__gte=F("included") * Value(100 - percent) / Value(100)) & ~Exists(told)
    return rows.filter(due).select_related("tariff").order_by("pk")
