"""What accounts do by the timetable (mark_portal/celery.py)."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from accounts import address_import, credentials, limits, sessions


@shared_task
def close_expired(**_: Any) -> None:
    now = timezone.now()
    sessions.forget_expired(now=now)
    limits.forget_expired(now=now)
    credentials.forget_expired(now=now)


@shared_task
def import_addresses(*, import_id: int, **_: Any) -> None:
    address_import.run(import_id, clock=timezone.now)


@shared_task
def resend_address_imports(**_: Any) -> None:
    """Imports whose message was lost without a broker, or whose worker died."""
    for import_id in address_import.waiting(now=timezone.now()).values_list("pk", flat=True):
        import_addresses.delay(import_id=import_id)
