"""Speeds and times of a speed test as people read them: «94,5» below a hundred, «940» above."""

from django import template
from django.utils.translation import get_language

register = template.Library()


@register.filter
def measured(value: float | None) -> str:
    """A number of Mbit/s or ms, without its unit: a line that shakes by a tenth is not told by hundredths."""
    if value is None:
        return ""
    text = f"{value:.0f}" if value >= 99.95 else f"{value:.1f}".removesuffix(".0")
    return text.replace(".", ",") if get_language() == "ru" else text
