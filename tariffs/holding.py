"""All that a contract has and could have: its picture on any day from today on, under any tariff, without asking again.

Two queries. Decide on it only under the account's lock.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, cast

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Cast, JSONObject

from accounts.models import Contract
from tariffs.models import (
    Boost,
    Offer,
    OfferUse,
    OptionPrice,
    OptionUse,
    Press,
    Subscription,
    Suspension,
    Switch,
    Tariff,
    TariffPrice,
)
from tariffs.pricing import Discount, Picture, PricedOption, PricedTariff

SWITCHES = 50  # more than anybody makes in a year or two
Price = tuple[date, Decimal]


@dataclass(frozen=True)
class OwnOption:
    """`until` is the first day without it; `prices` are of one."""

    use_id: int
    option_id: int
    name: str
    quantity: int
    needs: str
    since: date
    until: date | None
    prices: tuple[Price, ...]

    def runs(self, on: date) -> bool:
        return self.since <= on and (self.until is None or on < self.until)

    def is_to_come(self, on: date) -> bool:
        """Whether it has a day from `on` on: one that was given up before its first day has none."""
        return self.until is None or self.until > max(on, self.since)

    def fits(self, tariff: Tariff) -> bool:
        return not self.needs or self.needs in tariff.services


@dataclass(frozen=True)
class OwnOffer:
    """A percentage taken. No tariffs: for every one."""

    use_id: int
    name: str
    percent: int
    option_id: int | None
    since: date
    until: date
    tariffs: frozenset[int]

    def runs(self, on: date) -> bool:
        return self.since <= on < self.until

    def fits(self, tariff: Tariff) -> bool:
        return not self.tariffs or tariff.pk in self.tariffs


@dataclass(frozen=True)
class Period:
    """`until` is the first day without the tariff."""

    tariff: Tariff
    since: date
    until: date | None

    @property
    def last_day(self) -> date | None:
        return self.until - timedelta(days=1) if self.until else None

    def covers(self, on: date) -> bool:
        return self.since <= on and (self.until is None or on < self.until)


@dataclass(frozen=True)
class Pause:
    """Both days included."""

    first: date
    last: date

    def covers(self, on: date) -> bool:
        return self.first <= on <= self.last


@dataclass(frozen=True)
class Holding:
    """`tariffs` by id: those on sale to the contract, and those that it has, had or plans."""

    contract_id: int
    tariffs: dict[int, Tariff]
    periods: tuple[Period, ...]
    options: tuple[OwnOption, ...]
    offers: tuple[OwnOffer, ...]
    switches: tuple[Switch, ...]  # the latest, newest first
    pause: Pause | None  # at the subscriber's wish: running, or to come
    boost: Boost | None  # the running one
    presses: tuple[Press, ...]  # that made it, newest first

    @cached_property
    def planned(self) -> Switch | None:
        return next((switch for switch in self.switches if switch.state == Switch.State.PLANNED), None)

    def tariff(self, on: date) -> Tariff | None:
        return next((period.tariff for period in self.periods if period.covers(on)), None)

    def picture(self, on: date) -> Picture:
        """As it is when nothing is switched until then."""
        return self.under(self.tariff(on), on)

    def under(self, tariff: Tariff | None, on: date) -> Picture:
        """As if it had this tariff on a day: with the options it can have and the offers meant for it."""
        fee = fee_on(tariff, on) if tariff else None
        if tariff is None or fee is None:
            return Picture(self.contract_id, on, None)
        return Picture(
            self.contract_id,
            on,
            PricedTariff(tariff.pk, tariff.name, fee, tuple(tariff.services)),
            tuple(self._options(tariff, on)),
            tuple(
                Discount(offer.use_id, offer.name, offer.percent, offer.option_id)
                for offer in self.offers
                if offer.runs(on) and offer.fits(tariff)
            ),
        )

    def _options(self, tariff: Tariff, on: date) -> Iterator[PricedOption]:
        for option in self.options:
            fee = _latest(option.prices, on)
            if option.runs(on) and option.fits(tariff) and fee is not None:
                yield PricedOption(option.use_id, option.option_id, option.name, fee, option.quantity)


def fee_on(tariff: Tariff, on: date) -> Decimal | None:
    """The monthly fee in force on a day; None before the first. The tariff comes from a holding."""
    prices: tuple[Price, ...] = tariff.known_prices  # type: ignore[attr-defined]
    return _latest(prices, on)


def price_to_come(tariff: Tariff, today: date) -> Price | None:
    """The next fee and its first day."""
    prices: tuple[Price, ...] = tariff.known_prices  # type: ignore[attr-defined]
    return next((price for price in prices if price[0] > today), None)


def first_day_of_price(tariff: Tariff) -> date | None:
    prices: tuple[Price, ...] = tariff.known_prices  # type: ignore[attr-defined]
    return prices[0][0] if prices else None


def _latest(prices: tuple[Price, ...], on: date) -> Decimal | None:
    return next((fee for since, fee in reversed(prices) if since <= on), None)


# --- Reading


def of(contract: Contract, *, today: date, also: int | None = None) -> Holding:
    """From `today` on. `also` is a tariff that the contract may not have, to say why not."""
    tariffs = {tariff.pk: tariff for tariff in _tariffs(contract, also)}
    periods = sorted(_periods(tariffs.values()), key=lambda period: period.since, reverse=True)
    row = _belongings(contract.pk, today)
    return Holding(
        contract.pk,
        tariffs,
        tuple(periods),
        tuple(OwnOption(**each | _dated(each) | {"prices": _prices(each["prices"])}) for each in row["own_options"]),
        tuple(OwnOffer(**each | _dated(each) | {"tariffs": frozenset(each["tariffs"])}) for each in row["own_offers"]),
        tuple(_switch(each, tariffs) for each in row["own_switches"]),
        _paused(row["own_pause"]),
        *_boosted(row["own_boost"]),
    )


def _tariffs(contract: Contract, also: int | None) -> Iterator[Tariff]:
    own = Subscription.objects.filter(contract=contract.pk, tariff=OuterRef("pk"))
    asked = Switch.objects.filter(Q(tariff=OuterRef("pk")) | Q(old=OuterRef("pk")), contract=contract.pk)
    on_sale = Q(city=contract.city_id, audience=contract.subscriber.kind, is_archived=False)
    rows = Tariff.objects.filter(on_sale | Exists(own) | Exists(asked) | Q(pk=also)).annotate(
        read_prices=_price_list(TariffPrice.objects.filter(tariff=OuterRef("pk"))),
        read_periods=ArraySubquery(own.order_by("since").values(json=JSONObject(since="since", until="until"))),
    )
    tariff: Any
    for tariff in rows:
        tariff.known_prices = _prices(tariff.read_prices)
        yield tariff


def _price_list(prices: QuerySet[Any]) -> ArraySubquery:
    # A sum in JSON would come back as a float, so it travels as text.
    return ArraySubquery(prices.order_by("since").values(json=JSONObject(since="since", fee=Cast("fee", CharField()))))


def _prices(rows: Iterable[dict[str, str]]) -> tuple[Price, ...]:
    return tuple((date.fromisoformat(row["since"]), Decimal(row["fee"])) for row in rows)


def _periods(tariffs: Iterable[Any]) -> Iterator[Period]:
    for tariff in tariffs:
        for row in tariff.read_periods:
            yield Period(tariff, **_dated(row))


def _belongings(contract_id: int, today: date) -> dict[str, Any]:
    to_come = Q(until=None) | Q(until__gt=today)
    options = OptionUse.objects.filter(to_come, contract=OuterRef("pk")).order_by("pk")
    offers = OfferUse.objects.filter(contract=OuterRef("pk"), until__gt=today, percent__isnull=False).order_by("pk")
    switches = Switch.objects.filter(contract=OuterRef("pk")).order_by("-pk")
    pauses = Suspension.objects.filter(contract=OuterRef("pk"), state__in=["planned", "running"])
    boosts = Boost.objects.filter(contract=OuterRef("pk"), state=Boost.State.RUNNING)
    rows = Contract.objects.order_by().values(
        own_options=ArraySubquery(options.values(json=_option_columns())),
        own_offers=ArraySubquery(offers.values(json=_offer_columns())),
        own_switches=ArraySubquery(switches.values(json=_switch_columns())[:SWITCHES]),
        own_pause=Subquery(pauses.values(json=JSONObject(first="starts_on", last="ends_on"))[:1]),
        own_boost=Subquery(boosts.values(json=_boost_columns())[:1]),
    )
    return cast("dict[str, Any]", rows.get(pk=contract_id))


def _option_columns() -> JSONObject:
    columns = {name: F(name) for name in ("option_id", "quantity", "since", "until")}
    prices = _price_list(OptionPrice.objects.filter(option=OuterRef("option")))
    return JSONObject(use_id="pk", name="option__name", needs="option__needs", prices=prices, **columns)


def _offer_columns() -> JSONObject:
    columns = {name: F(name) for name in ("percent", "option_id", "since", "until")}
    meant_for = Offer.tariffs.through.objects.filter(offer=OuterRef("offer")).values("tariff_id")
    return JSONObject(use_id="pk", name="offer__name", tariffs=ArraySubquery(meant_for), **columns)


def _switch_columns() -> JSONObject:
    names = ("id", "old_id", "tariff_id", "on", "is_at_once", "state", "failure", "made_by_id")
    return JSONObject(**{name: F(name) for name in (*names, "created_at", "finished_at")})


def _switch(row: dict[str, Any], tariffs: dict[int, Tariff]) -> Switch:
    """To read, not to save: what says when is whole, the operation is not there."""
    moments = {name: row[name] and datetime.fromisoformat(row[name]) for name in ("created_at", "finished_at")}
    switch = Switch(**row | moments | {"on": date.fromisoformat(row["on"])})
    switch.old, switch.tariff = tariffs[row["old_id"]], tariffs[row["tariff_id"]]
    return switch


def _dated(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] and date.fromisoformat(row[name]) for name in ("since", "until")}


def _boost_columns() -> JSONObject:
    presses = Press.objects.filter(boost=OuterRef("pk")).order_by("-pk")
    columns = JSONObject(id="pk", hours="hours", price=Cast("price", CharField()))
    return JSONObject(id="pk", ends_at="ends_at", presses=ArraySubquery(presses.values(json=columns)))


def _boosted(row: dict[str, Any] | None) -> tuple[Boost | None, tuple[Press, ...]]:
    """To read, not to save."""
    if row is None:
        return None, ()
    presses = (Press(id=each["id"], hours=each["hours"], price=Decimal(each["price"])) for each in row["presses"])
    return Boost(id=row["id"], ends_at=datetime.fromisoformat(row["ends_at"])), tuple(presses)


def _paused(row: dict[str, str] | None) -> Pause | None:
    return Pause(date.fromisoformat(row["first"]), date.fromisoformat(row["last"])) if row else None
