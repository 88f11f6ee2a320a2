"""Uploading files of traffic and watching their import."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.admin.base import StaffModelAdmin, author_of, spans_cities
from tariffs import traffic_files, traffic_import
from tariffs.models import TrafficImport
from tariffs.traffic_files import FileRefused


class TrafficForm(forms.ModelForm):
    file = forms.FileField(label=_("CSV file"), help_text=_("Up to 512 MB, in UTF-8; millions of lines are usual."))

    class Meta:
        model = TrafficImport
        fields: list[str] = []

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > traffic_files.MAX_BYTES:
            raise forms.ValidationError(_("The file is larger than 512 MB. Split it."))
        try:
            traffic_files.refuse_if_empty(file, traffic_files.layout_of(file))
        except FileRefused as refusal:
            raise forms.ValidationError(str(refusal)) from None
        return file


@admin.register(TrafficImport)
class TrafficImportAdmin(StaffModelAdmin):
    # A file spans all cities: `spans_cities` keeps out whoever is not given all of them.
    city_path = None
    form = TrafficForm
    fields = ["file"]
    add_form_template = "admin/tariffs/trafficimport/add_form.html"
    list_display = ["file_name", "state", "rows", "unknown", "author", "created_at", "finished_at"]
    list_filter = ["state"]
    list_select_related = ["author"]
    secret_fields = ("file",)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) and spans_cities(request)

    def has_view_permission(self, request: HttpRequest, obj: TrafficImport | None = None) -> bool:
        return super().has_view_permission(request, obj) and spans_cities(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and spans_cities(request)

    def has_change_permission(self, request: HttpRequest, obj: TrafficImport | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: TrafficImport | None = None) -> bool:
        return False

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().add_view(request, form_url, {"sample": traffic_files.SAMPLE, **(extra_context or {})})
        if request.method == "POST" and response.status_code == 200:
            response.status_code = 422
        return response

    def save_model(self, request: HttpRequest, obj: TrafficImport, form: Any, change: bool) -> None:
        file = form.cleaned_data["file"]
        kept = traffic_import.accept(file, name=file.name, author=author_of(request), now=timezone.now())
        obj.pk, obj.file_name = kept.pk, kept.file_name

    def response_add(self, request: HttpRequest, obj: TrafficImport, post_url_continue: Any = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:tariffs_trafficimport_change", args=[obj.pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """How far the import is; the page asks for itself again until it is over, without a script."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        context = {
            **self.admin_site.each_context(request),
            "title": row.file_name,
            "opts": self.opts,
            "row": row,
            "errors": [(line, traffic_files.ERRORS[reason], value) for line, reason, value in row.errors if line],
            "fault": next((traffic_files.ERRORS[reason] for line, reason, _value in row.errors if not line), ""),
            "is_whole": len(row.errors) < traffic_import.ERRORS_SHOWN,
            "is_next": row.is_finished or not traffic_import.waiting().filter(pk__lt=row.pk).exists(),
        }
        response = TemplateResponse(request, "admin/tariffs/trafficimport/progress.html", context)
        if not row.is_finished:
            response["Refresh"] = "2"
        return response
