"""A statement: what an account held before a period, every line of the period, and what it held after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet, Sum, Window
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.local_time import midnight
from accounts.models import Contract
from billing.models import EntryKind, LedgerEntry
from billing.shares import first_of_month

PAGE_ROWS = 100


class StatementRefused(Exception):
    """The message is for the subscriber."""


@dataclass(frozen=True)
class Period:
    """Local days, both included."""

    since: date
    until: date

    @property
    def start(self) -> datetime:
        return midnight(self.since)

    @property
    def end(self) -> datetime:
        """The midnight after the last day, not included."""
        return midnight(self.until + timedelta(days=1))

    @property
    def is_too_long(self) -> bool:
        years = (
            self.until.year
            - self.since.year
            - ((self.until.month, self.until.day) < (self.since.month, self.since.day))
        )
        return bool(years >= settings.STATEMENT_YEARS_MOST)


def presets(today: date) -> dict[str, Period]:
    """The periods that people ask for, by name; those under way end today."""
    month = today.replace(day=1)
    quarter = month.replace(month=(month.month - 1) // 3 * 3 + 1)
    return {
        "last_month": last_month(today),
        "this_month": Period(month, today),
        "this_quarter": Period(quarter, today),
        "this_year": Period(month.replace(month=1), today),
    }


def last_month(today: date) -> Period:
    return Period(first_of_month(today, -1), today.replace(day=1) - timedelta(days=1))


@dataclass(frozen=True)
class KindSum:
    kind: EntryKind
    amount: Decimal
    count: int


@dataclass(frozen=True)
class Statement:
    period: Period
    opening: Decimal
    kinds: list[KindSum]
    received: Decimal
    spent: Decimal

    @property
    def closing(self) -> Decimal:
        return self.opening + self.received - self.spent

    @property
    def count(self) -> int:
        return sum(kind.count for kind in self.kinds)

    @property
    def pages(self) -> int:
        return max(-(-self.count // PAGE_ROWS), 1)

    def refuse_if_too_long_for_paper(self) -> None:
        if self.count > settings.STATEMENT_PDF_LINES:
            raise StatementRefused(
                _("A PDF holds up to %(most)s operations, and here are %(count)s. Take the table or a shorter period.")
                % {"most": settings.STATEMENT_PDF_LINES, "count": self.count}
            )


def of(contract: Contract, period: Period) -> Statement:
    """The sums of the period. One query, so that they fit each other."""
    inside = Q(at__gte=period.start)
    rows = list(
        LedgerEntry.objects.filter(account=contract.pk, at__lt=period.end)
        .order_by()
        .values("kind")
        .annotate(
            before=Sum("amount", filter=~inside, default=Decimal(0)),
            inside=Sum("amount", filter=inside, default=Decimal(0)),
            received=Sum("amount", filter=inside & Q(amount__gt=0), default=Decimal(0)),
            count=Count("pk", filter=inside),
        )
    )
    sums = {row["kind"]: KindSum(EntryKind(row["kind"]), row["inside"], row["count"]) for row in rows if row["count"]}
    received = sum((row["received"] for row in rows), Decimal(0))
    return Statement(
        period,
        opening=sum((row["before"] for row in rows), Decimal(0)),
        kinds=[sums[kind] for kind in EntryKind if kind in sums],
        received=received,
        spent=received - sum((row["inside"] for row in rows), Decimal(0)),
    )


def lines(contract: Contract, period: Period) -> QuerySet[LedgerEntry]:
    """The lines of the period, oldest first."""
    found = LedgerEntry.objects.filter(account=contract.pk, at__gte=period.start, at__lt=period.end)
    return found.order_by("at", "pk")


def page(contract: Contract, statement: Statement, number: int) -> list[LedgerEntry]:
    """One page of lines, each with the balance after it; the pages are counted from 1. One query."""
    running = Window(Sum("amount"), order_by=[F("at"), F("pk")])
    first = (number - 1) * PAGE_ROWS
    entries = lines(contract, statement.period).annotate(running=running)
    found: list[Any] = list(entries[first : first + PAGE_ROWS])
    for entry in found:
        entry.balance_after = statement.opening + entry.running
    return found


def with_balances(opening: Decimal, entries: Iterable[LedgerEntry]) -> Iterator[LedgerEntry]:
    """The same lines, oldest first, each with the balance after it; holds one at a time."""
    balance = opening
    for entry in entries:
        balance += entry.amount
        entry.balance_after = balance
        yield entry


def local_moment(entry: LedgerEntry) -> str:
    """«01.12.2026 00:10», as Russian spreadsheets and papers write it, in any language of the page."""
    return f"{timezone.localtime(entry.at):%d.%m.%Y %H:%M}"
