"""What a contract pays: arithmetic only, no database. The preview and the posting are made of these same lines.

A month is made of parts: the tariff, each option, and what each offer takes off; billing/parts.py makes ledger lines of
them. The same in SQL, for many contracts at once, is `tariffs_parts` (migrations); tests hold the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from billing import parts as lines
from billing import shares
from billing.models import EntryKind
from billing.parts import Line as Line
from billing.parts import Part as Part
from billing.parts import back as back
from billing.parts import rest_of as rest_of

NOTHING = Decimal(0)
KOPECK = Decimal("0.01")


@dataclass(frozen=True)
class PricedTariff:
    """`fee` in rubles a month on the day of the picture."""

    id: int
    name: str
    fee: Decimal
    services: tuple[str, ...] = ()


@dataclass(frozen=True)
class PricedOption:
    """An option in use; `fee` is for one."""

    use_id: int
    option_id: int
    name: str
    fee: Decimal
    quantity: int


@dataclass(frozen=True)
class Discount:
    """A percentage taken, off the tariff or off one option."""

    use_id: int
    name: str
    percent: int
    option_id: int | None


@dataclass(frozen=True)
class Picture:
    """What a contract has on a day, with the prices of that day."""

    contract_id: int
    on: date
    tariff: PricedTariff | None
    options: tuple[PricedOption, ...] = ()
    discounts: tuple[Discount, ...] = ()


def parts(picture: Picture) -> list[Part]:
    """The tariff first, then options, then what offers take off; nothing without a tariff."""
    if picture.tariff is None:
        return []
    fees: dict[int | None, Decimal] = {None: picture.tariff.fee}
    own = [Part("", picture.tariff.name, picture.tariff.fee)]
    for option in picture.options:
        fees[option.option_id] = option.fee * option.quantity
        own.append(Part(f"option:{option.use_id}", _titled(option), option.fee * option.quantity))
    return [*own, *_taken_off(picture.discounts, fees)]


def monthly(picture: Picture) -> Decimal:
    """The whole monthly fee in rubles."""
    return sum((part.fee for part in parts(picture)), NOTHING)


def _titled(option: PricedOption) -> str:
    return option.name if option.quantity == 1 else f"{option.name} × {option.quantity}"


def _taken_off(discounts: Iterable[Discount], fees: dict[int | None, Decimal]) -> Iterator[Part]:
    """Each percentage is of the full fee, by option or None for the tariff's; together they take no more than all."""
    left = dict(fees)
    for discount in sorted(discounts, key=lambda each: each.use_id):
        full = fees.get(discount.option_id, NOTHING)
        share = (full * discount.percent / 100).quantize(KOPECK, ROUND_HALF_UP)
        off = min(share, left.get(discount.option_id, NOTHING))
        if off:
            left[discount.option_id] -= off
            yield Part(f"offer:{discount.use_id}", discount.name, -off)


# --- Lines of the ledger


def month_lines(picture: Picture, day: date) -> list[Line]:
    """The charge for the days of a month from `day` on; on the 1st it is the whole month."""
    return lines.month_lines(picture.contract_id, parts(picture), day)


def returned(some: Iterable[Part], first: date, last: date, key: str) -> list[Line]:
    """What is given back of a charged month for its days from `first` to `last`, both included."""
    return _of_days(some, first, last, key, sign=1)


def again(some: Iterable[Part], first: date, last: date, key: str) -> list[Line]:
    """The charge for days of a charged month that were given back and are used after all."""
    return _of_days(some, first, last, key, sign=-1)


def _of_days(some: Iterable[Part], first: date, last: date, key: str, *, sign: int) -> list[Line]:
    shared = ((part, shares.part(abs(part.fee), first, last) * sign) for part in some)
    return [
        Line(
            f"{key}:{part.code}" if part.code else key,
            EntryKind.REFUND if sign > 0 else EntryKind.MONTH if part.fee > 0 else EntryKind.DISCOUNT,
            share if part.fee > 0 else -share,
            part.title,
        )
        for part, share in shared
        if share
    ]
