"""Days as people say them: «1 декабря», the year only when it is not this one."""

from datetime import date, datetime
from functools import lru_cache

from django import template
from django.utils import timezone
from django.utils.dateformat import format as formatted
from django.utils.translation import get_language

register = template.Library()

# A day does not part from its month at the end of a line.
PATTERNS = {"ru": ("j\u00a0E", "j\u00a0E Y"), "en": ("j F", "j F Y")}


# Django's date filter reads formats and translations anew for every cell of a table.
@lru_cache(maxsize=10_000)
def _written(day: date, with_year: bool, language: str | None) -> str:
    return formatted(day, PATTERNS.get(language or "", PATTERNS["en"])[with_year])


@register.filter
def day(value: date | datetime | None) -> str:
    """A date, or the local date of a moment."""
    if value is None:
        return ""
    local = timezone.localtime(value).date() if isinstance(value, datetime) else value
    return _written(local, local.year != timezone.localdate().year, get_language())


@register.filter
def moment(value: datetime | None) -> str:
    """A local date and time: «1 декабря, 14:05»."""
    return "" if value is None else f"{day(value)}, {timezone.localtime(value):%H:%M}"
