"""Pauses at a subscriber's wish: to look up, and to plan, cancel or end early for one who calls."""

from __future__ import annotations

from collections.abc import Callable
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
from accounts.admin.places import CityFilter
from accounts.models import Contract
from accounts.staff import cities_of
from accounts.templatetags.dates import moment
from billing import outlook
from tariffs import suspension as verbs
from tariffs import suspension_terms
from tariffs.models import Suspension
from tariffs.suspension_days import Span

MAY_CHANGE = "tariffs.change_suspension"


class CityOfContractFilter(CityFilter):
    city_path = "contract__city"


class SuspensionForm(forms.ModelForm):
    # Named apart from the model's column, whose uniqueness would refuse the second click instead of forgiving it.
    drawn = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    class Meta:
        model = Suspension
        fields = ["contract", "starts_on", "ends_on"]
        widgets = {"starts_on": AdminDateWidget, "ends_on": AdminDateWidget}

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        contract, first, last, drawn = (data.get(name) for name in ("contract", "starts_on", "ends_on", "drawn"))
        is_new = drawn and not Suspension.objects.filter(operation=drawn).exists()
        if contract and first and last and is_new:
            standing = outlook.stand(contract.pk, now=timezone.now())
            terms = suspension_terms.quote(standing, list(verbs.of(contract.pk)), Span(first, last))
            for reason in terms.reasons:
                self.add_error(None, reason.text)
        return data


@admin.register(Suspension)
class SuspensionAdmin(StaffModelAdmin):
    city_path = "contract__city"
    form = SuspensionForm
    list_display = ["contract", "starts_on", "ends_on", "state", "made_by", "created"]
    list_filter = ["state", CityOfContractFilter]
    list_select_related = ["contract", "made_by"]
    search_fields = ["=contract__number"]
    search_help_text = _("Contract number")
    ordering = ["-pk"]
    change_form_template = "admin/tariffs/suspension/change_form.html"

    @admin.display(description=_("asked for"), ordering="created_at")
    def created(self, pause: Suspension) -> str:
        return moment(pause.created_at)

    @admin.display(description=_("finished"))
    def finished(self, pause: Suspension) -> str:
        return moment(pause.finished_at) or "—"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return ["contract", "starts_on", "ends_on", "drawn"]
        return ["contract", "starts_on", "ends_on", "state", "made_by", "created", "finished"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [] if obj is None else self.get_fields(request, obj)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A contract by its number, and only of the cities of this member of staff."""
        if db_field.name != "contract":
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        own = Contract.objects.in_force().filter(city__in=cities_of(request.user))
        return forms.ModelChoiceField(
            own,
            to_field_name="number",
            label=_("Contract number"),
            widget=forms.TextInput(attrs={"inputmode": "numeric"}),
        )

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
        except verbs.SuspensionRefused as refusal:  # somebody was quicker than the form's own check
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())

    def save_model(self, request: HttpRequest, obj: Suspension, form: Any, change: bool) -> None:
        pause = verbs.plan(
            obj.contract_id,
            first=obj.starts_on,
            last=obj.ends_on,
            operation=form.cleaned_data["drawn"],
            now=timezone.now(),
            made_by=author_of(request),
        )
        obj.pk, obj.state = pause.pk, pause.state

    def response_add(self, request: HttpRequest, obj: Suspension, post_url_continue: Any = None) -> HttpResponse:
        messages.success(request, _t("The pause is planned, the subscriber has been told."))
        return _to_page_of(obj)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        pause = self.get_object(request, object_id)
        context = _decisions(request, pause) if pause else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def get_urls(self) -> list[Any]:
        cancel = self.admin_site.admin_view(require_POST(self.cancel_view))
        end = self.admin_site.admin_view(require_POST(self.end_view))
        return [
            path("<int:suspension_id>/cancel/", cancel, name="tariffs_suspension_cancel"),
            path("<int:suspension_id>/end/", end, name="tariffs_suspension_end"),
            *super().get_urls(),
        ]

    def cancel_view(self, request: HttpRequest, suspension_id: int) -> HttpResponse:
        return self._do(
            request, suspension_id, verbs.cancel, _t("The pause is cancelled, the subscriber has been told.")
        )

    def end_view(self, request: HttpRequest, suspension_id: int) -> HttpResponse:
        return self._do(request, suspension_id, verbs.end_early, _t("The service returns tomorrow."))

    def _do(
        self, request: HttpRequest, suspension_id: int, verb: Callable[..., Suspension], success: str
    ) -> HttpResponse:
        if not request.user.has_perm(MAY_CHANGE):
            raise PermissionDenied
        pause: Suspension = get_object_or_404(self.get_queryset(request), pk=suspension_id)
        try:
            verb(pause.pk, now=timezone.now(), by=author_of(request))
        except verbs.SuspensionRefused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, success)
        return _to_page_of(pause)


def _decisions(request: HttpRequest, pause: Suspension) -> dict[str, Any]:
    """What the person before the page may do about it, and what an early end would charge."""
    may = request.user.has_perm(MAY_CHANGE)
    if not may or pause.state != Suspension.State.RUNNING:
        return {"may_cancel": may and pause.state == Suspension.State.PLANNED}
    return {"ending": verbs.ending(pause, outlook.stand(pause.contract_id, now=timezone.now()))}


def _to_page_of(pause: Suspension) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:tariffs_suspension_change", args=[pause.pk]))
