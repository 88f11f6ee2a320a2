"""The forecast as a drawing: a stair, one step a day on which something happens.

Across it is measured in hundredths of the width and down in pixels, so that the letters keep their size on a phone.
Numbers are given as text: a template would write them with the comma of the language.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from billing.forecast import DAYS, Event, Forecast, Line

TOP, BOTTOM = 56, 176
# A step narrower than this has no room for its sum.
LABEL_SHARE = 0.22
TOO_CLOSE = 0.16


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
    has_label: bool = True


@dataclass(frozen=True)
class Chart:
    zero: str
    steps: list[Step]
    days: list[Mark]
    term: Mark | None
    stop: Mark | None


def drawn(forecast: Forecast) -> Chart:
    balances = [forecast.balance, *(line.balance for line in forecast.lines)]
    scale = _Scale(min(*balances, Decimal(0)), max(*balances, Decimal(1)))
    return Chart(
        zero=f"{scale.y(Decimal(0)):.1f}",
        steps=_steps(forecast, scale),
        days=_days(forecast),
        term=_marked(forecast, Event.TERM),
        stop=_marked(forecast, Event.STOP),
    )


@dataclass(frozen=True)
class _Scale:
    lowest: Decimal
    highest: Decimal

    def y(self, balance: Decimal) -> float:
        return BOTTOM - (BOTTOM - TOP) * float((balance - self.lowest) / (self.highest - self.lowest))


def _steps(forecast: Forecast, scale: _Scale) -> list[Step]:
    changes = [line for line in forecast.lines if line.amount]
    starts = [(0.0, forecast.balance), *((_share(forecast, line.on), line.balance) for line in changes)]
    ends = [*starts[1:], (1.0, None)]
    return [_step(scale, *start, *end) for start, end in zip(starts, ends, strict=True)]


def _step(scale: _Scale, x: float, balance: Decimal, end: float, following: Decimal | None) -> Step:
    y, zero = scale.y(balance), scale.y(Decimal(0))
    is_owed = balance < 0
    return Step(
        x=_percent(x),
        end=_percent(end),
        width=_percent(end - x),
        y=f"{y:.1f}",
        top=f"{min(y, zero):.1f}",
        height=f"{abs(y - zero):.1f}",
        label_y=f"{y - 7:.1f}",
        next_y=None if following is None else f"{scale.y(following):.1f}",
        balance=balance,
        is_owed=is_owed,
        has_label=end - x >= LABEL_SHARE,
    )


def _days(forecast: Forecast) -> list[Mark]:
    """Today and the days of fees, each where the one before leaves it room."""
    shown = [Mark("0%", "start", forecast.today, None)]
    last = 0.0
    for line in forecast.lines:
        share = _share(forecast, line.on)
        if line.event == Event.TERM or share - last < TOO_CLOSE:
            continue
        shown.append(_mark(share, line))
        last = share
    return shown


def _marked(forecast: Forecast, event: Event) -> Mark | None:
    line = next((line for line in forecast.lines if line.event == event), None)
    return _mark(_share(forecast, line.on), line) if line else None


def _mark(share: float, line: Line) -> Mark:
    return Mark(_percent(share), "end" if share > 0.5 else "start", line.on, line.event)


def _share(forecast: Forecast, on: date) -> float:
    return (on - forecast.today).days / DAYS


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"
