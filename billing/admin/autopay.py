"""Autopay to read: who agreed to what, why it stopped; and to switch off for a subscriber who calls."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.admin.base import ReadOnlyAdmin, author_of
from billing import autopay as verbs
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
    change_form_template = "admin/billing/autopay/change_form.html"

    @admin.display(description=_("not more than"), ordering="limit")
    def not_more_than(self, autopay: Autopay) -> str:
        return rubles(autopay.limit)

    def get_urls(self) -> list[Any]:
        off = self.admin_site.admin_view(require_POST(self.off_view))
        return [path("<int:contract_id>/off/", off, name="billing_autopay_off"), *super().get_urls()]

    def off_view(self, request: HttpRequest, contract_id: int) -> HttpResponse:
        """POST: the consent says that a call is enough, so whoever answers it may do it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        autopay: Autopay = get_object_or_404(self.get_queryset(request), pk=contract_id)
        if verbs.turn_off(autopay.pk, now=timezone.now(), by=author_of(request)):
            messages.success(request, _t("Autopay is switched off, the subscriber has been told."))
        else:
            messages.info(request, _t("Autopay was off already."))
        return HttpResponseRedirect(reverse("admin:billing_autopay_change", args=[autopay.pk]))
