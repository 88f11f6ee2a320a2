"""The history of an account: filtered, in pages by cursor, each line with the balance after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, QuerySet, Sum, Window
from django.utils import timezone

from billing import paging
from billing.models import Account, EntryKind, LedgerEntry
from billing.paging import Cursor, Page

PAGE_ROWS = 50


@dataclass(frozen=True)
class Filters:
    """What a subscriber wants to see; days are local and included."""

    kind: EntryKind | None = None
    since: date | None = None
    until: date | None = None

    def apply(self, entries: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry]:
        if self.kind:
            entries = entries.filter(kind=self.kind)
        if self.since:
            entries = entries.filter(at__gte=_midnight(self.since))
        if self.until:
            entries = entries.filter(at__lt=_midnight(self.until + timedelta(days=1)))
        return entries

    def __bool__(self) -> bool:
        return any((self.kind, self.since, self.until))


def page(account: Account, filters: Filters, cursor: Cursor | None = None, rows: int = PAGE_ROWS) -> Page[LedgerEntry]:
    """One page, newest first; every entry carries `balance_after`. One query, two past the newest or under a filter."""
    # The balance comes in the same statement as the lines: one posted meanwhile is in both or in neither.
    entries = filters.apply(account.entries.annotate(balance_now=F("account__balance")))
    found = paging.page(entries, cursor, rows, time="at")
    if filters or cursor:
        _sum_up(account, found.rows)
    else:
        _count_down(found.rows)
    return found


def _count_down(entries: list[Any]) -> None:
    """The newest lines without a gap: each balance follows from the one above it."""
    balance = entries[0].balance_now if entries else Decimal(0)
    for entry in entries:
        entry.balance_after = balance
        balance -= entry.amount


def _sum_up(account: Account, entries: list[LedgerEntry]) -> None:
    """Lines from anywhere: each balance is the sum of all lines up to it; filters hide lines, but not from it."""
    running = Window(Sum("amount"), order_by=[F("at"), F("pk")])
    # Django puts a plain condition before the window, where it would cut the sums; an OR with it goes after.
    shown = Q(pk__in=[entry.pk for entry in entries]) | Q(running=None)
    balances = dict(account.entries.order_by().annotate(running=running).filter(shown).values_list("pk", "running"))
    for entry in entries:
        entry.balance_after = balances[entry.pk]


@dataclass(frozen=True)
class Totals:
    received: Decimal
    spent: Decimal


def totals(account: Account, filters: Filters) -> Totals:
    sums = filters.apply(account.entries.all()).aggregate(
        received=Sum("amount", filter=Q(amount__gt=0)), spent=Sum("amount", filter=Q(amount__lt=0))
    )
    return Totals(sums["received"] or Decimal(0), -(sums["spent"] or Decimal(0)))


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
