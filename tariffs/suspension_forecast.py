"""The ledger lines that a pause would bring, with the balance after each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from accounts.models import Contract
from billing import shares
from billing.outlook import Standing
from tariffs import pricing
from tariffs.suspension_days import DAY, NOTHING, Dated, Span, day_lines


@dataclass(frozen=True)
class Step:
    """A line to come as the page shows it; daily fees of neighbouring days stand together."""

    on: date
    until: date
    kind: str  # month, back, fee, again or return
    title: str
    amount: Decimal
    balance_after: Decimal
    is_short: bool  # the money, with the credit that the contract allows, is not enough

    @property
    def days(self) -> int:
        return Span(self.on, self.until).days


@dataclass(frozen=True)
class Forecast:
    """The lines to come, in the order of time: months on the way, those of the pause, and of the return."""

    months: list[Dated] = field(default_factory=list)
    back: list[Dated] = field(default_factory=list)
    fees: list[Dated] = field(default_factory=list)
    again: list[Dated] = field(default_factory=list)
    returns: list[Dated] = field(default_factory=list)

    def steps(self, standing: Standing) -> list[Step]:
        named = {"month": self.months, "back": self.back, "fee": self.fees}
        named |= {"again": self.again, "return": self.returns}
        steps: list[Step] = []
        balance = standing.account.balance
        for kind, lines in named.items():
            for on, line in lines:
                balance += line.amount
                is_short = balance + standing.account.credit_limit < 0
                step = Step(on, on, kind, line.title, line.amount, balance, is_short)
                if steps and _continues(steps[-1], step):
                    before = steps.pop()
                    step = Step(before.on, on, kind, "", before.amount + line.amount, balance, is_short)
                steps.append(step)
        return steps

    @property
    def returned(self) -> Decimal:
        return _sum(self.back)

    @property
    def fee(self) -> Decimal:
        """All daily fees, a positive sum."""
        return -_sum(self.fees)


def _continues(before: Step, step: Step) -> bool:
    return step.kind == "fee" == before.kind and step.on == before.until + DAY


def _sum(lines: Iterable[Dated]) -> Decimal:
    return sum((line.amount for _on, line in lines), NOTHING)


def foresee(standing: Standing, spans: Sequence[Span], pause: Span, key: str = "suspension:0") -> Forecast:
    """`spans` are the other pauses of the contract. As things are now: prices to come are known, wishes are not."""
    after, month_end = pause.last + DAY, shares.first_of_month(pause.first, 1) - DAY
    back = []
    if _is_charged_by_then(standing, pause.first):
        parts, last = standing.months.parts(pause.first), min(pause.last, month_end)
        back = pricing.returned(parts, pause.first, last, f"{key}:back")
    is_paid = bool(back) and after <= month_end
    return Forecast(
        months=list(_months_before(standing, pause.first)),
        back=[(pause.first, line) for line in back],
        fees=day_lines([*spans, pause], pause, key),
        returns=[] if is_paid else [(after, line) for line in standing.lines(after)],
    )


def _is_charged_by_then(standing: Standing, first: date) -> bool:
    """Whether the month of the first day will have been charged: that of today, or one that begins before it."""
    if shares.first_of_month(first) == shares.first_of_month(standing.today):
        return standing.is_month_charged or standing.contract.state == Contract.State.ACTIVE
    return first.day > 1


def _months_before(standing: Standing, first: date) -> Iterator[Dated]:
    """The months charged on the way: the present one too, if the month run has not come to it yet."""
    month = shares.first_of_month(standing.today)
    if standing.is_month_charged or standing.contract.state != Contract.State.ACTIVE:
        month = shares.first_of_month(month, 1)
    while month < first:
        on = max(month, standing.today)
        yield from ((on, line) for line in standing.lines(month))
        month = shares.first_of_month(month, 1)
