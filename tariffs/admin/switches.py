"""Switches of tariff: to look up, and to plan or cancel one for a subscriber who calls."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminDateWidget
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.admin.base import StaffModelAdmin, author_of
from accounts.templatetags.dates import moment
from tariffs import switch_reasons, switching
from tariffs.models import Switch
from tariffs.switch_lines import When

from .contracts_tariff import CityOfContractFilter, contract_field, number_asked_for, tariff_field

MAY_CHANGE = "tariffs.change_switch"


class SwitchForm(forms.ModelForm):
    # Named apart from the model's column, whose uniqueness would refuse the second click instead of forgiving it.
    drawn = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)
    day = forms.DateField(
        label=_("Day"), required=False, widget=AdminDateWidget, help_text=_("Empty: from the 1st of the next month.")
    )

    class Meta:
        model = Switch
        fields = ["contract", "tariff"]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        contract, tariff, drawn = (data.get(name) for name in ("contract", "tariff", "drawn"))
        if contract and tariff and "day" in data:
            ground = switching.ground(contract.pk, now=timezone.now(), also=tariff.pk)
            data["day"] = data["day"] or When.next_month(ground.today).on
            if drawn and not Switch.objects.filter(operation=drawn).exists():
                terms = switching.quote(ground, ground.holding.tariffs[tariff.pk], When(data["day"]), by_staff=True)
                for reason in terms.reasons:
                    self.add_error(None, reason.text)
        return data


@admin.register(Switch)
class SwitchAdmin(StaffModelAdmin):
    city_path = "contract__city"
    form = SwitchForm
    list_display = ["contract", "old", "tariff", "on", "state", "made_by", "created"]
    list_filter = ["state", CityOfContractFilter]
    list_select_related = ["contract", "old", "tariff", "made_by"]
    search_fields = ["=contract__number"]
    search_help_text = _("Contract number")
    ordering = ["-pk"]
    change_form_template = "admin/tariffs/switch/change_form.html"

    @admin.display(description=_("asked for"), ordering="created_at")
    def created(self, switch: Switch) -> str:
        return moment(switch.created_at)

    @admin.display(description=_("finished"))
    def finished(self, switch: Switch) -> str:
        return moment(switch.finished_at) or "—"

    @admin.display(description=_("why not"))
    def failed(self, switch: Switch) -> str:
        return switch_reasons.words_of(switch.failure) if switch.failure else "—"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return ["contract", "tariff", "day", "drawn"]
        return ["contract", "old", "tariff", "on", "is_at_once", "state", "failed", "made_by", "created", "finished"]

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

    def save_model(self, request: HttpRequest, obj: Switch, form: Any, change: bool) -> None:
        switch = switching.plan(
            obj.contract_id,
            tariff_id=obj.tariff_id,
            on=form.cleaned_data["day"],
            operation=form.cleaned_data["drawn"],
            now=timezone.now(),
            by=author_of(request),
        )
        obj.pk, obj.state = switch.pk, switch.state

    def response_add(self, request: HttpRequest, obj: Switch, post_url_continue: Any = None) -> HttpResponse:
        messages.success(request, _t("The switch is planned, the subscriber has been told."))
        return _to_page_of(obj)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        switch = self.get_object(request, object_id)
        may = bool(switch and switch.state == Switch.State.PLANNED and request.user.has_perm(MAY_CHANGE))
        return super().change_view(request, object_id, form_url, {"may_cancel": may, **(extra_context or {})})

    def get_urls(self) -> list[Any]:
        cancel = self.admin_site.admin_view(require_POST(self.cancel_view))
        return [path("<int:switch_id>/cancel/", cancel, name="tariffs_switch_cancel"), *super().get_urls()]

    def cancel_view(self, request: HttpRequest, switch_id: int) -> HttpResponse:
        if not request.user.has_perm(MAY_CHANGE):
            raise PermissionDenied
        switch: Switch = get_object_or_404(self.get_queryset(request), pk=switch_id)
        try:
            switching.cancel(switch.contract_id, switch_id=switch.pk, now=timezone.now(), by=author_of(request))
        except switching.SwitchRefused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _t("The switch is cancelled, the subscriber has been told."))
        return _to_page_of(switch)


def _to_page_of(switch: Switch) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:tariffs_switch_change", args=[switch.pk]))
