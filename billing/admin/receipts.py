"""Fiscal receipts to read, and the failed ones to send again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from accounts.admin.base import ReadOnlyAdmin, author_of
from accounts.admin.long_lists import by_period, meeting_any
from accounts.templatetags.dates import moment
from billing import receipts
from billing.models import Receipt
from billing.templatetags.money import rubles

from . import search

# Sending again belongs to those who look after payments.
MAY_SEND = "billing.add_refund"


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    city_path = "payment__account__contract__city"
    list_display = ["created", "account", "kind", "sum", "state", "fiscal_document", "contact", "attempts", "problem"]
    list_filter = ["state", "kind", search.GatewayOfPaymentFilter, search.CityOfPaymentFilter]
    list_filter += [by_period("created_at")]
    list_select_related = ["payment__account__contract"]
    search_fields = ["gateway_id"]  # draws the box; what is found, `get_search_results` says
    search_help_text = search.HELP
    ordering = ["-pk"]
    fields = ["account", "payment", "refund", "kind", "sum", "state", "problem", "contact"]
    fields += ["fiscal_drive", "fiscal_document", "fiscal_sign", "created", "registered", "attempts", "next_try"]
    fields += ["gateway_id", "operation"]
    readonly_fields = ["account", "sum", "problem", "created", "registered", "next_try", "operation"]
    actions = ["send_again"]
    change_form_template = "admin/billing/receipt/change_form.html"

    @admin.display(description=_("contract"))
    def account(self, receipt: Receipt) -> str:
        return str(receipt.payment.account)

    @admin.display(description=_("sum"), ordering="amount")
    def sum(self, receipt: Receipt) -> str:
        return rubles(receipt.amount)

    @admin.display(description=_("error"))
    def problem(self, receipt: Receipt) -> str:
        return _t(receipt.error) if receipt.error else "—"

    @admin.display(description=_("created"), ordering="created_at")
    def created(self, receipt: Receipt) -> str:
        return moment(receipt.created_at)

    @admin.display(description=_("registered"))
    def registered(self, receipt: Receipt) -> str:
        return moment(receipt.registered_at) or "—"

    @admin.display(description=_("next attempt"))
    def next_try(self, receipt: Receipt) -> str:
        return moment(receipt.next_try_at) or "—"

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        text = search_term.strip()
        if not text:
            return queryset, False
        own = [Q(gateway_id__istartswith=text), Q(fiscal_document=text), Q(fiscal_sign=text)]
        return meeting_any(queryset, [*own, *search.payments(text, prefix="payment__")]), False

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MAY_SEND)

    @admin.action(description=_("Send the failed ones again"), permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: models.QuerySet[Receipt]) -> None:
        done = 0
        for receipt_id in queryset.filter(state=Receipt.State.FAILED).values_list("pk", flat=True):
            done += self._retry(request, receipt_id)
        told = ngettext("%(count)d receipt will be sent again.", "%(count)d receipts will be sent again.", done)
        messages.info(request, told % {"count": done})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"may_send": self.has_send_permission(request), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, context)

    def get_urls(self) -> list[Any]:
        send = self.admin_site.admin_view(require_POST(self.send_view))
        return [path("<int:receipt_id>/send/", send, name="billing_receipt_send"), *super().get_urls()]

    def send_view(self, request: HttpRequest, receipt_id: int) -> HttpResponse:
        if not self.has_send_permission(request):
            raise PermissionDenied
        receipt: Receipt = get_object_or_404(self.get_queryset(request), pk=receipt_id)
        if self._retry(request, receipt.pk):
            messages.success(request, _t("The receipt will be sent again within a minute."))
        return HttpResponseRedirect(reverse("admin:billing_receipt_change", args=[receipt.pk]))

    def _retry(self, request: HttpRequest, receipt_id: int) -> bool:
        try:
            receipts.retry(receipt_id, by=author_of(request), now=timezone.now())
        except receipts.ReceiptRefused as refusal:
            messages.error(request, str(refusal))
            return False
        return True
