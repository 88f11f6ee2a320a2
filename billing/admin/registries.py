"""Registers of terminal networks: upload, the report of differences, correcting line by line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override
from django.views.decorators.http import require_POST, require_safe

from accounts.admin.base import StaffModelAdmin, author_of, spans_cities
from billing import gateways, registries, registry_corrections, registry_files, spreadsheets
from billing.models import Registry, RegistryLine
from billing.registry_corrections import CorrectionRefused
from billing.templatetags.money import rubles
from billing.terminals import TITLES

from . import search

GATEWAYS = [(gateway, gateways.name_of(gateway)) for gateway in TITLES]
LINES_SHOWN = 200


class RegistryForm(forms.ModelForm):
    # Named apart from the model's column, whose uniqueness would refuse the same day again instead of replacing it.
    network = forms.ChoiceField(label=_("Terminal network"), choices=GATEWAYS)
    file = forms.FileField(label=_("CSV file"), help_text=_("Up to 4 MB and 20,000 lines, in UTF-8 or Windows-1251."))

    class Meta:
        model = Registry
        fields = ["day"]

    field_order = ["network", "day", "file"]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if not {"network", "day", "file"} <= given.keys():
            return given
        if refused := registries.refusal(given["network"], given["day"], today=timezone.localdate()):
            self.add_error("day", refused)
            return given
        try:
            # A file that is too large is not read to its end.
            given["rows"] = registry_files.rows_of(given["file"].read(registry_files.MAX_BYTES + 1), day=given["day"])
        except registry_files.FileRefused as refusal:
            self.add_error("file", list(refusal.messages))
        return given


@admin.register(Registry)
class RegistryAdmin(StaffModelAdmin):
    # A register spans all cities: `spans_cities` keeps out whoever is not given all of them.
    city_path = None
    form = RegistryForm
    add_form_template = "admin/billing/registry/add_form.html"
    fields = ["network", "day", "file"]
    list_display = ["day", "terminals", "to_correct", "file_name", "uploaded_by"]
    list_filter = [search.GatewayFilter]
    date_hierarchy = "day"
    ordering = ["-day", "-pk"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Registry]:
        open_lines = RegistryLine.objects.filter(registry=models.OuterRef("pk"), corrected_at=None)
        differing = open_lines.exclude(difference=RegistryLine.Difference.NONE).order_by().values("registry")
        counted = differing.annotate(count=models.Count("pk")).values("count")
        return (
            super().get_queryset(request).select_related("uploaded_by").annotate(_to_correct=models.Subquery(counted))
        )

    @admin.display(description=_("terminal network"), ordering="gateway")
    def terminals(self, registry: Registry) -> str:
        return gateways.name_of(registry.gateway)

    @admin.display(description=_("to correct"))
    def to_correct(self, registry: Any) -> int:
        return registry._to_correct or 0

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) and spans_cities(request)

    def has_view_permission(self, request: HttpRequest, obj: Registry | None = None) -> bool:
        return super().has_view_permission(request, obj) and spans_cities(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and spans_cities(request)

    def has_change_permission(self, request: HttpRequest, obj: Registry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Registry | None = None) -> bool:
        return False

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:
        """The verb has journaled it."""

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {"sample": registry_files.SAMPLE, **(extra_context or {})}
        try:
            response = super().add_view(request, form_url, context)
        except registries.RegistryRefused as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(reverse("admin:billing_registry_changelist"))
        if request.method == "POST" and response.status_code == 200:
            response.status_code = 422
        return response

    def save_model(self, request: HttpRequest, obj: Registry, form: Any, change: bool) -> None:
        given = form.cleaned_data
        kept = registries.accept(
            gateway=given["network"],
            day=given["day"],
            file_name=given["file"].name,
            rows=given["rows"],
            by=author_of(request),
            now=timezone.now(),
        )
        obj.pk = kept.pk

    def response_add(self, request: HttpRequest, obj: Registry, post_url_continue: Any = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:billing_registry_change", args=[obj.pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The report: totals, and the lines that differ with what may be done about each."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        registry = self.get_object(request, object_id)
        if registry is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        by = author_of(request)
        lines = list(registries.differing(registry)[: LINES_SHOWN + 1])
        may_correct = request.user.has_perm("billing.change_registry")
        context = {
            **self.admin_site.each_context(request),
            "title": _t("Register: %(network)s, %(day)s")
            % {"network": gateways.name_of(registry.gateway), "day": f"{registry.day:%d.%m.%Y}"},
            "opts": self.opts,
            "registry": registry,
            "totals": registries.totals(registry),
            "lines": [(line, registry_corrections.refusal(line, by=by)) for line in lines[:LINES_SHOWN]],
            "is_more": len(lines) > LINES_SHOWN,
            "may_correct": may_correct,
        }
        return TemplateResponse(request, "admin/billing/registry/report.html", context)

    def get_urls(self) -> list[Any]:
        correct = self.admin_site.admin_view(require_POST(self.correct_view))
        report = self.admin_site.admin_view(require_safe(self.csv_view))
        return [
            path("lines/<int:line_id>/correct/", correct, name="billing_registry_correct"),
            path("<int:registry_id>/differences.csv", report, name="billing_registry_csv"),
            *super().get_urls(),
        ]

    def correct_view(self, request: HttpRequest, line_id: int) -> HttpResponse:
        """POST: let the register have its way about one line."""
        if not (request.user.has_perm("billing.change_registry") and self.has_view_permission(request)):
            raise PermissionDenied
        line = get_object_or_404(RegistryLine, pk=line_id)
        try:
            corrected = registry_corrections.correct(line.pk, by=author_of(request), now=timezone.now())
        except CorrectionRefused as refusal:
            messages.error(request, str(refusal))
        else:
            _say(request, corrected)
        return HttpResponseRedirect(reverse("admin:billing_registry_change", args=[line.registry_id]))

    def csv_view(self, request: HttpRequest, registry_id: int) -> StreamingHttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        registry = get_object_or_404(Registry, pk=registry_id)
        name = f"{registry.gateway}-{registry.day:%Y-%m-%d}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingHttpResponse(
            _written(registry, request.LANGUAGE_CODE), content_type="text/csv; charset=utf-8", headers=headers
        )


def _say(request: HttpRequest, line: RegistryLine) -> None:
    if line.corrected_at is None:
        messages.warning(
            request,
            _t("Nothing was posted: since the upload the payment has changed. Line %s is compared anew.") % line,
        )
        return
    said = _t("Corrected: payment %(number)s, contract %(contract)s.")
    messages.success(request, said % {"number": line.number, "contract": line.contract_number})
    account = line.payment.account if line.payment else None
    if account and line.difference == RegistryLine.Difference.EXTRA:
        account.refresh_from_db(fields=["balance"])
        if account.balance < 0:
            warning = _t("The money had been spent: the balance of contract %(contract)s is %(balance)s now.")
            messages.warning(request, warning % {"contract": account, "balance": rubles(account.balance)})


class _Echo:
    def write(self, line: str) -> str:
        return line


def _written(registry: Registry, language: str) -> Iterator[str]:
    """The differences as CSV that Excel opens and takes for no formula. Runs when the request's language is gone."""
    writer = csv.writer(_Echo(), delimiter=";", lineterminator="\r\n")
    with override(language):
        yield spreadsheets.BYTE_ORDER_MARK + writer.writerow(
            [
                _t("Number at the terminal"),
                _t("Difference"),
                _t("Paid"),
                _t("Contract in the register"),
                _t("Sum in the register, ₽"),
                _t("Contract with us"),
                _t("Sum with us, ₽"),
                _t("Corrected"),
            ]
        )
    for line in registries.differing(registry).iterator(chunk_size=500):
        with override(language):
            cells = _cells(line)
        yield writer.writerow(cells)


def _cells(line: RegistryLine) -> list[str]:
    is_told = line.difference != RegistryLine.Difference.EXTRA
    ours = line.payment
    return [
        spreadsheets.text(line.number),
        str(line.get_difference_display()),
        f"{timezone.localtime(line.paid_at):%d.%m.%Y %H:%M:%S}",
        line.contract_number if is_told else "",
        spreadsheets.number(line.amount) if is_told else "",
        str(ours.account) if ours else "",
        spreadsheets.number(ours.amount) if ours else "",
        f"{timezone.localtime(line.corrected_at):%d.%m.%Y %H:%M}" if line.corrected_at else "",
    ]
