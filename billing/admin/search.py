"""Finding money by whatever staff have at hand: a contract, a number at the gateway, a sum, an operation."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin.places import CityFilter
from billing import gateways

SPACES = re.compile(r"[\s\u00a0\u202f₽]")
SUM = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,2})?")
HELP = _("Contract number, number at the gateway, or sum: 1234.50")


def sum_in(text: str) -> Decimal | None:
    """«1234.50», «1 234,50 ₽», «1,234.50»; None for what is no sum."""
    figures = SPACES.sub("", text)
    figures = figures.replace(",", "" if "." in figures else ".")
    return Decimal(figures) if SUM.fullmatch(figures) else None


def payments(text: str, *, prefix: str = "") -> list[Q]:
    """The conditions, of which one is enough, that a payment is meant; `prefix` leads to it, like `payment__`."""
    found: dict[str, Any] = {"account__contract__number": text, "gateway_id__istartswith": text}
    if (amount := sum_in(text)) is not None:
        found["amount"] = amount
    if (operation := _operation_in(text)) is not None:
        found["operation"] = operation
    return [Q(**{prefix + name: value}) for name, value in found.items()]


def _operation_in(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


class GatewayColumn:
    """For lists of what has a `gateway`."""

    @admin.display(description=_("gateway"), ordering="gateway")
    def through(self, row: Any) -> str:
        return gateways.name_of(row.gateway)


class GatewayFilter(admin.SimpleListFilter):
    title = _("gateway")
    parameter_name = "gateway"
    field = "gateway"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [(name, str(title)) for name, title in gateways.NAMES.items()]

    def queryset(self, request, queryset):  # type: ignore[no-untyped-def]
        return queryset.filter(**{self.field: self.value()}) if self.value() else queryset


class GatewayOfPaymentFilter(GatewayFilter):
    field = "payment__gateway"


class CityOfAccountFilter(CityFilter):
    city_path = "account__contract__city"


class CityOfPaymentFilter(CityFilter):
    city_path = "payment__account__contract__city"
