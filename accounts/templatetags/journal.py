"""Changes of the audit journal as text."""

from typing import Any

from django import template

register = template.Library()


@register.filter
def journal_change(change: Any) -> str:
    """«old → new» of a field, or the value of an action's particular."""
    if isinstance(change, list) and len(change) == 2:
        old, new = ("—" if side in (None, "") else side for side in change)
        return f"{old} → {new}"
    return str(change)
