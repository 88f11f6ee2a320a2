"""Autopay to read: who agreed to what, and why it stopped."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import ReadOnlyAdmin
from billing.models import Autopay
from billing.templatetags.money import rubles

from . import search


@admin.register(Autopay)
class AutopayAdmin(ReadOnlyAdmin):
    city_path = "account__contract__city"
    list_display = ["account", "is_on", "method", "not_more_than", "failures", "consented_at", "stopped", "stopped_at"]
    list_filter = ["is_on", "stopped", search.CityOfAccountFilter]
    list_select_related = ["account__contract", "method"]
    search_fields = ["account__contract__number"]
    ordering = ["-consented_at"]
    fields = [
        ("account", "is_on"),
        ("method", "not_more_than", "contact"),
        "consent",
        "consented_at",
        "failures",
        ("stopped", "stopped_at"),
    ]
    readonly_fields = ["not_more_than"]

    @admin.display(description=_("not more than"), ordering="limit")
    def not_more_than(self, autopay: Autopay) -> str:
        return rubles(autopay.limit)
