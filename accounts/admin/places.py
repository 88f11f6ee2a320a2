"""The address directory, by hand and from a CSV."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models.functions import Length
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts import address_import, house_numbers
from accounts.models import AddressImport, City, House, Street
from accounts.staff import cities_of

from .base import StaffModelAdmin, author_of

BLOCK = re.compile(r"(к|с|корп|стр)\.?\d", re.IGNORECASE)
SAMPLE = "street,house\nПушкинская улица,12А\nПушкинская улица,14 к2\n"


class CityFilter(admin.SimpleListFilter):
    """The staff member's own cities; not drawn for those who have one."""

    title = _("city")
    parameter_name = "city"
    city_path: ClassVar[str] = "city"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(city.slug, str(city)) for city in cities_of(request.user)]

    def has_output(self) -> bool:
        return len(self.lookup_choices) > 1

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        return queryset.filter(**{f"{self.city_path}__slug": self.value()}) if self.value() else queryset


class CityOfHouseFilter(CityFilter):
    city_path = "street__city"


@admin.register(City)
class CityAdmin(StaffModelAdmin):
    city_path = "pk"
    list_display = ["name", "name_en", "slug", "is_served"]
    search_fields = ["name", "name_en"]

    def get_readonly_fields(self, request: HttpRequest, obj: City | None = None) -> list[str]:
        """The address name stands in bookmarks, feeds and saved sign-ins."""
        return ["slug"] if obj else []

    def save_model(self, request: HttpRequest, obj: City, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            # Staff see only the cities they are given: without this the author would lose sight of the new one.
            author_of(request).cities.add(obj)

    def has_delete_permission(self, request: HttpRequest, obj: City | None = None) -> bool:
        return False


@admin.register(Street)
class StreetAdmin(StaffModelAdmin):
    fields = ["city", "name"]
    list_display = ["name", "city", "houses"]
    list_filter = [CityFilter]
    list_select_related = ["city"]
    search_fields = ["name"]
    ordering = ["name", "pk"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Street]:
        houses = House.objects.filter(street=models.OuterRef("pk")).order_by().values("street")
        counted = houses.annotate(count=models.Count("pk")).values("count")
        return super().get_queryset(request).select_related("city").annotate(_houses=models.Subquery(counted))

    def get_readonly_fields(self, request: HttpRequest, obj: Street | None = None) -> list[str]:
        return ["city"] if obj else []

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {**_only_city(request), **super().get_changeform_initial_data(request)}

    @admin.display(description=_("houses"), ordering="_houses")
    def houses(self, street: Any) -> int:
        return street._houses or 0


class HouseForm(forms.ModelForm):
    class Meta:
        model = House
        fields = ["street", "number"]

    def clean_number(self) -> str:
        number = house_numbers.normal(self.cleaned_data["number"])
        if number is None:
            raise forms.ValidationError(address_import.ERRORS["house"])
        return number


@admin.register(House)
class HouseAdmin(StaffModelAdmin):
    city_path = "street__city"
    form = HouseForm
    autocomplete_fields = ["street"]
    list_display = ["street", "number", "city"]
    list_display_links = ["street", "number"]
    list_filter = [CityOfHouseFilter]
    search_fields = ["street__name", "number"]
    search_help_text = _("Part of the street and the number: «Пушк 12»")
    ordering = ["street__name", Length("number"), "number", "pk"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[House]:
        return super().get_queryset(request).select_related("street__city")

    def get_readonly_fields(self, request: HttpRequest, obj: House | None = None) -> list[str]:
        """A house does not move: contracts take their city from it."""
        return ["street"] if obj else []

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        for word in search_term[:100].replace(",", " ").split():
            queryset = queryset.filter(_names(word))
        return queryset, False

    @admin.display(description=_("city"))
    def city(self, house: House) -> str:
        return str(house.street.city)


def _names(word: str) -> models.Q:
    """A figure begins a number («12») or a street («40 лет Победы»); «к2» is a block; all else is of the street."""
    if word[0].isdigit():
        return models.Q(number__istartswith=word) | models.Q(street__name__icontains=word)
    if BLOCK.match(word):
        return models.Q(number__icontains=word)
    return models.Q(street__name__icontains=word)


class ImportForm(forms.ModelForm):
    file = forms.FileField(label=_("CSV file"), help_text=_("Up to 10 MB and 500,000 lines, in UTF-8."))

    class Meta:
        model = AddressImport
        fields = ["city", "file"]

    def clean_file(self) -> str:
        """The file's text; a large one is not read at all."""
        file = self.cleaned_data["file"]
        self.instance.file_name = file.name[-200:]
        try:
            return address_import.text_of(file.read(address_import.MAX_BYTES + 1))
        except address_import.FileRefused as refusal:
            raise forms.ValidationError(str(refusal)) from None


@admin.register(AddressImport)
class AddressImportAdmin(StaffModelAdmin):
    form = ImportForm
    add_form_template = "admin/accounts/addressimport/add_form.html"
    list_display = ["file_name", "city", "state", "lines_total", "houses_added", "author", "created_at"]
    list_filter = ["state", CityFilter]
    # Ten megabytes have no place in the journal.
    secret_fields = ("file",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[AddressImport]:
        return super().get_queryset(request).defer("content").select_related("city", "author")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {**_only_city(request), **super().get_changeform_initial_data(request)}

    def has_change_permission(self, request: HttpRequest, obj: AddressImport | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AddressImport | None = None) -> bool:
        return False

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().add_view(request, form_url, {"sample": SAMPLE, **(extra_context or {})})

    def save_model(self, request: HttpRequest, obj: AddressImport, form: Any, change: bool) -> None:
        address_import.accept(obj, form.cleaned_data["file"], author=author_of(request), now=timezone.now())

    def response_add(self, request: HttpRequest, obj: AddressImport, post_url_continue: Any = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("admin:accounts_addressimport_change", args=[obj.pk]))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """How far the import is; the page asks for itself again until it is over, without a script."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404
        errors = [(line, address_import.ERRORS[reason], value) for line, reason, value in row.errors]
        context = {
            **self.admin_site.each_context(request),
            "title": _t("Address import: %s") % row.city,
            "opts": self.opts,
            "row": row,
            "errors": errors,
            "may_run_again": self.has_add_permission(request) and address_import.is_stuck(row, now=timezone.now()),
        }
        response = TemplateResponse(request, "admin/accounts/addressimport/progress.html", context)
        if not row.is_finished:
            response["Refresh"] = "2"
        return response

    def get_urls(self) -> list[Any]:
        run_again = self.admin_site.admin_view(require_POST(self.run_again_view))
        name = "accounts_addressimport_run_again"
        return [path("<int:import_id>/run-again/", run_again, name=name), *super().get_urls()]

    def run_again_view(self, request: HttpRequest, import_id: int) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        row = get_object_or_404(self.get_queryset(request), pk=import_id)
        try:
            address_import.run_again(row.pk, by=author_of(request), now=timezone.now())
        except address_import.ImportRuns as refusal:
            messages.error(request, str(refusal))
        return HttpResponseRedirect(reverse("admin:accounts_addressimport_change", args=[import_id]))


def _only_city(request: HttpRequest) -> dict[str, Any]:
    """The city to offer first, when there is no choice."""
    cities = list(cities_of(request.user)[:2])
    return {"city": cities[0].pk} if len(cities) == 1 else {}
