"""The inbox's mark in the cabinet's navigation."""

from django import template
from django.template.context import Context

from accounts.models import Contract
from notifications import inbox

register = template.Library()


@register.simple_tag(takes_context=True)
def unread_notices(context: Context) -> str:
    """How many of the signed-in contract's notices are unread: «3», «99+», nothing for none. One query."""
    contract = context.get("contract")
    count = inbox.unread_count(contract.pk) if isinstance(contract, Contract) else 0
    if count >= inbox.COUNTED_UP_TO:
        return f"{inbox.COUNTED_UP_TO - 1}+"
    return str(count or "")
