"""Reading what a contract has on a day. Names are those of the ledger: Russian, whatever language the reader has."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, cast

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, DateField, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Cast, JSONObject

from accounts.models import Contract
from tariffs.models import Offer, OfferUse, OptionPrice, OptionUse, Subscription, TariffPrice
from tariffs.pricing import Discount, Picture, PricedOption, PricedTariff


def of(contract_id: int, on: date) -> Picture:
    """One query. Decide on it only under the account's lock."""
    return of_many([contract_id], on)[contract_id]


def of_many(contract_ids: Iterable[int], on: date) -> dict[int, Picture]:
    """Pictures by contract, one query for all."""
    ids = list(contract_ids)
    return {row["pk"]: _drawn(row) for row in _rows(ids, on)}


def of_days(contract_id: int, days: Iterable[date]) -> list[Picture]:
    """Pictures of one contract in the order of the days, one query for all."""
    rows = [_rows([contract_id], day) for day in sorted(set(days))]
    return [_drawn(row) for row in rows[0].union(*rows[1:], all=True).order_by("on")] if rows else []


def _drawn(row: dict[str, Any]) -> Picture:
    tariff = row["tariff"]
    return Picture(
        row["pk"],
        row["on"],
        PricedTariff(tariff["id"], tariff["name"], Decimal(tariff["fee"]), tuple(tariff["services"]))
        if tariff
        else None,
        tuple(PricedOption(**each | {"fee": Decimal(each["fee"])}) for each in row["used"]),
        tuple(Discount(**each) for each in row["taken"]),
    )


def _rows(ids: list[int], on: date) -> QuerySet[Any, Any]:
    # A sum in JSON would come back as a float, so it travels as text.
    fee = Cast("fee", CharField())
    tariff = JSONObject(id="tariff_id", name="tariff__name", fee=fee, services="tariff__services")
    used = JSONObject(use_id="pk", option_id="option_id", name="option__name", fee=fee, quantity="quantity")
    taken = JSONObject(use_id="pk", name="offer__name", percent="percent", option_id="option_id")
    return (
        Contract.objects.filter(pk__in=ids)
        .order_by()
        .values(
            "pk",
            on=Value(on, DateField()),
            tariff=Subquery(_subscriptions(on).values(json=tariff)[:1]),
            used=ArraySubquery(_options(on).values(json=used)),
            taken=ArraySubquery(_offers(on).values(json=taken)),
        )
    )


def _subscriptions(on: date) -> QuerySet[Any]:
    rows = Subscription.objects.in_force(on).filter(contract=OuterRef("pk")).order_by()
    return _priced(rows, TariffPrice.objects.filter(tariff=OuterRef("tariff")), on)


def _options(on: date) -> QuerySet[Any]:
    """Without those whose service the tariff of the day has not."""
    tariffs = Subscription.objects.in_force(on).filter(contract=OuterRef("contract"))
    has_service = Exists(tariffs.filter(tariff__services__contains=[OuterRef("option__needs")]))
    rows = OptionUse.objects.in_force(on).filter(Q(option__needs="") | has_service, contract=OuterRef("pk"))
    return _priced(rows.order_by("pk"), OptionPrice.objects.filter(option=OuterRef("option")), on)


def _priced(rows: QuerySet[Any], prices: QuerySet[Any], on: date) -> QuerySet[Any]:
    last = prices.filter(since__lte=on).order_by("-since")
    return cast("QuerySet[Any]", rows.annotate(fee=Subquery(last.values("fee")[:1])).exclude(fee=None))


def _offers(on: date) -> QuerySet[OfferUse]:
    """Without those for other tariffs than that of the day."""
    tariffs = Subscription.objects.in_force(on).filter(contract=OuterRef("contract"))
    every = ~Exists(Offer.tariffs.through.objects.filter(offer=OuterRef("offer")))
    this = Exists(tariffs.filter(tariff__offers=OuterRef("offer")))
    rows = OfferUse.objects.filter(every | this, since__lte=on, until__gt=on, percent__isnull=False)
    return rows.filter(contract=OuterRef("pk")).order_by("pk")
