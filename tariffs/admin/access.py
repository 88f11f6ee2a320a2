"""What the network was told about each contract: read by all, sent again at once by network engineers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.admin.base import ReadOnlyAdmin, author_of
from accounts.admin.places import CityFilter
from accounts.templatetags.dates import moment
from tariffs import provisioning
from tariffs.access import Reason
from tariffs.models import AccessChange, AccessState

MAY_SEND = "tariffs.change_accesschange"
REASONS = {
    Reason.DEBT: _("for debt"),
    Reason.WISH: _("by wish"),
    Reason.TERMINATED: _("the contract has ended"),
    Reason.TARIFF: _("no tariff"),
}


class CityOfContractFilter(CityFilter):
    city_path = "contract__city"


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("stuck", _("stuck")), ("waiting", _("waits to be accepted")), ("sent", _("accepted by the equipment"))]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        if self.value() == "stuck":
            return queryset.filter(pk__in=provisioning.stuck(now=timezone.now()))
        if self.value() in ("waiting", "sent"):
            return queryset.filter(sent_at__isnull=self.value() == "waiting")
        return queryset


class ShowsSpeed(ReadOnlyAdmin):
    """Rows of a contract with `is_on`, `down` and `up`."""

    city_path = "contract__city"
    list_select_related = ["contract"]
    search_fields = ["contract__number"]
    search_help_text = _("Contract number")

    @admin.display(description=_("speed, Mbit/s"))
    def speed(self, row: AccessChange | AccessState) -> str:
        return "—" if row.down is None else f"{row.down} / {'—' if row.up is None else row.up}"


@admin.register(AccessChange)
class AccessChangeAdmin(ShowsSpeed):
    list_display = ["decided", "contract", "number", "is_on", "speed", "why", "accepted", "attempts", "error"]
    list_filter = [StateFilter, "is_on", CityOfContractFilter]
    ordering = ["-pk"]
    fields = [("contract", "number"), ("is_on", "speed", "why"), "decided", "accepted"]
    fields += ["attempts", "next_try", "error"]
    readonly_fields = ["speed", "why", "decided", "accepted", "next_try"]
    actions = ["try_again"]

    @admin.display(description=_("decided"), ordering="created_at")
    def decided(self, change: AccessChange) -> str:
        return moment(change.created_at)

    @admin.display(description=_("accepted by the equipment"), ordering="sent_at")
    def accepted(self, change: AccessChange) -> str:
        return moment(change.sent_at) or "—"

    @admin.display(description=_("next attempt"))
    def next_try(self, change: AccessChange) -> str:
        return moment(change.next_try_at) or "—"

    @admin.display(description=_("why"))
    def why(self, change: AccessChange) -> str:
        return str(REASONS[Reason(change.reason)]) if change.reason in set(Reason) else "—"

    def has_send_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(MAY_SEND)

    @admin.action(description=_("Try again at once"), permissions=["send"])
    def try_again(self, request: HttpRequest, queryset: models.QuerySet[AccessChange]) -> None:
        waiting = queryset.filter(sent_at=None).order_by("contract_id", "number").values_list("pk", flat=True)
        done = sum(self._retry(request, change_id) for change_id in waiting)
        told = ngettext("%(count)d change goes again.", "%(count)d changes go again.", done)
        messages.info(request, told % {"count": done} if done else _t("Nothing here waits for the equipment."))

    def _retry(self, request: HttpRequest, change_id: int) -> bool:
        try:
            provisioning.try_again(change_id, by=author_of(request), now=timezone.now())
        except provisioning.NothingToSend:  # accepted since the list was read
            return False
        return True


@admin.register(AccessState)
class AccessStateAdmin(ShowsSpeed):
    list_display = ["contract", "is_on", "speed", "number"]
    list_filter = ["is_on", CityOfContractFilter]
    ordering = ["-contract_id"]
    fields = [("contract", "number"), ("is_on", "speed")]
    readonly_fields = ["speed"]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may read the changes may read what they have come to."""
        return request.user.has_perm("tariffs.view_accesschange")
