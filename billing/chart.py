"""The forecast as a drawing: a stair, one step a day on which something happens.

Across it is measured in hundredths of the width and down in pixels, so that the letters keep their size on a phone.
Numbers are given as text: a template would write them with the comma of the language.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.forecast import DAYS, Event, Forecast, Line

# Above the stair there is room for its first sum, and for the words of a term and of a stop where there are any.
TOP, TOP_BELOW_NOTES, BOTTOM = 24, 60, 176
# A step narrower than this has no room for its sum, unless the next one is that much lower.
LABEL_SHARE, LABEL_HEIGHT = 0.22, 24
# Days nearer to each other are not both named; nearer to an edge, a name does not stand in its middle.
TOO_CLOSE, EDGE = 0.2, 0.12


@dataclass(frozen=True)
class Step:
    """The balance from one day to the next; `y` is its height, `top` and `height` the area down to zero."""

    x: str
    end: str
    width: str
    y: str
    top: str
    height: str
    label_y: str
    next_y: str | None
    balance: Decimal
    is_owed: bool
    has_label: bool


@dataclass(frozen=True)
class Mark:
    """A day that is named: under the drawing, or above it for a term and a stop."""

    x: str
    anchor: str
    on: date
    event: Event | None


@dataclass(frozen=True)
class Chart:
    zero: str
    steps: list[Step]
    days: list[Mark]
    term: Mark | None
    stop: Mark | None


def drawn(forecast: Forecast) -> Chart:
    balances = [forecast.balance, *(line.balance for line in forecast.lines)]
    term, stop = _marked(forecast, Event.TERM), _marked(forecast, Event.STOP)
    top = TOP_BELOW_NOTES if term or stop else TOP
    scale = _Scale(top, min(*balances, Decimal(0)), max(*balances, Decimal(1)))
    return Chart(f"{scale.y(Decimal(0)):.1f}", _steps(forecast, scale), _days(forecast), term, stop)


@dataclass(frozen=True)
class _Scale:
    top: int
    lowest: Decimal
    highest: Decimal

    def y(self, balance: Decimal) -> float:
        return BOTTOM - (BOTTOM - self.top) * float((balance - self.lowest) / (self.highest - self.lowest))


def _steps(forecast: Forecast, scale: _Scale) -> list[Step]:
    changes = [line for line in forecast.lines if line.amount]
    starts = [(0.0, forecast.balance), *((_share(forecast, line.on), line.balance) for line in changes)]
    ends = [*starts[1:], (1.0, None)]
    return [_step(scale, *start, *end) for start, end in zip(starts, ends, strict=True)]


def _step(scale: _Scale, x: float, balance: Decimal, end: float, following: Decimal | None) -> Step:
    y, zero = scale.y(balance), scale.y(Decimal(0))
    next_y = None if following is None else scale.y(following)
    return Step(
        x=_percent(x),
        end=_percent(end),
        width=_percent(end - x),
        y=f"{y:.1f}",
        top=f"{min(y, zero):.1f}",
        height=f"{abs(y - zero):.1f}",
        label_y=f"{y - 7:.1f}",
        next_y=None if next_y is None else f"{next_y:.1f}",
        balance=balance,
        is_owed=balance < 0,
        has_label=end - x >= LABEL_SHARE or (next_y is not None and next_y - y >= LABEL_HEIGHT),
    )


def _days(forecast: Forecast) -> list[Mark]:
    """Today and the days of fees; of two too close the first fee is named rather than today, else the earlier one."""
    shown: list[tuple[float, Mark]] = [(0.0, Mark("0%", "start", forecast.today, None))]
    for line in forecast.lines:
        share = _share(forecast, line.on)
        if line.event == Event.TERM:
            continue
        if share - shown[-1][0] < TOO_CLOSE:
            if shown[-1][1].event:
                continue
            shown.pop()
        shown.append((share, _mark(share, line)))
    return [mark for _share_of_it, mark in shown]


def _marked(forecast: Forecast, event: Event) -> Mark | None:
    line = next((line for line in forecast.lines if line.event == event), None)
    if line is None:
        return None
    share = _share(forecast, line.on)  # its words are long: they run to the side that has room
    return Mark(_percent(share), "end" if share > 0.5 else "start", line.on, line.event)


def _mark(share: float, line: Line) -> Mark:
    anchor = "start" if share < EDGE else "end" if share > 1 - EDGE else "middle"
    return Mark(_percent(share), anchor, line.on, line.event)


def _share(forecast: Forecast, on: date) -> float:
    return (on - forecast.today).days / DAYS


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"
