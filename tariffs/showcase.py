"""What anybody may see of the catalogue: what a city offers now, and at what price from when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db.models import Min, Prefetch, Q, QuerySet

from accounts.models import City
from tariffs import prices
from tariffs.models import Family, Offer, Option, Tariff, TurboPackage

# As visitors look for them.
FAMILIES = (Family.INTERNET, Family.BUNDLE, Family.TV, Family.TELEPHONY)


def tariffs(city: City, audience: str, *, today: date) -> list[Any]:
    """On sale, with `fee`, `coming_fee` and `coming_since`; without those that have no price at all."""
    rows = prices.with_coming(Tariff.objects.on_sale(city, audience).priced(today), today=today)
    priced = rows.exclude(fee=None, coming_fee=None)
    return sorted(priced, key=lambda tariff: FAMILIES.index(tariff.family))


def by_family(rows: Iterable[Any]) -> list[tuple[Family, list[Any]]]:
    """Sorted rows, each family's together."""
    return [(Family(family), list(own)) for family, own in groupby(rows, key=lambda tariff: tariff.family)]


def told_apart_by(rows: Sequence[Any]) -> set[str]:
    """Which of these particulars at least one of the tariffs has: the rows of their comparison."""
    names = ("coming_fee", "speed_down", "volume_gb", "channels", "minutes", "switch_fee")
    return {name for name in names if any(getattr(tariff, name) for tariff in rows)}


def options(city: City, audience: str, *, today: date) -> Sequence[Any]:
    """On sale and priced, with `fee` and the price to come."""
    rows = prices.with_coming(Option.objects.on_sale(city, audience).priced(today), today=today)
    return list(rows.exclude(fee=None))


def packages() -> Sequence[TurboPackage]:
    return list(TurboPackage.objects.filter(is_archived=False).order_by("hours", "price"))


def offers(city: City, *, today: date) -> QuerySet[Offer]:
    """Open on the day in the city, for whomever; one for tariffs that the city does not sell is not for this city."""
    rows = Offer.objects.open_on(today).filter(Q(city=city) | Q(city=None)).select_related("option")
    return rows.filter(Q(tariffs=None) | Q(tariffs__in=_sold(city))).distinct()


def with_tariffs(rows: QuerySet[Offer], city: City) -> QuerySet[Offer]:
    """Offers with `sold_here`, the tariffs of the city that each is for; empty for every one."""
    return rows.prefetch_related(Prefetch("tariffs", _sold(city), to_attr="sold_here"))


def _sold(city: City) -> QuerySet[Tariff]:
    return Tariff.objects.filter(city=city, is_archived=False)


def cheapest(city: City, audience: str, *, today: date) -> dict[str, Decimal]:
    """The least monthly fee of each family that the city offers, in the order of `FAMILIES`."""
    sold: QuerySet[Any] = Tariff.objects.on_sale(city, audience).priced(today).order_by()
    least = dict(sold.exclude(fee=None).values_list("family").annotate(least=Min("fee")))
    return {family: least[family] for family in FAMILIES if family in least}
