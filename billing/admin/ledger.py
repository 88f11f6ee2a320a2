"""Accounts and the ledger to read, adjustments to propose and to sign."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import ReadOnlyAdmin, StaffModelAdmin
from accounts.admin.long_lists import by_period, meeting_any
from billing import adjustments, history
from billing.models import Account, Adjustment, LedgerEntry
from billing.templatetags.money import rubles, signed_rubles

from . import search
from .signatures import TwoSignaturesAdmin


@admin.register(Account)
class AccountAdmin(StaffModelAdmin):
    """Money is to read; what an account may owe and whether it may promise is the accountants' to set."""

    city_path = "contract__city"
    list_display = ["contract", "subscriber", "state", "money"]
    list_filter = ["contract__state", ("contract__city", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["contract__subscriber"]
    search_fields = ["contract__number", "contract__subscriber__name"]
    fields = ["contract", "money", "credit_limit", "allows_promises"]
    readonly_fields = ["contract", "money"]
    ordering = ["contract_id"]
    change_form_template = "admin/billing/account/change_form.html"

    @admin.display(description=_("balance"), ordering="balance")
    def money(self, account: Account) -> str:
        return rubles(account.balance)

    @admin.display(description=_("subscriber"))
    def subscriber(self, account: Account) -> str:
        return str(account.contract.subscriber)

    @admin.display(description=_("state"))
    def state(self, account: Account) -> str:
        return account.contract.get_state_display()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:
        """Only what was changed: the balance of the form's row may be an old one by now."""
        if form.changed_data:
            obj.save(update_fields=form.changed_data)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        account = self.get_object(request, object_id)
        entries = history.page(account, history.Filters()).rows if account else []
        return super().change_view(request, object_id, form_url, {"entries": entries, **(extra_context or {})})


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    city_path = "account__contract__city"
    list_display = ["at", "account", "kind", "sum", "title", "author"]
    list_filter = ["kind", search.CityOfAccountFilter, by_period("at")]
    list_select_related = ["account__contract", "author"]
    search_fields = ["key"]  # draws the box; what is found, `get_search_results` says
    search_help_text = _("Contract number, or the fact: month:42:2026-12")
    ordering = ["-pk"]

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        text = search_term.strip()
        meant = [models.Q(account__contract__number=text), models.Q(key__startswith=text)]
        return (meeting_any(queryset, meant) if text else queryset), False

    @admin.display(description=_("sum"), ordering="amount")
    def sum(self, entry: LedgerEntry) -> str:
        return signed_rubles(entry.amount)


class AdjustmentForm(forms.ModelForm):
    # Named apart from the model's column, whose uniqueness would refuse the second click instead of forgiving it.
    drawn = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    class Meta:
        model = Adjustment
        fields = ["account", "amount", "reason"]

    def clean_amount(self) -> Any:
        amount = self.cleaned_data["amount"]
        if not amount:
            raise forms.ValidationError(_("A zero changes nothing."))
        return amount


@admin.register(Adjustment)
class AdjustmentAdmin(TwoSignaturesAdmin):
    verbs = adjustments
    refused = adjustments.AdjustmentRefused
    is_done = _("The adjustment is posted.")
    it_waits = _("The sum is above the limit: the adjustment waits for a second signature.")
    city_path = "account__contract__city"
    form = AdjustmentForm
    autocomplete_fields = ["account"]
    list_display = ["created_at", "account", "sum", "reason", "state", "author", "second"]
    list_filter = ["state", ("account__contract__city", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["account__contract", "author", "second"]
    search_fields = ["account__contract__number", "reason"]
    ordering = ["-pk"]
    change_form_template = "admin/billing/adjustment/change_form.html"

    @admin.display(description=_("sum"), ordering="amount")
    def sum(self, adjustment: Adjustment) -> str:
        return signed_rubles(adjustment.amount)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        fields = ["account", "amount", "reason"]
        if obj is None:
            return [*fields, "drawn"]
        return [*fields, "state", "author", "created_at", "second", "decided_at"]

    def propose(self, row: Adjustment, **particulars: Any) -> Adjustment:
        return adjustments.propose(row.account_id, amount=row.amount, reason=row.reason, **particulars)
