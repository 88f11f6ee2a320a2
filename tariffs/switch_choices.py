"""What the page of the tariff lays out: mine, and each other one with what it costs and why it cannot be had."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.models import Contract
from billing import shares
from tariffs import holding, pricing, switch_reasons
from tariffs.models import Family, Tariff
from tariffs.pricing import Part
from tariffs.switch_lines import Ground, When
from tariffs.switch_reasons import Reason
from tariffs.switch_terms import Terms, quote


@dataclass(frozen=True)
class Mine:
    """`parts` are those of today's month; a next charge is known while the service runs."""

    tariff: Tariff
    since: date
    parts: tuple[Part, ...]
    monthly: Decimal
    next_charge: Decimal | None
    next_charge_on: date | None


@dataclass(frozen=True)
class Choice:
    """One tariff of the list. `fee` is that of today, or of the first day it is sold."""

    tariff: Tariff
    fee: Decimal | None
    coming: holding.Price | None
    is_mine: bool
    is_planned: bool
    at_once: Terms
    first: Terms

    @property
    def is_locked(self) -> bool:
        return self.at_once.is_locked and self.first.is_locked

    @property
    def reasons(self) -> list[Reason]:
        """Why this one cannot be had at all; what locks every tariff is said once for all."""
        common = ("ended", "no_tariff", "wish", "debt", "staff")
        return [reason for reason in self.first.reasons if reason.code not in common]

    @property
    def at_once_reasons(self) -> list[Reason]:
        """Why not now although it can be had later."""
        return [] if self.is_locked else list(self.at_once.reasons)

    @property
    def difference(self) -> Decimal:
        """How much more a month costs, with options and offers, from the next 1st."""
        return self.first.difference

    @property
    def saving(self) -> Decimal:
        return -self.difference


def mine(ground: Ground) -> Mine | None:
    if ground.tariff is None:
        return None
    first = shares.first_of_month(ground.today, 1)
    runs = ground.standing.contract.state == Contract.State.ACTIVE
    parts = pricing.parts(ground.holding.picture(ground.today))
    return Mine(
        ground.tariff,
        since=next(period.since for period in ground.holding.periods if period.covers(ground.today)),
        parts=tuple(parts),
        monthly=sum((part.fee for part in parts), Decimal(0)),
        next_charge=pricing.monthly(ground.holding.under(_tariff_to_come(ground, first), first)) if runs else None,
        next_charge_on=first if runs else None,
    )


def _tariff_to_come(ground: Ground, on: date) -> Tariff | None:
    planned = ground.holding.planned
    return planned.tariff if planned and planned.on <= on else ground.holding.tariff(on)


def locks(ground: Ground) -> list[Reason]:
    """What locks every tariff."""
    return list(switch_reasons.of_contract(ground))


def fee_of(tariff: Tariff | None, on: date) -> Decimal | None:
    """The fee of a day, or the first one there will be."""
    return holding.fee_on(tariff, max(on, holding.first_day_of_price(tariff) or on)) if tariff else None


def of(ground: Ground) -> list[Choice]:
    """The tariffs on sale to the contract and its own, by service, the cheapest first as staff have placed them."""
    contract = ground.standing.contract
    on_sale = [
        tariff
        for tariff in ground.holding.tariffs.values()
        if tariff == ground.tariff
        or (
            not tariff.is_archived and (tariff.city_id, tariff.audience) == (contract.city_id, contract.subscriber.kind)
        )
    ]
    order = list(Family.values)
    return [_choice(ground, tariff) for tariff in sorted(on_sale, key=lambda each: _place(each, order))]


def _place(tariff: Tariff, order: list[str]) -> tuple[int, int, int]:
    return order.index(tariff.family), tariff.position, tariff.pk


def _choice(ground: Ground, tariff: Tariff) -> Choice:
    today, planned = ground.today, ground.holding.planned
    return Choice(
        tariff,
        fee=fee_of(tariff, today),
        coming=holding.price_to_come(tariff, today),
        is_mine=tariff == ground.tariff,
        is_planned=bool(planned and planned.tariff_id == tariff.pk),
        at_once=quote(ground, tariff, When.now(today)),
        first=quote(ground, tariff, When.next_month(today)),
    )
