"""Invoices and acts of a legal entity, month by month, made from the ledger whenever they are asked for.

An invoice asks for the fee of a month, from the first day of the month before it. An act says what a month that is
over came to: its fees and charges less its refunds. Corrections by staff belong to money, not to services, and stay
out. A number names the contract and the month, so a paper made again is the same paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import TruncMonth
from django.utils.translation import gettext as _

from accounts.models import Contract
from accounts.templatetags.dates import day
from billing import vat
from billing.models import EntryKind, LedgerEntry
from billing.seller import Months
from billing.shares import first_of_month
from billing.statements import Period
from billing.vat import Vat

SERVICES = (EntryKind.MONTH, EntryKind.DISCOUNT, EntryKind.CHARGE, EntryKind.REFUND)
FEES = Q(kind=EntryKind.MONTH) | Q(kind=EntryKind.DISCOUNT, key__startswith="month:")
MONTHS_BACK = 60
LINES_MOST = 200


class PaperRefused(Exception):
    """The message is for the subscriber."""


@dataclass(frozen=True)
class Line:
    """`title` is empty where the ledger gave none: the kind then says what it was."""

    kind: EntryKind
    title: str
    count: int
    amount: Decimal


@dataclass(frozen=True)
class Paper:
    contract: Contract
    month: date
    dated: date
    lines: list[Line]

    @property
    def number(self) -> str:
        return f"{self.contract.number}-{self.month:%Y%m}"

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal(0))

    @property
    def vat(self) -> Vat | None:
        return vat.included(self.total, day=self.month)


@dataclass(frozen=True)
class Month:
    """What papers a month has, by their sums; None where there is none."""

    month: date
    invoice: Decimal | None
    act: Decimal | None


def months(contract: Contract, to_come: Months, *, today: date) -> list[Month]:
    """The months that have a paper, the coming one first. One query."""
    since = max(first_of_month(today, -MONTHS_BACK), contract.started_on.replace(day=1))
    sums = _sums(contract, Period(since, today))
    ahead = [first_of_month(today, -back) for back in range(-1, MONTHS_BACK + 1)]
    rows = (_month(contract, month, sums, to_come, today) for month in ahead if month >= since)
    return [row for row in rows if row.invoice or row.act]


def invoice(contract: Contract, month: date, to_come: Months, *, today: date) -> Paper:
    """The invoice of a month, given by its first day. Raises PaperRefused."""
    sums = _sums(contract, _days_of(month))
    amount = _month(contract, month, sums, to_come, today).invoice
    if amount is None:
        if month > first_of_month(today, 1):
            first = day(first_of_month(month, -1))
            raise PaperRefused(_("The invoice of this month will be here from %(date)s.") % {"date": first})
        raise PaperRefused(_("No monthly fee was charged for this month, so it has no invoice."))
    dated = max(first_of_month(month, -1), contract.started_on)
    return Paper(contract, month, dated, [Line(EntryKind.MONTH, "", 1, amount)])


def act(contract: Contract, month: date, *, today: date) -> Paper:
    """The act of a month, given by its first day. Raises PaperRefused."""
    if month >= today.replace(day=1):
        ready = day(first_of_month(month, 1))
        raise PaperRefused(_("The month is not over: its act will be here from %(date)s.") % {"date": ready})
    days = _days_of(month)
    paper = Paper(contract, month, days.until, _lines(_services(contract, days)))
    if paper.total <= 0:
        raise PaperRefused(_("Nothing was charged for this month, so it has no act."))
    return paper


def _month(
    contract: Contract, month: date, sums: dict[date, tuple[Decimal, Decimal]], to_come: Months, today: date
) -> Month:
    charged, services = sums.get(month, (Decimal(0), Decimal(0)))
    is_to_come = today.replace(day=1) <= month <= first_of_month(today, 1)
    if not charged and is_to_come and not contract.is_terminated:
        charged = to_come.fee(month) or Decimal(0)
    has_act = month < today.replace(day=1) and services > 0
    return Month(month, charged if charged > 0 else None, services if has_act else None)


def _sums(contract: Contract, period: Period) -> dict[date, tuple[Decimal, Decimal]]:
    """By month: the fees, and all services less refunds."""
    rows = (
        _services(contract, period)
        .values_list(TruncMonth("at"))
        .annotate(fees=Sum("amount", filter=FEES, default=Decimal(0)), services=Sum("amount"))
    )
    return {month.date(): (-fees, -services) for month, fees, services in rows}


def _services(contract: Contract, period: Period) -> QuerySet[LedgerEntry]:
    found = LedgerEntry.objects.filter(account=contract.pk, at__gte=period.start, at__lt=period.end)
    return found.filter(kind__in=SERVICES).order_by()


def _lines(entries: QuerySet[LedgerEntry]) -> list[Line]:
    """Same lines are one; where even so they are too many for paper, one line a kind."""
    found = _grouped(entries, "kind", "title")
    if len(found) > LINES_MOST:
        found = _grouped(entries, "kind")
    lines = [Line(EntryKind(row["kind"]), row.get("title", ""), row["count"], -row["amount"]) for row in found]
    return sorted(lines, key=lambda line: (SERVICES.index(line.kind), line.title))


def _grouped(entries: QuerySet[LedgerEntry], *names: str) -> list[dict[str, Any]]:
    return list(entries.values(*names).annotate(count=Count("pk"), amount=Sum("amount"))[: LINES_MOST + 1])


def _days_of(month: date) -> Period:
    return Period(month, first_of_month(month, 1) - timedelta(days=1))
