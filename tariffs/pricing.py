"""What a contract pays: arithmetic only, no database. The preview and the posting are made of these same lines.

A month is made of parts: the tariff, each option, and what each offer takes off. Each part is a ledger line of its own,
and each is split by days on its own (billing/shares.py), so that what was paid and what is given back always add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from billing import shares
from billing.charges import Line
from billing.models import EntryKind

NOTHING = Decimal(0)
KOPECK = Decimal("0.01")


@dataclass(frozen=True)
class PricedTariff:
    """`fee` in rubles a month on the day of the picture."""

    id: int
    name: str
    fee: Decimal
    family: str = ""


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


@dataclass(frozen=True)
class Part:
    """One line of a month: `code` tells it from the others, `fee` is positive for what is paid."""

    code: str
    title: str
    fee: Decimal


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
    """The charge for the days of a month from `day` on; on the 1st it is the whole month.

    The tariff's line has the month's own key, which says that the month is charged.
    """
    key = shares.month_key(picture.contract_id, day)
    return _lines(parts(picture), day, None, key, sign=-1)


def rest_of(some: Iterable[Part], day: date, key: str) -> list[Line]:
    """The charge for parts that begin on `day`, apart from the month's own: an option, a new tariff."""
    return _lines(some, day, None, key, sign=-1)


def back(some: Iterable[Part], day: date, key: str) -> list[Line]:
    """What is given back of a charged month when these parts end before `day`."""
    return _lines(some, day, None, key, sign=1)


def returned(some: Iterable[Part], first: date, last: date, key: str) -> list[Line]:
    """What is given back of a charged month for its days from `first` to `last`, both included."""
    return _lines(some, first, last, key, sign=1)


def again(some: Iterable[Part], first: date, last: date, key: str) -> list[Line]:
    """The charge for days that were given back and are used after all."""
    return _lines(some, first, last, key, sign=-1)


def _lines(some: Iterable[Part], first: date, last: date | None, key: str, *, sign: int) -> list[Line]:
    lines = []
    for part in some:
        amount = sign * (_of_days(part.fee, first, last) if part.fee >= 0 else -_of_days(-part.fee, first, last))
        if amount:
            full_key = f"{key}:{part.code}" if part.code else key
            lines.append(Line(full_key, _kind(part, sign), amount, part.title))
    return lines


def _of_days(fee: Decimal, first: date, last: date | None) -> Decimal:
    """`last` None is the end of the month."""
    return shares.part(fee, first, last) if last else shares.rest(fee, first)


def _kind(part: Part, sign: int) -> EntryKind:
    if sign > 0:
        return EntryKind.REFUND
    return EntryKind.DISCOUNT if part.fee < 0 else EntryKind.MONTH
