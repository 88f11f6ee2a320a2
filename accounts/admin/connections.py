"""The queue of connection requests: take one, call, close it with the outcome."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts import connections, working_time
from accounts.models import ConnectionRequest
from accounts.templatetags.dates import moment

from .base import ReadOnlyAdmin, author_of
from .places import CityFilter

State = ConnectionRequest.State


class QueueFilter(admin.SimpleListFilter):
    title = _("queue")
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("open")), ("overdue", _("overdue")), ("mine", _("taken by me")), ("closed", _("closed"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "open":
            return queryset.open()
        if self.value() == "overdue":
            return queryset.overdue(now=timezone.now())
        if self.value() == "mine":
            return queryset.open().filter(taken_by=request.user)
        if self.value() == "closed":
            return queryset.exclude(handled_at=None)
        return queryset


class CloseForm(forms.Form):
    state = forms.ChoiceField(choices=[(outcome.value, outcome.label) for outcome in connections.OUTCOMES])
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
    )


@admin.register(ConnectionRequest)
class ConnectionRequestAdmin(ReadOnlyAdmin):
    shows_rows_without_city = True
    list_display = ["name", "call", "city", "interest", "sent", "deadline", "state", "taken_by", "time_taken"]
    list_filter = [QueueFilter, "state", CityFilter]
    list_select_related = ["city", "taken_by"]
    search_fields = ["name", "phone"]
    search_help_text = _("Name or any part of the phone")
    fields = ["name", "call", "city", "interest", "sent", "deadline", "state", "taken_by", "taken", "handled"]
    fields += ["time_taken", "note"]
    readonly_fields = ["call", "sent", "deadline", "taken", "handled", "time_taken"]
    change_form_template = "admin/accounts/connectionrequest/change_form.html"

    @admin.display(description=_("mobile phone"), ordering="phone")
    def call(self, row: ConnectionRequest) -> str:
        return format_html('<a href="{}">{}</a>', row.phone.as_rfc3966, row.phone.as_international)

    @admin.display(description=_("sent"), ordering="created_at")
    def sent(self, row: ConnectionRequest) -> str:
        return moment(row.created_at)

    @admin.display(description=_("taken"))
    def taken(self, row: ConnectionRequest) -> str:
        return moment(row.taken_at) or "—"

    @admin.display(description=_("handled"))
    def handled(self, row: ConnectionRequest) -> str:
        return moment(row.handled_at) or "—"

    @admin.display(description=_("call before"), ordering="deadline_at")
    def deadline(self, row: ConnectionRequest) -> str:
        """The moment, and for an open request how much working time is left or is past it."""
        now, until = timezone.now(), moment(row.deadline_at)
        if row.is_overdue(now):
            late = working_time.between(row.deadline_at, now)
            # Overnight no working time passes.
            mark = _t("overdue by %s") % working_time.as_text(late) if late else _t("overdue")
            return format_html('{} <strong class="overdue">{}</strong>', until, mark)
        if row.is_open:
            left = working_time.as_text(working_time.between(now, row.deadline_at))
            return format_html('{} <span class="quiet">{}</span>', until, _t("%s left") % left)
        return until

    @admin.display(description=_("working time taken"), ordering="minutes_taken")
    def time_taken(self, row: ConnectionRequest) -> str:
        return "—" if row.minutes_taken is None else working_time.as_text(timedelta(minutes=row.minutes_taken))

    def get_search_results(
        self, request: HttpRequest, queryset: models.QuerySet[Any], search_term: str
    ) -> tuple[models.QuerySet[Any], bool]:
        """A phone is found however it is typed: «8 (912) 345», «345-67»."""
        digits = re.sub(r"\D", "", search_term)
        if len(digits) < 3 or re.search(r"[^\W\d_]", search_term):
            return super().get_search_results(request, queryset, search_term)
        found = models.Q(phone__contains=digits)
        if digits[0] in "78":
            found |= models.Q(phone__startswith=f"+7{digits[1:]}")
        return queryset.filter(found), False

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        steps = {
            "title": _t("Connection request"),
            "may_act": request.user.has_perm("accounts.change_connectionrequest"),
            "close_form": CloseForm(),
            "me": request.user,
        }
        return super().change_view(request, object_id, form_url, {**steps, **(extra_context or {})})

    def get_urls(self) -> list[Any]:
        steps = [("take", self.take_view), ("put_back", self.put_back_view), ("close", self.close_view)]
        return [
            path(
                f"<int:request_id>/{name.replace('_', '-')}/",
                self.admin_site.admin_view(require_POST(view)),
                name=f"accounts_connectionrequest_{name}",
            )
            for name, view in steps
        ] + super().get_urls()

    def take_view(self, request: HttpRequest, request_id: int) -> HttpResponse:
        done = _t("The request is yours: call and close it with the outcome.")
        return self._step(request, request_id, connections.take, done)

    def put_back_view(self, request: HttpRequest, request_id: int) -> HttpResponse:
        return self._step(request, request_id, connections.put_back, _t("The request is in the queue again."))

    def close_view(self, request: HttpRequest, request_id: int) -> HttpResponse:
        self._row(request, request_id)
        form = CloseForm(request.POST)
        if not form.is_valid():
            messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
            return HttpResponseRedirect(reverse("admin:accounts_connectionrequest_change", args=[request_id]))
        return self._step(request, request_id, connections.close, _t("The request is closed."), **form.cleaned_data)

    def _row(self, request: HttpRequest, request_id: int) -> ConnectionRequest:
        if not request.user.has_perm("accounts.change_connectionrequest"):
            raise PermissionDenied
        row: ConnectionRequest = get_object_or_404(self.get_queryset(request), pk=request_id)
        return row

    def _step(
        self, request: HttpRequest, request_id: int, verb: Callable[..., None], done: str, **particulars: str
    ) -> HttpResponse:
        row = self._row(request, request_id)
        try:
            verb(row.pk, by=author_of(request), now=timezone.now(), **particulars)
        except connections.RequestNotOpen as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, done)
        return HttpResponseRedirect(reverse("admin:accounts_connectionrequest_change", args=[request_id]))
