"""Sums as people read them: «1 234,50 ₽» in Russian, «1,234.50 ₽» in English."""

import re
from decimal import Decimal
from functools import lru_cache

from django import template
from django.utils.translation import get_language

register = template.Library()

NO_BREAK, NARROW_NO_BREAK, MINUS = "\u00a0", "\u202f", "\u2212"


# Django's own number filters were a third of a page; most sums on a page of history repeat.
@lru_cache(maxsize=10_000)
def _written(amount: Decimal, language: str | None, signed: bool) -> str:
    text = f"{abs(amount):,.2f}"
    if language == "ru":
        text = text.replace(",", NARROW_NO_BREAK).replace(".", ",")
    sign = MINUS if amount < 0 else "+" if signed and amount > 0 else ""
    return f"{sign}{text}{NO_BREAK}₽"


@register.filter
def rubles(amount: Decimal | int | None) -> str:
    return "" if amount is None else _written(Decimal(amount), get_language(), False)


@register.filter
def short_rubles(amount: Decimal) -> str:
    """Without kopecks where there are none: for sums to choose of."""
    written = rubles(amount)
    return written if amount % 1 else re.sub(r"[.,]00(?=\D*$)", "", written)


@register.filter
def signed_rubles(amount: Decimal | int | None) -> str:
    """With a plus for money that comes, a minus for money that goes."""
    return "" if amount is None else _written(Decimal(amount), get_language(), True)
