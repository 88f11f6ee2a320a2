"""The audit journal, to read."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.models import JournalEntry

from .base import ReadOnlyAdmin


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    shows_rows_without_city = True
    list_display = ["at", "actor", "action_text", "target_label", "city", "reason"]
    list_filter = ["action", ("actor", admin.RelatedOnlyFieldListFilter), "city"]
    list_select_related = ["actor", "city"]
    search_fields = ["target_label", "reason", "actor__login"]
    date_hierarchy = "at"
    ordering = ["-pk"]

    @admin.display(description=_("action"), ordering="action")
    def action_text(self, entry: JournalEntry) -> str:
        return entry.action_text
