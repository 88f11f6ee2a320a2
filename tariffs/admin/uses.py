"""Options and offers that contracts have: to look up, and to switch or take for a subscriber who calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_POST

from accounts.admin.base import StaffModelAdmin, author_of
from accounts.staff import cities_of
from accounts.templatetags.dates import moment
from tariffs import offer_shelf, offer_terms, offers, option_shelf, option_terms, options
from tariffs.models import Offer, OfferUse, Option, OptionUse

from .contracts_tariff import CityOfContractFilter, contract_field, number_asked_for

MAY_CHANGE = "tariffs.change_optionuse"


class UseForm(forms.ModelForm):
    # Named apart from the model's column, whose uniqueness would refuse the second click instead of forgiving it.
    drawn = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        drawn = data.get("drawn")
        is_new = drawn and not self._meta.model.objects.filter(operation=drawn).exists()
        if is_new and not self.errors:
            for reason in self.reasons(data):
                self.add_error(None, reason)
        return data

    def reasons(self, data: dict[str, Any]) -> list[str]:
        """Why the verb would refuse, in its own words."""
        raise NotImplementedError


class OptionUseForm(UseForm):
    class Meta:
        model = OptionUse
        fields = ["contract", "option", "quantity", "choice"]
        help_texts = {"choice": _("Empty: the first that can be chosen.")}

    def reasons(self, data: dict[str, Any]) -> list[str]:
        shelf = option_shelf.of(data["contract"].pk, now=timezone.now())
        row = shelf.row(data["option"].pk)
        if row is None:
            return [
                _t("The option is not sold to this contract: it is for another city or another kind of subscriber.")
            ]
        held = row.current.choice if row.current else ""
        data["choice"] = data["choice"] or held or next(iter(row.option.choices), "")
        quote = option_terms.quote(shelf, row, quantity=data["quantity"], choice=data["choice"])
        return [reason.text for reason in quote.reasons]


class OfferUseForm(UseForm):
    class Meta:
        model = OfferUse
        fields = ["contract", "offer"]

    def reasons(self, data: dict[str, Any]) -> list[str]:
        shelf = offer_shelf.of(data["contract"].pk, now=timezone.now(), offer_id=data["offer"].pk)
        row = shelf.row(data["offer"].pk)
        if row is None:
            return [
                _t("The offer is not meant for this contract: it is for another city or another kind of subscriber.")
            ]
        return [reason.text for reason in offer_terms.quote(shelf, row).reasons]


class OfACity(forms.ModelChoiceField):
    def label_from_instance(self, row: Any) -> str:
        return f"{row} · {row.city}" if row.city else str(row)


class UseAdmin(StaffModelAdmin):
    """Rows that verbs write; `what` is the column of the thing used."""

    city_path = "contract__city"
    what: str
    sold: type[Option] | type[Offer]
    refused: type[Exception]
    search_fields = ["=contract__number"]
    search_help_text = _("Contract number")
    ordering = ["-pk"]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "contract":
            return contract_field(request)
        if db_field.name == self.what:
            own = Q(city=None) | Q(city__in=cities_of(request.user))
            rows = self.sold.objects.filter(own, is_archived=False).select_related("city")
            return OfACity(rows, label=capfirst(db_field.verbose_name))
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"contract": number_asked_for(request)}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if obj is None else self.get_fields(request, obj)

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
        except self.refused as refusal:  # somebody was quicker than the form's own check
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        messages.success(request, _t("Done, the subscriber has been told."))
        return HttpResponseRedirect(reverse(f"admin:tariffs_{self.opts.model_name}_change", args=[obj.pk]))


@admin.register(OptionUse)
class OptionUseAdmin(UseAdmin):
    form = OptionUseForm
    what, sold, refused = "option", Option, options.OptionRefused
    list_display = ["contract", "option", "quantity", "choice", "since", "until"]
    list_filter = ["option", CityOfContractFilter]
    list_select_related = ["contract", "option"]
    change_form_template = "admin/tariffs/optionuse/change_form.html"

    @admin.display(description=_("switched on"), ordering="created_at")
    def created(self, use: OptionUse) -> str:
        return moment(use.created_at)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return ["contract", "option", "quantity", "choice", "drawn"]
        return ["contract", "option", "quantity", "choice", "since", "until", "created"]

    def save_model(self, request: HttpRequest, obj: OptionUse, form: Any, change: bool) -> None:
        use = options.order(
            obj.contract_id,
            option_id=obj.option_id,
            quantity=obj.quantity,
            choice=form.cleaned_data["choice"],
            operation=form.cleaned_data["drawn"],
            now=timezone.now(),
            by=author_of(request),
        )
        obj.pk = use.pk

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        use = self.get_object(request, object_id)
        context = _decisions(request, use) if use else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    def get_urls(self) -> list[Any]:
        off = self.admin_site.admin_view(require_POST(self.off_view))
        keep = self.admin_site.admin_view(require_POST(self.keep_view))
        return [
            path("<int:use_id>/off/", off, name="tariffs_optionuse_off"),
            path("<int:use_id>/keep/", keep, name="tariffs_optionuse_keep"),
            *super().get_urls(),
        ]

    def off_view(self, request: HttpRequest, use_id: int) -> HttpResponse:
        return self._do(request, use_id, options.switch_off)

    def keep_view(self, request: HttpRequest, use_id: int) -> HttpResponse:
        return self._do(request, use_id, options.keep)

    def _do(self, request: HttpRequest, use_id: int, verb: Callable[..., OptionUse]) -> HttpResponse:
        if not request.user.has_perm(MAY_CHANGE):
            raise PermissionDenied
        use: OptionUse = get_object_or_404(self.get_queryset(request), pk=use_id)
        try:
            verb(use.contract_id, option_id=use.option_id, now=timezone.now(), by=author_of(request))
        except options.OptionRefused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _t("Done, the subscriber has been told."))
        return HttpResponseRedirect(reverse("admin:tariffs_optionuse_change", args=[use.pk]))


def _decisions(request: HttpRequest, use: OptionUse) -> dict[str, bool]:
    """What the person before the page may do about it."""
    today = timezone.localdate()
    runs = use.since <= today and (use.until is None or use.until > today)
    may = runs and request.user.has_perm(MAY_CHANGE)  # type: ignore[union-attr]
    return {"may_switch_off": may and use.until is None, "may_keep": may and use.until is not None}


@admin.register(OfferUse)
class OfferUseAdmin(UseAdmin):
    form = OfferUseForm
    what, sold, refused = "offer", Offer, offers.OfferRefused
    list_display = ["contract", "offer", "number", "since", "until", "percent", "presses_left"]
    list_filter = ["offer", CityOfContractFilter]
    list_select_related = ["contract", "offer"]

    @admin.display(description=pgettext_lazy("an offer", "taken"), ordering="taken_at")
    def taken(self, use: OfferUse) -> str:
        return moment(use.taken_at)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        if obj is None:
            return ["contract", "offer", "drawn"]
        return ["contract", "offer", "number", "since", "until", "percent", "option", "presses_left", "taken"]

    def save_model(self, request: HttpRequest, obj: OfferUse, form: Any, change: bool) -> None:
        use = offers.take(
            obj.contract_id,
            offer_id=obj.offer_id,
            operation=form.cleaned_data["drawn"],
            now=timezone.now(),
            by=author_of(request),
        )
        obj.pk = use.pk
