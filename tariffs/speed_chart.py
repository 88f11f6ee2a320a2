"""Results of speed tests as a drawing: a column a test, oldest first, and what the tariff was to give as a line.

Across it is measured in hundredths of the width and down in pixels, so that the letters keep their size on a phone.
Numbers are given as text: a template would write them with the comma of the language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tariffs import speedtest
from tariffs.models import SpeedTest

TOP, BOTTOM = 24, 176
GAP, WIDEST = 0.3, 8.0  # between columns, of a column's place; a column, in hundredths of the width
# Times the fastest tariff: a result of another network goes over the edge, or it would press the others down.
ROOM = 1.25


@dataclass(frozen=True)
class Column:
    """A test. `line` is the height of its tariff, `x` to `end` the place over which that line goes."""

    test: SpeedTest
    left: str
    width: str
    x: str
    end: str
    top: str
    height: str
    line: str | None
    level: str


@dataclass(frozen=True)
class Chart:
    columns: list[Column]
    most: float
    bottom: int = BOTTOM
    top: int = TOP

    @property
    def oldest(self) -> SpeedTest:
        return self.columns[0].test

    @property
    def is_narrow(self) -> bool:
        """Under so few columns the first day and the last have no room beside each other on a phone."""
        return len(self.columns) * WIDEST < 60

    @property
    def end(self) -> str:
        return self.columns[-1].end

    @property
    def newest(self) -> SpeedTest:
        return self.columns[-1].test


def drawn(newest_first: Sequence[SpeedTest]) -> Chart | None:
    """None for fewer than two: nothing to compare."""
    tests = list(reversed(newest_first))
    if len(tests) < 2:
        return None
    tariff = max(test.tariff_down or 0 for test in tests)
    most = ROOM * tariff or max(test.down for test in tests)
    place = min(100 / len(tests), WIDEST)
    return Chart([_column(test, number * place, place, most) for number, test in enumerate(tests)], most)


def _column(test: SpeedTest, x: float, place: float, most: float) -> Column:
    top = _y(test.down, most)
    judged = speedtest.verdict(test)
    return Column(
        test,
        left=f"{x + place * GAP / 2:.2f}%",
        width=f"{place * (1 - GAP):.2f}%",
        x=f"{x:.2f}%",
        end=f"{x + place:.2f}%",
        top=f"{top:.1f}",
        height=f"{BOTTOM - top:.1f}",
        line=f"{_y(test.tariff_down, most):.1f}" if test.tariff_down else None,
        level=judged.level if judged else "",
    )


def _y(speed: float, most: float) -> float:
    return BOTTOM - (BOTTOM - TOP) * min(speed / most, 1)
