"""Changes of the audit journal as text."""

from django import template

from accounts import journal
from accounts.models import JournalEntry

register = template.Library()


@register.filter
def journal_changes(entry: JournalEntry) -> list[tuple[str, str]]:
    """Each changed field, or particular of an action, with what became of it."""
    return journal.changes_of(entry)
