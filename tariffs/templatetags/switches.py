"""Words about switches of tariff."""

from django import template

from tariffs import switch_reasons

register = template.Library()


@register.filter
def failure(kept: str) -> str:
    """Why a planned switch was not done, in the reader's language."""
    return switch_reasons.words_of(kept)
