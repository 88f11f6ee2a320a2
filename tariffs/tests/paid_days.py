"""Which days were paid for, read from the ledger alone: from its keys, and from the days that pauses were asked for."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby

from django.utils import timezone

from billing import shares
from billing.models import LedgerEntry
from tariffs.models import OfferUse, OptionPrice, OptionUse, TariffPrice
from tariffs.suspension_days import Span

DAY = timedelta(days=1)
MONTH = re.compile(r"month:\d+:\d{4}-\d\d(?::(?P<code>.+))?")
SWITCH = re.compile(r"switch:\d+:(?P<what>back|rest)(?::(?P<code>.+))?")
OPTION = re.compile(r"option:(?P<use>\d+):first")
OFFER = re.compile(r"(?:month|switch|option|suspension):.*:offer:(?P<use>\d+)")
PAUSE = re.compile(r"suspension:(?P<pause>\d+):(?P<what>back|rest)(?::(?P<since>\d{4}-\d\d-\d\d))?(?::(?P<code>.+))?")


@dataclass
class Paid:
    """By tariff's name or option's number: how much of it each day has, and what each month came to, positive."""

    tariffs: dict[str, dict[date, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    options: dict[int, dict[date, int]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(int)))
    sums: dict[tuple[str | int, date], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    taken_off: dict[tuple[int, date], Decimal] = field(default_factory=lambda: defaultdict(Decimal))  # by offers taken

    def of_day(self, day: date) -> dict[str, int]:
        return {name: days[day] for name, days in self.tariffs.items() if days[day]}


def read(contract_id: int, asked: dict[int, Span]) -> Paid:
    """`asked` are the days of pauses as they were planned."""
    paid = Paid()
    uses = {use.pk: use for use in OptionUse.objects.filter(contract=contract_id)}
    for entry in LedgerEntry.objects.filter(account=contract_id).order_by("pk"):
        for span, code, sign in _covered(entry, asked):
            if not code:
                _add(paid.tariffs[entry.title], span, sign)
                paid.sums[entry.title, span.first.replace(day=1)] -= entry.amount
            elif code.startswith("option:"):
                use = uses[int(code.removeprefix("option:"))]
                _add(paid.options[use.option_id], span, sign * use.quantity)
                paid.sums[use.option_id, span.first.replace(day=1)] -= entry.amount
        if match := OPTION.fullmatch(entry.key):
            use, since = uses[int(match["use"])], timezone.localdate(entry.at)
            for day in Span(since, _end(since)).each_day():
                paid.options[use.option_id][day] = use.quantity  # the line is the difference to what it was
            paid.sums[use.option_id, since.replace(day=1)] -= entry.amount
        if match := OFFER.fullmatch(entry.key):
            on = next(_covered(entry, asked), (Span(timezone.localdate(entry.at), date.max), "", 1))[0].first
            paid.taken_off[int(match["use"]), on.replace(day=1)] += entry.amount
    return paid


def _covered(entry: LedgerEntry, asked: dict[int, Span]) -> Iterator[tuple[Span, str, int]]:
    """The days of a line, its part, and whether it charges them or gives them back."""
    on = timezone.localdate(entry.at)
    if match := MONTH.fullmatch(entry.key):
        yield Span(on, _end(on)), match["code"] or "", 1
    if match := SWITCH.fullmatch(entry.key):
        yield Span(on, _end(on)), match["code"] or "", 1 if match["what"] == "rest" else -1
    if match := PAUSE.fullmatch(entry.key):
        days, is_back = asked[int(match["pause"])], match["what"] == "back"
        first = days.first if is_back else on + DAY
        since = date.fromisoformat(match["since"]) if match["since"] else first
        yield Span(since, min(days.last, _end(since))), match["code"] or "", -1 if is_back else 1


def _end(day: date) -> date:
    return shares.first_of_month(day, 1) - DAY


def _add(days: dict[date, int], span: Span, units: int) -> None:
    for day in span.each_day():
        days[day] += units


def expected(paid: Paid, name: str | int, month: date) -> Decimal:
    """What the days of a month cost, each run of days with the same quantity as one part of the month."""
    days = paid.tariffs[name] if isinstance(name, str) else paid.options[name]
    total = Decimal(0)
    for units, run in groupby(Span(month, _end(month)).each_day(), key=lambda day: days[day]):
        held = list(run)
        total += shares.part(fee_of(name, month) * units, held[0], held[-1]) if units else 0
    return total


def expected_off(paid: Paid, taken: OfferUse, month: date) -> Decimal:
    """What a percentage takes off the days of a month that were paid; no two of them run at once for one thing here."""
    total = Decimal(0)
    for off, run in groupby(Span(month, _end(month)).each_day(), key=lambda day: _off(paid, taken, day)):
        held = list(run)
        total += shares.part(off, held[0], held[-1]) if off else 0
    return total


def _off(paid: Paid, taken: OfferUse, day: date) -> Decimal:
    names = paid.of_day(day)
    if not (names and taken.since <= day < taken.until):
        return Decimal(0)
    name: str | int = taken.option_id or next(iter(names))
    units = paid.options[taken.option_id][day] if taken.option_id else 1
    full = fee_of(name, day.replace(day=1)) * units
    return (full * taken.percent / 100).quantize(shares.KOPECK, ROUND_HALF_UP)


def fee_of(name: str | int, month: date) -> Decimal:
    prices = TariffPrice.objects.filter(tariff__name=name) if isinstance(name, str) else OptionPrice.objects
    rows = prices.filter(since__lte=month) if isinstance(name, str) else prices.filter(option=name, since__lte=month)
    fee: Decimal = rows.order_by("-since").values_list("fee", flat=True)[0]
    return fee
