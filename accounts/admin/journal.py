"""The audit journal, to read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from accounts import journal
from accounts.models import JournalEntry
from accounts.models.journal import ACTIONS

from .base import ReadOnlyAdmin
from .long_lists import by_period


class ActionFilter(admin.SimpleListFilter):
    """By the names that readers know; the table keeps those of the code."""

    title = _("action")
    parameter_name = "action"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return list(ACTIONS.items())

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(action=self.value()) if self.value() else queryset


@admin.register(JournalEntry)
class JournalEntryAdmin(ReadOnlyAdmin):
    shows_rows_without_city = True
    list_display = ["at", "actor", "action_text", "target_label", "city", "reason"]
    list_filter = [ActionFilter, ("actor", admin.RelatedOnlyFieldListFilter), "city", by_period("at")]
    list_select_related = ["actor", "city"]
    search_fields = ["target_label", "reason", "actor__login"]
    ordering = ["-pk"]
    fields = ["at", "actor", "action_text", "target_label", "city", "what_changed", "reason", "network_address"]

    @admin.display(description=_("action"), ordering="action")
    def action_text(self, entry: JournalEntry) -> str:
        return entry.action_text

    @admin.display(description=_("changes"))
    def what_changed(self, entry: JournalEntry) -> str:
        return format_html_join("", "<div>{}: {}</div>", journal.changes_of(entry))
