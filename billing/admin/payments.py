"""Payments, receipts, promises and the gateways' messages, to read; asking a gateway again."""

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
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.admin.base import ReadOnlyAdmin, author_of
from accounts.admin.long_lists import by_period, meeting_any
from accounts.templatetags.dates import day, moment
from billing import inquiries, refunds
from billing.gateways import FAILURES
from billing.models import GatewayMessage, LedgerEntry, Payment, PromisedPayment, Refund, RegistryLine
from billing.templatetags.money import rubles

from . import day_report, search

MESSAGES_SHOWN = 20


class StateFilter(admin.SimpleListFilter):
    """The states, and those under way for longer than a payer takes."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*Payment.State.choices, ("hanging", _("hangs for more than an hour"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "hanging":
            return queryset.hanging(now=timezone.now())
        return queryset.filter(state=self.value()) if self.value() else queryset


@admin.register(Payment)
class PaymentAdmin(search.GatewayColumn, ReadOnlyAdmin):
    city_path = "account__contract__city"
    list_display = ["begun", "account", "sum", "state", "method", "through"]
    list_filter = [StateFilter, "method", search.GatewayFilter, "is_automatic", search.CityOfAccountFilter]
    list_filter += [by_period("created_at")]
    list_select_related = ["account__contract"]
    search_fields = ["gateway_id"]  # draws the box; what is found, `get_search_results` says
    search_help_text = search.HELP
    ordering = ["-pk"]
    fields = ["account", "sum", "state", "why", "method", "is_automatic", "card", "through", "gateway_id"]
    fields += ["begun", "paid", "finished", "contact", "named", "asked", "asked_next"]
    readonly_fields = ["sum", "why", "through", "begun", "paid", "finished", "card", "named", "asked", "asked_next"]
    change_form_template = "admin/billing/payment/change_form.html"
    change_list_template = "admin/billing/payment/change_list.html"

    @admin.display(description=_("sum"), ordering="amount")
    def sum(self, payment: Payment) -> str:
        return rubles(payment.amount)

    @admin.display(description=_("why not paid"))
    def why(self, payment: Payment) -> str:
        return str(FAILURES.get(payment.failure, payment.failure)) or "—"

    @admin.display(description=_("begun"), ordering="created_at")
    def begun(self, payment: Payment) -> str:
        return moment(payment.created_at)

    @admin.display(description=_("paid"))
    def paid(self, payment: Payment) -> str:
        return moment(payment.paid_at) or "—"

    @admin.display(description=_("finished"))
    def finished(self, payment: Payment) -> str:
        return moment(payment.finished_at) or "—"

    @admin.display(description=_("saved card"))
    def card(self, payment: Payment) -> str:
        return str(payment.saved_method or "—")

    @admin.display(description=_("our name for it at the gateway"))
    def named(self, payment: Payment) -> str:
        return str(payment.operation)

    @admin.display(description=_("the gateway was asked, times"))
    def asked(self, payment: Payment) -> str:
        return str(payment.checks)

    @admin.display(description=_("the gateway is asked next"))
    def asked_next(self, payment: Payment) -> str:
        return moment(payment.next_check_at) or "—"

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        text = search_term.strip()
        return (meeting_any(queryset, search.payments(text)) if text else queryset), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        payment = self.get_object(request, object_id)
        context = _story_of(payment) if payment else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(
            request, {"may_read_days": day_report.may_read(request.user), **(extra_context or {})}
        )

    def get_urls(self) -> list[Any]:
        ask = self.admin_site.admin_view(require_POST(self.ask_view))
        days = self.admin_site.admin_view(require_safe(self.day_view))
        return [
            path("day/", days, name="billing_payment_day"),
            path("<int:payment_id>/ask/", ask, name="billing_payment_ask"),
            *super().get_urls(),
        ]

    def day_view(self, request: HttpRequest) -> HttpResponse:
        return day_report.page(request, **self.admin_site.each_context(request))

    def ask_view(self, request: HttpRequest, payment_id: int) -> HttpResponse:
        """POST: ask the gateway for its word now. Only its word credits, so whoever answers a call may ask."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        payment: Payment = get_object_or_404(self.get_queryset(request), pk=payment_id)
        by, number = author_of(request), request.POST.get("number", "").strip()
        try:
            messages.info(request, inquiries.ask(payment.pk, by=by, number=number, now=timezone.now()))
        except inquiries.InquiryRefused as refused:
            messages.error(request, str(refused))
        return HttpResponseRedirect(reverse("admin:billing_payment_change", args=[payment.pk]))


def _story_of(payment: Payment) -> dict[str, Any]:
    """Everything that belongs to a payment."""
    own = Q(key=payment.key) | Q(key__startswith=f"{payment.key}:")
    given = list(payment.refunds.select_related("author", "second"))
    of_refunds = Q(key__in=[refund.key for refund in given] + [f"{refund.key}:returned" for refund in given])
    lines = RegistryLine.objects.filter(payment=payment, corrected_at__isnull=False).values_list("pk", flat=True)
    of_registers = Q(key__in=[f"register:{line}{side}" for line in lines for side in ("", ":from", ":to")])
    told = payment.messages.order_by("-pk")[: MESSAGES_SHOWN + 1]
    return {
        "entries": LedgerEntry.objects.filter(own | of_refunds | of_registers).order_by("at", "pk"),
        "receipts": payment.receipts.order_by("pk"),
        "refunds": given,
        "told": told[:MESSAGES_SHOWN],
        "is_more_told": len(told) > MESSAGES_SHOWN,
        "may_be_asked": not inquiries.refusal(payment),
        "wants_number": inquiries.wants_number(payment),
        "may_be_refunded": _may_be_refunded(payment, given),
    }


def _may_be_refunded(payment: Payment, given: list[Refund]) -> bool:
    """Whether anything is left to give back; that the money is spent, the form itself says."""
    if payment.state != Payment.State.SUCCEEDED or payment.method == Payment.Method.TERMINAL:
        return False
    return payment.amount > sum(refund.amount for refund in given if refund.state not in refunds.GIVES_NOTHING)


@admin.register(PromisedPayment)
class PromisedPaymentAdmin(ReadOnlyAdmin):
    city_path = "account__contract__city"
    list_display = ["given", "account", "sum", "term", "state", "closed", "repaid"]
    list_filter = ["state", search.CityOfAccountFilter, by_period("granted_at")]
    list_select_related = ["account__contract"]
    search_fields = ["=account__contract__number"]
    search_help_text = _("Contract number")
    ordering = ["-pk"]
    fields = ["account", "sum", "given", "term", "state", "closed", "repaid", "terms"]
    readonly_fields = ["sum", "given", "term", "closed", "repaid"]

    @admin.display(description=_("sum"), ordering="amount")
    def sum(self, promise: PromisedPayment) -> str:
        return rubles(promise.amount)

    @admin.display(description=_("given"), ordering="granted_at")
    def given(self, promise: PromisedPayment) -> str:
        return moment(promise.granted_at)

    @admin.display(description=_("term"), ordering="due_at")
    def term(self, promise: PromisedPayment) -> str:
        return moment(promise.due_at)

    @admin.display(description=pgettext_lazy("of a promise", "ended"), ordering="closed_at")
    def closed(self, promise: PromisedPayment) -> str:
        return moment(promise.closed_at) or "—"

    @admin.display(description=_("paid since"))
    def repaid(self, promise: PromisedPayment) -> str:
        return day(promise.repaid_at) or "—"


@admin.register(GatewayMessage)
class GatewayMessageAdmin(search.GatewayColumn, ReadOnlyAdmin):
    """What names no payment of ours belongs to no city: whoever may see messages sees it."""

    city_path = "payment__account__contract__city"
    shows_rows_without_city = True
    list_display = ["at", "through", "verdict", "reason", "network_address", "account", "payment"]
    list_filter = ["verdict", search.GatewayFilter, by_period("at")]
    list_select_related = ["payment__account__contract"]
    search_fields = ["payment__gateway_id", "=payment__account__contract__number", "network_address", "reason", "body"]
    search_help_text = _("Contract number, number at the gateway, network address, or a part of the message")
    ordering = ["-pk"]
    fields = ["at", "through", "verdict", "reason", "network_address", "method", "payment", "body"]
    readonly_fields = ["through"]

    @admin.display(description=_("contract"))
    def account(self, message: GatewayMessage) -> str:
        return str(message.payment.account) if message.payment else "—"
