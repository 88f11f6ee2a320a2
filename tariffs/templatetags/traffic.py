"""Volumes as people read them, «12,4 ГБ» in Russian, «12.4 GB» in English (a gigabyte is 10⁹ bytes), and their days."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from django import template
from django.utils.dateformat import format as formatted
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.templatetags.dates import day

register = template.Library()

NO_BREAK = "\u00a0"
UNITS = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"))


def _unit(code: str) -> str:
    return {"TB": _("TB"), "GB": _("GB"), "MB": _("MB"), "KB": _("KB")}[code]


@register.filter
def volume(count: int | None) -> str:
    """Three figures are enough: «1,25 ТБ», «12,4 ГБ», «730 МБ»."""
    if count is None:
        return ""
    # What would be rounded to a thousand of a unit is one of the next.
    size, code = next(((size, code) for size, code in UNITS if count >= size * 0.9995), (10**3, "KB"))
    amount = Decimal(count) / size
    places = 2 if amount < 10 else 1 if amount < 100 else 0
    rounded = amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = f"{rounded:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if get_language() == "ru":
        text = text.replace(".", ",")
    return f"{text}{NO_BREAK}{_unit(code)}"


@register.filter
def stretch(row: Any) -> str:
    """The day, month or year that a row with `since` and `until` is about: «16 ноября», «ноябрь 2026», «2026»."""
    if row.until - row.since == timedelta(days=1):
        return day(row.since)
    return _written(row.since, "F Y" if (row.until - row.since).days < 32 else "Y", get_language())


@register.filter
def short_stretch(row: Any) -> str:
    """The same for a chart: «16 ноя», «ноя», «2026»."""
    length = (row.until - row.since).days
    return _written(row.since, "j M" if length == 1 else "M" if length < 32 else "Y", get_language())


@lru_cache(maxsize=2_000)
def _written(since: date, pattern: str, language: str | None) -> str:
    text = formatted(since, pattern)
    return text.lower() if language == "ru" else text
