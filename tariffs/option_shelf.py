"""The options of one contract: what it has, what it could add, what it had."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, OuterRef, Subquery
from django.db.models.functions import JSONObject

from accounts.models import Contract
from billing import outlook, shares
from billing.outlook import Standing
from tariffs import picture, reasons
from tariffs.models import Option, OptionPrice, OptionUse
from tariffs.pricing import Picture


@dataclass(frozen=True)
class Held:
    """An option in one quantity for some days; `until` is the first day without it."""

    pk: int
    quantity: int
    choice: str
    since: date
    until: date | None


@dataclass(frozen=True)
class Row:
    """One option as a contract sees it. `option` has its `fee` for one today, None before its first price."""

    option: Any
    current: Held | None
    planned: Held | None  # another quantity, from the 1st
    past: tuple[Held, ...]
    fits: bool  # the tariff of today has the service that it needs

    @property
    def is_sold(self) -> bool:
        return self.option.is_sold and self.option.fee is not None

    @property
    def monthly(self) -> Decimal:
        """The fee of today's quantity, without what offers take off."""
        return (self.option.fee or Decimal(0)) * (self.current.quantity if self.current else 1)

    @property
    def ends_on(self) -> date | None:
        """The first day without it, when it is being switched off."""
        return self.current.until if self.current and not self.planned else None


@dataclass(frozen=True)
class Shelf:
    standing: Standing
    picture: Picture
    rows: list[Row]

    @property
    def today(self) -> date:
        return self.standing.today

    @property
    def next_first(self) -> date:
        return shares.first_of_month(self.today, 1)

    @property
    def mine(self) -> list[Row]:
        return [row for row in self.rows if row.current]

    @property
    def to_add(self) -> list[Row]:
        return [row for row in self.rows if row.is_sold and not row.current]

    @property
    def history(self) -> list[tuple[Row, Held]]:
        """What ended, the latest first."""
        past = [(row, held) for row in self.rows for held in row.past]
        return sorted(past, key=lambda each: (each[1].until or date.max, each[1].pk), reverse=True)

    @property
    def paused_to(self) -> date | None:
        return self.rows[0].option.paused_to if self.rows else None

    def row(self, option_id: int) -> Row | None:
        return next((row for row in self.rows if row.option.pk == option_id), None)


def of(contract_id: int, *, now: datetime) -> Shelf:
    """Three queries. Decide on it only under the account's lock."""
    standing = outlook.stand(contract_id, now=now)
    drawn = picture.of(contract_id, standing.today)
    return Shelf(standing, drawn, [_row(option, drawn) for option in _options(standing.contract, standing.today)])


def has_service(drawn: Picture, needs: str) -> bool:
    """Whether the tariff of the picture can have an option that `needs` a service."""
    return drawn.tariff is not None and (not needs or needs in drawn.tariff.services)


def _options(contract: Contract, today: date) -> Any:
    # A row of no days was given up before its day.
    uses = OptionUse.objects.filter(contract=contract, option=OuterRef("pk")).exclude(until=F("since"))
    sold = Option.objects.on_sale(contract.city_id, contract.subscriber.kind)
    held = JSONObject(pk="pk", quantity="quantity", choice="choice", since="since", until="until")
    later = OptionPrice.objects.filter(option=OuterRef("pk"), since__gt=today).order_by("since")
    return (
        (sold | Option.objects.filter(Exists(uses)))
        .priced(today)
        .annotate(
            is_sold=Exists(sold.filter(pk=OuterRef("pk"))),
            fee_to_come=Subquery(later.values("fee")[:1]),
            fee_changes_on=Subquery(later.values("since")[:1]),
            paused_to=reasons.paused_to(contract.pk),
            held=ArraySubquery(uses.order_by("since", "pk").values(json=held)),
        )
    )


def _row(option: Any, drawn: Picture) -> Row:
    held = [_held(**each) for each in option.held]
    running = [each for each in held if each.until is None or each.until > drawn.on]
    begun = [each for each in running if each.since <= drawn.on]
    return Row(
        option,
        current=begun[0] if begun else None,
        planned=next((each for each in running if each.since > drawn.on), None),
        past=tuple(each for each in held if each not in running),
        fits=has_service(drawn, option.needs),
    )


def _held(pk: int, quantity: int, choice: str, since: str, until: str | None) -> Held:
    return Held(pk, quantity, choice, date.fromisoformat(since), date.fromisoformat(until) if until else None)
