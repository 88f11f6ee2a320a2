"""The tariffs of contracts in time: to read, and to give a contract its first one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import StaffModelAdmin, author_of
from tariffs import switch_reasons, switching
from tariffs.models import Subscription

from .contracts_tariff import CityOfContractFilter, contract_field, number_asked_for, tariff_field


class SubscriptionForm(forms.ModelForm):
    class Meta:
        model = Subscription
        fields = ["contract", "tariff"]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        contract, tariff = data.get("contract"), data.get("tariff")
        if contract and tariff:
            ground = switching.ground(contract.pk, now=timezone.now(), also=tariff.pk)
            for reason in switch_reasons.of_first(ground, ground.holding.tariffs[tariff.pk]):
                self.add_error(None, reason.text)
        return data

    def validate_constraints(self) -> None:
        """Whether the contract has a tariff already is asked above, in words."""


@admin.register(Subscription)
class SubscriptionAdmin(StaffModelAdmin):
    city_path = "contract__city"
    form = SubscriptionForm
    list_display = ["contract", "tariff", "since", "until"]
    list_filter = [CityOfContractFilter]
    list_select_related = ["contract", "tariff"]
    search_fields = ["=contract__number", "tariff__name"]
    search_help_text = _("Contract number or tariff")
    ordering = ["-pk"]
    change_form_template = "admin/tariffs/subscription/change_form.html"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["contract", "tariff"] if obj is None else ["contract", "tariff", "since", "until"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if obj is None else self.get_fields(request, obj)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "contract":
            return contract_field(request)
        if db_field.name == "tariff":
            return tariff_field(request)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"contract": number_asked_for(request)}

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The verb has journaled it."""

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        one_button = {"show_save_and_add_another": False, "show_save_and_continue": False}
        try:
            return super().add_view(request, form_url, {**one_button, **(extra_context or {})})
        except switching.SwitchRefused as refusal:  # somebody was quicker than the form's own check
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Subscription, form: Any, change: bool) -> None:
        begun = switching.subscribe(obj.contract_id, tariff_id=obj.tariff_id, now=timezone.now(), by=author_of(request))
        obj.pk = begun.pk

    def response_add(self, request: HttpRequest, obj: Subscription, post_url_continue: Any = None) -> HttpResponse:
        obj.contract.refresh_from_db()
        if obj.contract.state == obj.contract.State.SUSPENDED_FOR_DEBT:
            messages.warning(
                request, _t("The tariff is given. The service begins as soon as there is money for the first month.")
            )
        else:
            messages.success(request, _t("The tariff is given, what is left of the month is charged."))
        return HttpResponseRedirect(reverse("admin:tariffs_subscription_change", args=[obj.pk]))
