"""The catalogue for everybody: tariffs, offers, services, what there is for organisations."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import connections
from accounts.models import City, Subscriber
from tariffs import showcase
from tariffs.forms.catalogue import KINDS, LEAST, CatalogueForm, CompareForm
from tariffs.models import Tariff
from tariffs.views.place import Place

PERSON, COMPANY = Subscriber.Kind.PERSON, Subscriber.Kind.LEGAL_ENTITY


@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    place, today = Place(request), timezone.localdate()
    form = CatalogueForm(request.GET)
    form.is_valid()
    kind = form.asked_kind or (place.contract.subscriber.kind if place.contract else PERSON)
    sold = showcase.tariffs(place.city, kind, today=today)
    comparing = CompareForm(request.GET, tariffs=sold)
    comparing.is_valid()
    shown = [tariff for tariff in sold if form.asked_family in ("", tariff.family)]
    context = {
        "kind": kind,
        "kinds": KINDS,
        "family": form.asked_family,
        "families": [(family.value, family.label) for family, _own in showcase.by_family(sold)],
        "groups": showcase.by_family(shown),
        "is_own": place.is_own(kind),
        "is_comparable": len(shown) >= LEAST,
        "compared": comparing.chosen,
        "compared_by": showcase.told_apart_by(comparing.chosen),
        "checked": {tariff.pk for tariff in comparing.chosen},
        "faults": [error for each in (form, comparing) for errors in each.errors.values() for error in errors],
        "options": showcase.options(place.city, kind, today=today),
        "packages": [] if place.is_elsewhere else showcase.packages(),
        **_addresses(place.city, kind),
    }
    status = 422 if form.errors or comparing.errors else 200
    return place.draw("tariffs/public_tariffs.html", context, status=status)


def _addresses(city: City, kind: str) -> dict[str, str]:
    """Beginnings of the filters' links; each keeps what stands before it."""
    of_city = f"?{urlencode({'city': city.slug})}"
    return {"rest": f"&kind={kind}", "of_kind": f"{of_city}&kind=", "of_family": f"{of_city}&kind={kind}&family="}


@require_safe
def offers(request: HttpRequest) -> HttpResponse:
    place = Place(request)
    open_now = showcase.offers(place.city, today=timezone.localdate())
    context = {"offers": showcase.with_tariffs(open_now, place.city), "is_own": place.is_own_city}
    return place.draw("tariffs/public_offers.html", context)


@require_safe
def services(request: HttpRequest) -> HttpResponse:
    place = Place(request)
    least = showcase.cheapest(place.city, PERSON, today=timezone.localdate())
    return place.draw("tariffs/public_services.html", {"least": least})


@require_safe
def business(request: HttpRequest) -> HttpResponse:
    place = Place(request)
    sold = showcase.tariffs(place.city, COMPANY, today=timezone.localdate())
    context = {"groups": showcase.by_family(sold), "is_own": place.is_own(COMPANY)}
    return place.draw("tariffs/public_business.html", context)


@require_safe
def connect_with(request: HttpRequest, tariff_id: int) -> HttpResponse:
    """To the connection form, with the tariff that was chosen: the form belongs to an app that knows no tariffs."""
    on_sale = Tariff.objects.filter(is_archived=False, city__is_served=True).select_related("city")
    tariff = get_object_or_404(on_sale, pk=tariff_id)
    interest = connections.sign_interest(connections.Interest(tariff.name, tariff.name_en))
    query = urlencode({"city": tariff.city.slug, "interest": interest})
    return HttpResponseRedirect(f"{reverse('accounts:connect')}?{query}")
