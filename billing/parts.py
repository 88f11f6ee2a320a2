"""Parts of a month and the ledger lines they make: arithmetic only, whoever sells them and whoever shows or posts them.

Each part is a line of its own, split by days on its own (billing/shares.py), so that what was paid and what is given
back always add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing import shares
from billing.models import EntryKind


@dataclass(frozen=True)
class Part:
    """One line of a month: `code` tells it from the others, `fee` in rubles is positive for what is paid."""

    code: str
    title: str
    fee: Decimal


@dataclass(frozen=True)
class Line:
    """An entry to come: the seller shows it before and posts it afterwards. `amount` is signed, in rubles."""

    key: str
    kind: EntryKind
    amount: Decimal
    title: str


@dataclass(frozen=True)
class Step:
    """A line to come, as pages show it: on which day, and the balance after it."""

    on: date
    line: Line
    balance_after: Decimal

    @property
    def title(self) -> str:
        return self.line.title

    @property
    def amount(self) -> Decimal:
        return self.line.amount


def month_lines(contract_id: int, parts: Iterable[Part], day: date) -> list[Line]:
    """The charge for the days of a month from `day` on; on the 1st it is the whole month.

    The first line has the month's own key, which says that the month is charged.
    """
    return _keyed(_shared(parts, day, sign=-1), shares.month_key(contract_id, day), has_bare_first=True)


def rest_of(parts: Iterable[Part], day: date, key: str) -> list[Line]:
    """The charge for parts that begin on `day`, apart from the month's own: an option, a new tariff."""
    return _keyed(_shared(parts, day, sign=-1), key)


def back(parts: Iterable[Part], day: date, key: str) -> list[Line]:
    """What is given back of a charged month when these parts end before `day`."""
    return _keyed(_shared(parts, day, sign=1), key)


def rest(parts: Iterable[Part], day: date) -> Decimal:
    """What the days of a month from `day` on cost: the sum of its lines."""
    return -sum((amount for _part, amount, _kind in _shared(parts, day, sign=-1)), Decimal(0))


def steps(balance: Decimal, lines: Iterable[Line], on: date) -> Iterator[Step]:
    """What posting these lines on that day will show."""
    for line in lines:
        balance += line.amount
        yield Step(on, line, balance)


def _shared(parts: Iterable[Part], day: date, *, sign: int) -> Iterator[tuple[Part, Decimal, EntryKind]]:
    """The parts that come to a kopeck at least."""
    for part in parts:
        share = shares.rest(abs(part.fee), day)
        if share:
            yield part, share * sign * (1 if part.fee > 0 else -1), _kind(part, sign)


def _keyed(shared: Iterable[tuple[Part, Decimal, EntryKind]], key: str, *, has_bare_first: bool = False) -> list[Line]:
    lines: list[Line] = []
    for part, amount, kind in shared:
        is_bare = not part.code or (has_bare_first and not lines)
        lines.append(Line(key if is_bare else f"{key}:{part.code}", kind, amount, part.title))
    return lines


def _kind(part: Part, sign: int) -> EntryKind:
    if sign > 0:
        return EntryKind.REFUND
    return EntryKind.DISCOUNT if part.fee < 0 else EntryKind.MONTH
