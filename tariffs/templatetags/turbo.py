"""Times of a boost."""

from datetime import datetime, timedelta

from django import template
from django.utils import timezone

from accounts.templatetags.dates import moment

register = template.Library()


@register.filter
def clock(value: datetime, now: datetime | None = None) -> str:
    """«18:40» today, «2 December, 18:40» on another day."""
    local = timezone.localtime(value)
    return f"{local:%H:%M}" if local.date() == timezone.localdate(now) else moment(value)


@register.filter
def ahead(value: datetime, now: datetime) -> int:
    """Seconds from now; 0 for what is over."""
    return max(int((value - now) / timedelta(seconds=1)), 0)
