"""Reading what a contract has on a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal

from django.db.models import OuterRef, Q, Subquery

from tariffs.models import OfferUse, OptionPrice, OptionUse, Subscription, Tariff, TariffPrice
from tariffs.pricing import Discount, Picture, PricedOption, PricedTariff


def of(contract_id: int, on: date) -> Picture:
    """Three queries. Decide on it only under the account's lock."""
    return of_many([contract_id], on)[contract_id]


def of_many(contract_ids: Iterable[int], on: date) -> dict[int, Picture]:
    """Pictures by contract, three queries for all."""
    ids = list(contract_ids)
    pictures = {contract_id: Picture(contract_id, on, None) for contract_id in ids}
    for subscription in _subscriptions(ids, on):
        tariff = PricedTariff(subscription.tariff_id, str(subscription.tariff), subscription.fee)
        pictures[subscription.contract_id] = replace(pictures[subscription.contract_id], tariff=tariff)
    for use in _options(ids, on):
        picture = pictures[use.contract_id]
        option = PricedOption(use.pk, use.option_id, str(use.option), use.fee, use.quantity)
        pictures[use.contract_id] = replace(picture, options=(*picture.options, option))
    for taken in _offers(ids, on):
        picture = pictures[taken.contract_id]
        discount = Discount(taken.pk, str(taken.offer), taken.percent or 0, taken.option_id)
        pictures[taken.contract_id] = replace(picture, discounts=(*picture.discounts, discount))
    return pictures


def with_tariff(picture: Picture, tariff: Tariff, fee: Decimal) -> Picture:
    """The same contract as if it had another tariff, at `fee` rubles a month."""
    return replace(picture, tariff=PricedTariff(tariff.pk, str(tariff), fee))


def _subscriptions(ids: list[int], on: date) -> Iterable[Subscription]:
    prices = TariffPrice.objects.filter(tariff=OuterRef("tariff"), since__lte=on).order_by("-since")
    rows = Subscription.objects.in_force(on).filter(contract__in=ids).select_related("tariff")
    return rows.annotate(fee=Subquery(prices.values("fee")[:1])).exclude(fee=None)


def _options(ids: list[int], on: date) -> Iterable[OptionUse]:
    prices = OptionPrice.objects.filter(option=OuterRef("option"), since__lte=on).order_by("-since")
    rows = OptionUse.objects.in_force(on).filter(contract__in=ids).select_related("option")
    return rows.annotate(fee=Subquery(prices.values("fee")[:1])).exclude(fee=None).order_by("pk")


def _offers(ids: list[int], on: date) -> Iterable[OfferUse]:
    rows = OfferUse.objects.filter(Q(until__gt=on), contract__in=ids, since__lte=on, percent__isnull=False)
    return rows.select_related("offer").order_by("pk")
