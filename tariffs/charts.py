"""Columns of a chart: across in per cent of the width, down in pixels, so the letters keep their size on a phone.

Numbers are given as text: a template would write them with the comma of the language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from tariffs.statistics import Spending, Statistics, Traffic

TOP, BOTTOM = 26, 170
GAP = 0.24  # of a column's place stays empty
NAMES_MOST = 7  # under the columns of a chart on a phone
STEPS = tuple(map(Decimal, ("1", "1.5", "2", "3", "4", "5", "6", "8", "10")))


@dataclass(frozen=True)
class Part:
    """`kind` is what the colour tells apart."""

    kind: str
    y: str
    height: str


@dataclass(frozen=True)
class Column:
    x: str
    width: str
    parts: list[Part]


@dataclass(frozen=True)
class Line:
    """A height to measure columns by: bytes, or rubles. Only the top one has room for its amount."""

    y: str
    amount: Any
    is_named: bool


@dataclass(frozen=True)
class Name:
    x: str
    since: date
    until: date


@dataclass(frozen=True)
class Chart:
    columns: list[Column]
    lines: list[Line]
    names: list[Name]
    zero: int = BOTTOM


def of_traffic(shown: Statistics) -> Chart | None:
    """Received below, sent above it; None without any."""
    heights = [[("down", row.down), ("up", row.up)] for row in shown.traffic]
    return _chart(shown.traffic, heights, smallest=Decimal(1_000_000))


def of_spending(shown: Statistics) -> Chart | None:
    """A month in which more was returned than spent has no column; the table has its sum."""
    heights = [[("spent", max(row.spent, Decimal(0)))] for row in shown.spending]
    return _chart(shown.spending, heights, smallest=Decimal(1))


def _chart(rows: Sequence[Traffic | Spending], heights: list[list[tuple[str, Any]]], smallest: Decimal) -> Chart | None:
    most = Decimal(max((sum(amount for _kind, amount in column) for column in heights), default=0))
    if most <= 0:
        return None
    top = _round_above(max(most, smallest))
    place = 1 / len(rows)
    return Chart(
        columns=[_column(n * place, place, parts, top) for n, parts in enumerate(heights)],
        lines=[Line(f"{_y(amount, top):.1f}", amount, amount == top) for amount in (top, top / 2)],
        names=_names(rows, place),
    )


def _round_above(most: Decimal) -> Decimal:
    """The next round number, so that most columns use their room."""
    power = Decimal(10) ** most.adjusted()
    return next(step * power for step in STEPS if step * power >= most)


def _y(amount: Any, top: Decimal) -> float:
    return BOTTOM - (BOTTOM - TOP) * float(Decimal(amount) / top)


def _column(x: float, place: float, parts: list[tuple[str, Any]], top: Decimal) -> Column:
    drawn, below = [], 0
    for kind, amount in parts:
        if amount:
            foot, head = _y(below, top), _y(below + amount, top)
            drawn.append(Part(kind, f"{head:.1f}", f"{foot - head:.1f}"))
        below += amount
    return Column(_percent(x + place * GAP / 2), _percent(place * (1 - GAP)), drawn)


def _names(rows: Sequence[Traffic | Spending], place: float) -> list[Name]:
    """Every one, or every second, third… as many as a phone has room for."""
    every = -(-len(rows) // NAMES_MOST)
    return [Name(_percent((n + 0.5) * place), row.since, row.until) for n, row in enumerate(rows) if n % every == 0]


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"
