"""Turbo boosts to read: who pressed when, what it cost, how it ended."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import ReadOnlyAdmin
from accounts.admin.long_lists import by_period
from accounts.templatetags.dates import moment
from billing.templatetags.money import rubles
from tariffs.models import Boost, Press

from .access import CityOfContractFilter

SHOWN = ("pressed", "hours", "cost", "offer_use")


class PressInline(admin.TabularInline):
    model = Press
    extra = 0
    can_delete = False
    fields = SHOWN
    readonly_fields = SHOWN
    ordering = ["pk"]

    @admin.display(description=_("pressed"))
    def pressed(self, press: Press) -> str:
        return moment(press.at)

    @admin.display(description=_("price, ₽"))
    def cost(self, press: Press) -> str:
        return rubles(press.price)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """They are the boost's own story."""
        return request.user.has_perm("tariffs.view_boost")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Boost)
class BoostAdmin(ReadOnlyAdmin):
    city_path = "contract__city"
    list_display = ["began", "contract", "factor", "ends", "state", "ended"]
    list_filter = ["state", CityOfContractFilter, by_period("started_at")]
    list_select_related = ["contract"]
    search_fields = ["contract__number"]
    search_help_text = _("Contract number")
    ordering = ["-pk"]
    fields = [("contract", "factor"), ("began", "ends"), ("state", "ended")]
    readonly_fields = ["began", "ends", "ended"]
    inlines = [PressInline]

    @admin.display(description=_("began"), ordering="started_at")
    def began(self, boost: Boost) -> str:
        return moment(boost.started_at)

    @admin.display(description=_("ends"), ordering="ends_at")
    def ends(self, boost: Boost) -> str:
        return moment(boost.ends_at)

    @admin.display(description=_("ended"))
    def ended(self, boost: Boost) -> str:
        return moment(boost.finished_at) or "—"
