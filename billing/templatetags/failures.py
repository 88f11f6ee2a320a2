"""Why a payment was not paid, in the reader's words."""

from django import template

from billing.gateways import FAILURES

register = template.Library()


@register.filter
def why_not_paid(code: str) -> str:
    """`code` is a key of gateways.FAILURES; empty for one of an older version."""
    return str(FAILURES.get(code, ""))
