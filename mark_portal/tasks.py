"""What the portal itself does by the timetable."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from mark_portal import health


@shared_task
def heartbeat(**_: Any) -> None:
    health.beat(now=timezone.now())
