"""The operator's clock: days begin at its midnight, wherever the server and the subscriber are."""

from datetime import date, datetime, time

from django.utils import timezone


def midnight(day: date) -> datetime:
    """With which a local day begins."""
    return timezone.make_aware(datetime.combine(day, time.min))
