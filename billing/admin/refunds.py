"""Refunds to propose from a payment's page, to sign, and to look up when a gateway has fallen silent."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.admin.base import author_of
from accounts.admin.long_lists import meeting_any
from accounts.staff import cities_of
from accounts.templatetags.dates import moment
from billing import refunds
from billing.models import Payment, Refund
from billing.templatetags.money import rubles

from . import search
from .signatures import TwoSignaturesAdmin


class RefundForm(forms.ModelForm):
    # Named apart from the model's column, whose uniqueness would refuse the second click instead of forgiving it.
    drawn = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    class Meta:
        model = Refund
        fields = ["payment", "amount", "reason"]
        help_texts = {"reason": _("The subscriber sees it in the history.")}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        payment, amount, drawn = data.get("payment"), data.get("amount"), data.get("drawn")
        is_new = drawn and not Refund.objects.filter(operation=drawn).exists()
        if payment and amount is not None and is_new:
            if amount <= 0:
                self.add_error("amount", _t("A refund gives money: more than zero."))
            elif refusal := refunds.refusal(payment, amount):
                self.add_error("amount", refusal)
        return data


@admin.register(Refund)
class RefundAdmin(TwoSignaturesAdmin):
    verbs = refunds
    refused = refunds.RefundRefused
    is_done = _("The money is taken from the account and goes to the gateway.")
    it_waits = _("The sum is above the limit: the refund waits for a second signature.")
    city_path = "payment__account__contract__city"
    form = RefundForm
    list_display = ["created", "contract", "sum", "reason", "state", "author", "second"]
    list_filter = ["state", search.GatewayOfPaymentFilter, search.CityOfPaymentFilter]
    list_select_related = ["payment__account__contract", "author", "second"]
    search_fields = ["payment__gateway_id"]  # draws the box; what is found, `get_search_results` says
    search_help_text = search.HELP
    ordering = ["-pk"]
    add_form_template = "admin/billing/refund/add_form.html"
    change_form_template = "admin/billing/refund/change_form.html"

    @admin.display(description=_("contract"), ordering="payment__account")
    def contract(self, refund: Refund) -> str:
        return str(refund.payment.account)

    @admin.display(description=_("sum"), ordering="amount")
    def sum(self, refund: Refund) -> str:
        return rubles(refund.amount)

    @admin.display(description=_("created"), ordering="created_at")
    def created(self, refund: Refund) -> str:
        return moment(refund.created_at)

    @admin.display(description=_("decided"))
    def decided(self, refund: Refund) -> str:
        return moment(refund.decided_at) or "—"

    @admin.display(description=_("finished"))
    def finished(self, refund: Refund) -> str:
        return moment(refund.finished_at) or "—"

    @admin.display(description=_("attempts"))
    def tries(self, refund: Refund) -> str:
        return str(refund.attempts)

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        text = search_term.strip()
        return (meeting_any(queryset, search.payments(text, prefix="payment__")) if text else queryset), False

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return ["payment", "amount", "reason", "drawn"]
        answer = ["state", "gateway_id", "failure", "tries", "finished"]
        return ["payment", "sum", "reason", "author", "created", "second", "decided", *answer]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if obj is None else self.get_fields(request, obj)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A payment by its number, and only of the cities of this member of staff."""
        if db_field.name != "payment":
            return super().formfield_for_foreignkey(db_field, request, **kwargs)
        own = Payment.objects.select_related("account__contract").filter(
            account__contract__city__in=cities_of(request.user)
        )
        return forms.ModelChoiceField(
            own, label=_("Number of the payment"), widget=forms.NumberInput(attrs={"min": 1, "max": 2**63 - 1})
        )

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Without the links that Django hangs on a related row: a payment is neither added nor changed here."""
        if db_field.name == "payment":
            return self.formfield_for_foreignkey(db_field, request, **kwargs)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        payment = self._payment_of(request)
        return {"payment": payment.pk, "amount": refunds.refundable(payment) or ""} if payment else {}

    def _payment_of(self, request: HttpRequest) -> Payment | None:
        number = request.GET.get("payment", "")
        if not (number.isascii() and number.isdigit() and len(number) < 19):
            return None
        own = Payment.objects.select_related("account__contract")
        return own.filter(pk=number, account__contract__city__in=cities_of(request.user)).first()

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        payment = self._payment_of(request)
        one_button = {"show_save_and_add_another": False, "show_save_and_continue": False}
        context: dict[str, Any] = {"payment": payment, **one_button, **(extra_context or {})}
        if payment:
            context |= {"refundable": refunds.refundable(payment), "refusal": refunds.refusal(payment, refunds.LEAST)}
        try:
            return super().add_view(request, form_url, context)
        except refunds.RefundRefused as refusal:  # somebody was quicker than the form's own check
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())

    def propose(self, row: Refund, **particulars: Any) -> Refund:
        return refunds.propose(row.payment_id, amount=row.amount, reason=row.reason, **particulars)

    def decisions(self, row: Refund, user: Any) -> dict[str, bool]:
        return {**super().decisions(row, user), "may_settle": self.may_sign(user) and row.is_unanswered}

    def get_urls(self) -> list[Any]:
        settle = self.admin_site.admin_view(require_POST(self.settle_view))
        return [path("<int:refund_id>/settle/", settle, name="billing_refund_settle"), *super().get_urls()]

    def settle_view(self, request: HttpRequest, refund_id: int) -> HttpResponse:
        """POST `seen=given|not_given`: what a person found at the gateway."""
        refund, seen = self.to_sign(request, refund_id), request.POST.get("seen", "")
        if seen not in ("given", "not_given"):
            messages.error(request, _t("Say what you found: given back or not."))
            return self.to_page_of(refund)
        try:
            refunds.settle(refund.pk, is_given=seen == "given", by=author_of(request), now=timezone.now())
        except refunds.RefundRefused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _t("Done: it is recorded in the journal."))
        return self.to_page_of(refund)
