"""What the forms of staff about a contract's tariff share: a contract by its number, a tariff with its city."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin.places import CityFilter
from accounts.models import Contract
from accounts.staff import cities_of
from tariffs.models import Tariff


class CityOfContractFilter(CityFilter):
    city_path = "contract__city"


class TariffField(forms.ModelChoiceField):
    def label_from_instance(self, tariff: Any) -> str:
        return f"{tariff.city} · {tariff.get_audience_display()} · {tariff.get_family_display()} · {tariff}"


def contract_field(request: HttpRequest) -> forms.ModelChoiceField[Contract]:
    """By its number, and only of the cities of this member of staff."""
    own = Contract.objects.in_force().filter(city__in=cities_of(request.user))
    widget = forms.TextInput(attrs={"inputmode": "numeric"})
    return forms.ModelChoiceField(own, to_field_name="number", label=_("Contract number"), widget=widget)


def tariff_field(request: HttpRequest) -> TariffField:
    """Those on sale in the cities of this member of staff; for the contract of a link only what it may have."""
    on_sale = Tariff.objects.filter(city__in=cities_of(request.user), is_archived=False)
    contract = Contract.objects.filter(number=number_asked_for(request)).select_related("subscriber").first()
    if contract:
        on_sale = on_sale.filter(city=contract.city_id, audience=contract.subscriber.kind)
    return TariffField(on_sale.select_related("city"), label=_("Tariff"))


def number_asked_for(request: HttpRequest) -> str:
    """The number in `?contract=` of a link, with which the form begins; empty for anything else."""
    number = request.GET.get("contract", "")
    return number if number.isascii() and number.isdigit() else ""
