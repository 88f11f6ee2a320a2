"""The offers of one contract: what it took, what it could take, what it saved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, Exists, OuterRef, Q
from django.db.models.functions import Cast, Coalesce, JSONObject

from accounts.models import Contract
from billing import outlook, shares
from billing.outlook import Standing
from tariffs import picture, reasons, savings
from tariffs.models import Offer, OfferUse, Tariff
from tariffs.pricing import Picture

NOTHING = Decimal(0)
MONTHS_SHOWN = 24


@dataclass(frozen=True)
class Taken:
    """An offer that was taken, with what it promised then. `saved` in rubles; `until` is the first day without it."""

    pk: int
    number: int
    since: date
    until: date | None
    percent: int | None
    presses_left: int
    saved: Decimal

    def runs(self, today: date) -> bool:
        return bool(self.presses_left) or (self.until is not None and self.until > today)


@dataclass(frozen=True)
class Row:
    """One offer as a contract sees it. No tariffs: it is for every one."""

    offer: Any
    is_open: bool  # meant for the contract, and its window has not closed
    tariffs: tuple[Tariff, ...]
    taken: tuple[Taken, ...]  # the latest first

    @property
    def is_used_up(self) -> bool:
        return len(self.taken) >= int(self.offer.per_contract)

    @property
    def option_name(self) -> str:
        return str(self.offer.option) if self.offer.option else ""


@dataclass(frozen=True)
class Shelf:
    """`pictures` are those of today and of the firsts that the page speaks of."""

    standing: Standing
    rows: list[Row]
    pictures: list[Picture]

    @property
    def today(self) -> date:
        return self.standing.today

    @property
    def first(self) -> date:
        """The 1st from which a percentage taken now would run: of this month, while it is still to be charged."""
        is_to_be_charged = not self.standing.is_month_charged and self.standing.contract.state == Contract.State.ACTIVE
        return shares.first_of_month(self.today, 0 if is_to_be_charged else 1)

    @property
    def paused_to(self) -> date | None:
        return self.rows[0].offer.paused_to if self.rows else None

    @property
    def saved(self) -> Decimal:
        return sum((taken.saved for row in self.rows for taken in row.taken), NOTHING)

    @property
    def running(self) -> list[tuple[Row, Taken]]:
        return self._taken(lambda taken: taken.runs(self.today))

    @property
    def past(self) -> list[tuple[Row, Taken]]:
        return self._taken(lambda taken: not taken.runs(self.today))

    def row(self, offer_id: int) -> Row | None:
        return next((row for row in self.rows if row.offer.pk == offer_id), None)

    def picture(self, month: date) -> Picture:
        """Of the 1st of a month; this month is seen as it is today."""
        day = max(month, self.today)
        return next(drawn for drawn in self.pictures if drawn.on == day)

    def _taken(self, is_meant: Callable[[Taken], bool]) -> list[tuple[Row, Taken]]:
        found = [(row, taken) for row in self.rows for taken in row.taken if is_meant(taken)]
        return sorted(found, key=lambda each: each[1].pk, reverse=True)


def of(contract_id: int, *, now: datetime, offer_id: int | None = None) -> Shelf:
    """Three queries. With an offer also the months it would run. Decide on it only under the account's lock."""
    standing = outlook.stand(contract_id, now=now)
    rows = [_row(offer) for offer in _offers(standing.contract, standing.today)]
    months = next((row.offer.months or 1 for row in rows if row.offer.pk == offer_id), 1)
    firsts = [shares.first_of_month(standing.today, ahead) for ahead in range(1, min(months, MONTHS_SHOWN) + 1)]
    return Shelf(standing, rows, picture.of_days(contract_id, [standing.today, *firsts]))


def _offers(contract: Contract, today: date) -> Any:
    meant = Offer.objects.filter(
        Q(city=contract.city_id) | Q(city=None),
        Q(audience=contract.subscriber.kind) | Q(audience=""),
        Q(ends_on=None) | Q(ends_on__gte=today),
        is_archived=False,
    )
    uses = OfferUse.objects.filter(contract=contract, offer=OuterRef("pk"))
    columns = {name: name for name in ("pk", "number", "since", "until", "percent", "presses_left")}
    # A sum in JSON would come back as a float, so it travels as text.
    taken = JSONObject(**columns, saved=Cast(Coalesce(savings.of_use(contract.pk), NOTHING), CharField()))
    tariffs = Tariff.objects.filter(offers=OuterRef("pk")).order_by("position", "pk")
    return (
        (meant | Offer.objects.filter(Exists(uses)))
        .select_related("option")
        .annotate(
            is_open=Exists(meant.filter(pk=OuterRef("pk"))),
            meant_for=ArraySubquery(tariffs.values(json=JSONObject(pk="pk", name="name", name_en="name_en"))),
            paused_to=reasons.paused_to(contract.pk),
            taken=ArraySubquery(uses.order_by("-number").values(json=taken)),
        )
    )


def _row(offer: Any) -> Row:
    tariffs = tuple(Tariff(**each) for each in offer.meant_for)
    return Row(offer, offer.is_open, tariffs, tuple(_taken(each) for each in offer.taken))


def _taken(row: dict[str, Any]) -> Taken:
    days = {name: row[name] and date.fromisoformat(row[name]) for name in ("since", "until")}
    return Taken(**row | days | {"saved": Decimal(row["saved"])})
