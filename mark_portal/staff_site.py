"""The staff's side: Django admin under our sign-in rules, second factor and look."""

from base64 import b32encode
from typing import Any, cast

from django.contrib.admin import AdminSite
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts import journal, second_factor, sessions
from accounts.models import City, User
from accounts.staff import cities_of
from accounts.staff_forms import CodeForm, StaffSignInForm
from mark_portal import staff_counters


class CityAwareAutocomplete(AutocompleteJsonView):
    """Both cities have a Lenin street: whoever sees several cities is told which one a row is in."""

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        found = super().serialize_result(obj, to_field_name)
        city = None if isinstance(obj, City) else journal.city_of(obj)
        if city and self._sees_several:
            found["text"] = f"{found['text']} · {city}"
        return found

    @cached_property
    def _sees_several(self) -> bool:
        return cities_of(self.request.user).count() > 1


class StaffSite(AdminSite):
    site_header = _("«Марк» · staff")
    site_title = _("«Марк»")
    index_title = _("Today")
    login_form = StaffSignInForm
    index_template = "admin/index.html"

    def has_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_staff and not second_factor.is_missing(request))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if _is_staff(request) and second_factor.is_missing(request):
            return redirect("admin:second_factor")
        response = super().login(request, extra_context)
        if request.method == "POST" and _is_staff(request):
            sessions.shorten_for_staff(request, now=timezone.now())
        elif request.method == "POST":
            response.status_code = 422
        return response

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """One's own password; like every change by staff it is journaled, and ends one's other sessions."""
        response = super().password_change(request, extra_context)
        if request.method == "POST" and isinstance(request.user, User) and response.status_code == 302:
            sessions.end_all(request.user, but=request.session.session_key)
            journal.record(request.user, "staff_password_set", request.user, now=timezone.now())
        return response

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        counters = staff_counters.of(request.user, now=timezone.now())
        return super().index(request, {"counters": counters, **(extra_context or {})})

    def autocomplete_view(self, request: HttpRequest) -> JsonResponse:
        return cast(JsonResponse, CityAwareAutocomplete.as_view(admin_site=self)(request))

    def get_urls(self) -> list[Any]:
        return [path("second-factor/", self.second_factor_view, name="second_factor"), *super().get_urls()]

    def second_factor_view(self, request: HttpRequest) -> HttpResponse:
        """Set up the authenticator app, once, at the first sign-in."""
        user = request.user
        if not isinstance(user, User) or not user.is_staff:
            return redirect("admin:login")
        if second_factor.is_set_up(user):
            if self.has_permission(request):
                return redirect("admin:index")
            logout(request)
            return redirect("admin:login")
        form = CodeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            if second_factor.confirm(request, form.cleaned_data["code"].strip(), now=timezone.now()):
                return redirect("admin:index")
            form.add_error("code", _t("The code does not match. Check the clock of the phone and try the next code."))
        device = second_factor.draft(user)
        context = {
            **self.each_context(request),
            "title": _t("Second factor"),
            "form": form,
            "qr_code": second_factor.qr_code(device),
            "secret": b32encode(device.bin_key).decode(),
        }
        status = 422 if form.errors else 200
        response = TemplateResponse(request, "admin/second_factor.html", context, status=status)
        response["Cache-Control"] = "no-store"
        return response


def _is_staff(request: HttpRequest) -> bool:
    return isinstance(request.user, User) and request.user.is_staff
