"""What tariffs do by the timetable (mark_portal/celery.py)."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from tariffs import prices, reconcile


@shared_task
def reconcile_services(**_: Any) -> None:
    reconcile.run(now=timezone.now())


@shared_task
def begin_month(**_: Any) -> None:
    reconcile.begin_month(now=timezone.now())


@shared_task
def announce_prices(**_: Any) -> None:
    prices.announce_due(now=timezone.now())
