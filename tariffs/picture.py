"""Reading what a contract has on a day. Names are those of the ledger: Russian, whatever language the reader has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, cast

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from tariffs.models import Family, Offer, OfferUse, OptionPrice, OptionUse, Subscription, Tariff, TariffPrice
from tariffs.pricing import Discount, Picture, PricedOption, PricedTariff


def of(contract_id: int, on: date) -> Picture:
    """Three queries. Decide on it only under the account's lock."""
    return of_many([contract_id], on)[contract_id]


def of_many(contract_ids: Iterable[int], on: date) -> dict[int, Picture]:
    """Pictures by contract, three queries for all."""
    ids = list(contract_ids)
    pictures = {contract_id: Picture(contract_id, on, None) for contract_id in ids}
    for subscription in _subscriptions(ids, on):
        tariff = PricedTariff(subscription.tariff_id, subscription.tariff.name, subscription.fee)
        pictures[subscription.contract_id] = replace(pictures[subscription.contract_id], tariff=tariff)
    for use in _options(ids, on):
        picture = pictures[use.contract_id]
        option = PricedOption(use.pk, use.option_id, use.option.name, use.fee, use.quantity)
        pictures[use.contract_id] = replace(picture, options=(*picture.options, option))
    for taken in _offers(ids, on):
        picture = pictures[taken.contract_id]
        discount = Discount(taken.pk, taken.offer.name, taken.percent or 0, taken.option_id)
        pictures[taken.contract_id] = replace(picture, discounts=(*picture.discounts, discount))
    return pictures


def with_tariff(picture: Picture, tariff: Tariff, fee: Decimal) -> Picture:
    """The same contract as if it had another tariff, at `fee` rubles a month."""
    return replace(picture, tariff=PricedTariff(tariff.pk, tariff.name, fee))


def _subscriptions(ids: list[int], on: date) -> QuerySet[Any]:
    rows = Subscription.objects.in_force(on).filter(contract__in=ids).select_related("tariff")
    return _priced(rows, TariffPrice.objects.filter(tariff=OuterRef("tariff")), on)


def _options(ids: list[int], on: date) -> QuerySet[Any]:
    """Without those whose service the tariff of the day has not."""
    tariffs = Subscription.objects.in_force(on).filter(contract=OuterRef("contract"))
    has_service = Exists(tariffs.filter(tariff__family__in=[OuterRef("option__needs"), Family.BUNDLE]))
    rows = OptionUse.objects.in_force(on).filter(Q(option__needs="") | has_service, contract__in=ids)
    prices = OptionPrice.objects.filter(option=OuterRef("option"))
    return _priced(rows.select_related("option").order_by("pk"), prices, on)


def _priced(rows: QuerySet[Any], prices: QuerySet[Any], on: date) -> QuerySet[Any]:
    last = prices.filter(since__lte=on).order_by("-since")
    return cast("QuerySet[Any]", rows.annotate(fee=Subquery(last.values("fee")[:1])).exclude(fee=None))


def _offers(ids: list[int], on: date) -> QuerySet[OfferUse]:
    """Without those for other tariffs than that of the day."""
    tariffs = Subscription.objects.in_force(on).filter(contract=OuterRef("contract"))
    every = ~Exists(Offer.tariffs.through.objects.filter(offer=OuterRef("offer")))
    this = Exists(tariffs.filter(tariff__offers=OuterRef("offer")))
    rows = OfferUse.objects.filter(every | this, contract__in=ids, since__lte=on, until__gt=on, percent__isnull=False)
    return rows.select_related("offer").order_by("pk")
