"""Volumes as people read them: «12,4 ГБ» in Russian, «12.4 GB» in English; a gigabyte is 10⁹ bytes."""

from decimal import ROUND_HALF_UP, Decimal

from django import template
from django.utils.translation import get_language
from django.utils.translation import gettext as _

register = template.Library()

NO_BREAK = "\u00a0"
# Below a tenth of a unit the next smaller one says more.
UNITS = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"))


def _unit(code: str) -> str:
    return {"TB": _("TB"), "GB": _("GB"), "MB": _("MB"), "KB": _("KB")}[code]


@register.filter
def volume(count: int | None) -> str:
    """Three figures are enough: «1,25 ТБ», «12,4 ГБ», «730 МБ»."""
    if count is None:
        return ""
    size, code = next(((size, code) for size, code in UNITS if count >= size), (10**3, "KB"))
    amount = Decimal(count) / size
    places = 2 if amount < 10 else 1 if amount < 100 else 0
    rounded = amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = f"{rounded:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if get_language() == "ru":
        text = text.replace(".", ",")
    return f"{text}{NO_BREAK}{_unit(code)}"
