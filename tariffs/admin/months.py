"""Month runs: how far they are, sending again what hangs, and a look at a month to come. For who sees every city."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.admin.base import ReadOnlyAdmin, author_of, spans_cities
from accounts.templatetags.dates import moment
from billing import shares
from billing.templatetags.money import rubles
from tariffs import month_dry_run, months
from tariffs.models import MonthRun

SUMS = ("charged", "total", "stopped", "missing")


@admin.register(MonthRun)
class MonthRunAdmin(ReadOnlyAdmin):
    # A run spans all cities: whoever is not given all of them is kept out.
    city_path = None
    list_display = ["of_month", "state", "progress", "charged", "total", "suspended", "begun", "over"]
    ordering = ["-month"]
    change_list_template = "admin/tariffs/monthrun/change_list.html"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[MonthRun]:
        ranges = {"_ranges": Count("ranges"), "_done": Count("ranges", filter=Q(ranges__done_at__isnull=False))}
        sums = {f"_{name}": Sum(f"ranges__{name}", default=0) for name in ("charged", "total", "suspended")}
        return super().get_queryset(request).annotate(**ranges, **sums)

    @admin.display(description=_("month"), ordering="month")
    def of_month(self, run: MonthRun) -> str:
        return named(run.month)

    @admin.display(description=_("ranges done"))
    def progress(self, run: Any) -> str:
        return f"{run._done} / {run._ranges}"

    @admin.display(description=_("contracts charged"))
    def charged(self, run: Any) -> int:
        return int(run._charged)

    @admin.display(description=_("charged, ₽"))
    def total(self, run: Any) -> str:
        return rubles(run._total)

    @admin.display(description=_("suspended for debt"))
    def suspended(self, run: Any) -> int:
        return int(run._suspended)

    @admin.display(description=_("begun"), ordering="started_at")
    def begun(self, run: MonthRun) -> str:
        return moment(run.started_at)

    @admin.display(description=_("finished"))
    def over(self, run: MonthRun) -> str:
        return moment(run.finished_at) or "—"

    def has_module_permission(self, request: HttpRequest) -> bool:
        return super().has_module_permission(request) and spans_cities(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) and spans_cities(request)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """The list has no filters; Django would take a year of nonsense in the address for one and fail."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        following = shares.first_of_month(timezone.localdate(), 1)
        return super().changelist_view(request, {"following": following, **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """How far the run is."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        run = self.get_object(request, object_id)
        if run is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        context = {
            **self.admin_site.each_context(request),
            "title": _t("Month run: %(month)s") % {"month": named(run.month)},
            "opts": self.opts,
            "run": run,
            "done": run._done,
            "ranges": run._ranges,
            "facts": [
                (_t("Contracts charged"), self.charged(run)),
                (_t("Charged"), self.total(run)),
                (_t("Suspended for debt"), self.suspended(run)),
            ],
            "may_send": request.user.has_perm("tariffs.change_monthrun"),
        }
        return TemplateResponse(request, "admin/tariffs/monthrun/progress.html", context)

    def get_urls(self) -> list[Any]:
        wrap = self.admin_site.admin_view
        return [
            path("<int:run_id>/send-again/", wrap(require_POST(self.send_again)), name="tariffs_monthrun_again"),
            path("ahead/<month:month>/", wrap(require_safe(self.ahead)), name="tariffs_monthrun_ahead"),
            path("ahead/<month:month>/poor/", wrap(require_safe(self.poor)), name="tariffs_monthrun_poor"),
            *super().get_urls(),
        ]

    def send_again(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """POST: let what hangs be given out again at once."""
        if not (self.has_view_permission(request) and request.user.has_perm("tariffs.change_monthrun")):
            raise PermissionDenied
        run = get_object_or_404(MonthRun, pk=run_id)
        freed = months.send_again(run.pk, by=author_of(request), now=timezone.now())
        told = ngettext(
            "%(count)d range goes to a worker within a minute.",
            "%(count)d ranges go to workers within a minute.",
            freed,
        )
        messages.info(request, told % {"count": freed} if freed else _t("Every range is done."))
        return HttpResponseRedirect(reverse("admin:tariffs_monthrun_change", args=[run.pk]))

    def ahead(self, request: HttpRequest, month: date) -> HttpResponse:
        """A dry run: who would be charged how much, and who cannot pay."""
        refused = self._refused(request, month)
        if refused:
            return refused
        now = timezone.now()
        today = timezone.localdate(now)
        rows = month_dry_run.by_tariff(month, now=now)
        context = {
            **self.admin_site.each_context(request),
            "title": _t("Month ahead: %(month)s") % {"month": named(month)},
            "opts": self.opts,
            "month": month,
            "others": [shares.first_of_month(today, ahead) for ahead in range(1, month_dry_run.MONTHS_AHEAD + 1)],
            "rows": rows,
            "sums": {name: sum(getattr(row, name) for row in rows) for name in SUMS},
        }
        return TemplateResponse(request, "admin/tariffs/monthrun/ahead.html", context)

    def poor(self, request: HttpRequest, month: date) -> HttpResponse:
        """GET `after`: the primary key of the contract behind which the page begins."""
        refused = self._refused(request, month)
        if refused:
            return refused
        given = request.GET.get("after", "")
        after = int(given) if given.isascii() and given.isdigit() and len(given) < 18 else 0
        rows = month_dry_run.poor(month, after=after, now=timezone.now())
        context = {
            **self.admin_site.each_context(request),
            "title": _t("Cannot pay %(month)s") % {"month": named(month)},
            "opts": self.opts,
            "month": month,
            "rows": rows[: month_dry_run.LIST_ROWS],
            "after": rows[month_dry_run.LIST_ROWS - 1].contract_id if len(rows) > month_dry_run.LIST_ROWS else None,
        }
        return TemplateResponse(request, "admin/tariffs/monthrun/poor.html", context)

    def _refused(self, request: HttpRequest, month: date) -> HttpResponse | None:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if month_dry_run.may_look(month, today=timezone.localdate()):
            return None
        messages.error(request, _t("Only the months of the year to come can be looked at."))
        return HttpResponseRedirect(reverse("admin:tariffs_monthrun_changelist"))


def named(month: date) -> str:
    """«December 2026», in the reader's language."""
    return str(capfirst(date_format(month, "F Y")))
