"""The history of an account: filtered, in pages by cursor, each line with the balance after it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, Sum, Window

from accounts.local_time import midnight
from billing import paging
from billing.models import Account, EntryKind, LedgerEntry
from billing.paging import Cursor, Page

PAGE_ROWS = 50
CAME, WENT = Q(amount__gt=0), Q(amount__lt=0)


@dataclass(frozen=True)
class Filters:
    """What a subscriber wants to see; days are local and included."""

    kind: EntryKind | None = None
    since: date | None = None
    until: date | None = None

    @property
    def condition(self) -> Q:
        condition = Q()
        if self.kind:
            condition &= Q(kind=self.kind)
        if self.since:
            condition &= Q(at__gte=midnight(self.since))
        if self.until:
            condition &= Q(at__lt=midnight(self.until + timedelta(days=1)))
        return condition

    def __bool__(self) -> bool:
        return any((self.kind, self.since, self.until))


@dataclass(frozen=True)
class Totals:
    received: Decimal
    spent: Decimal


def page(account: Account, filters: Filters, cursor: Cursor | None = None, rows: int = PAGE_ROWS) -> Page[LedgerEntry]:
    """One page, newest first; every entry carries `balance_after`. One query, two past the newest or under a filter."""
    found = _page(account, filters, cursor, rows)
    if filters or cursor:
        _sum_up(account, filters, found.rows)
    else:
        _count_down(found.rows)
    return found


def page_with_totals(
    account: Account, filters: Filters, cursor: Cursor | None = None
) -> tuple[Page[LedgerEntry], Totals]:
    """The page, and the totals of all that the filters let through. Two queries."""
    found = _page(account, filters, cursor, PAGE_ROWS)
    if found.rows and (filters or cursor):
        return found, _sum_up(account, filters, found.rows)
    _count_down(found.rows)
    return found, totals(account, filters)


def _page(account: Account, filters: Filters, cursor: Cursor | None, rows: int) -> Page[LedgerEntry]:
    # The balance comes in the same statement as the lines: one posted meanwhile is in both or in neither.
    entries = account.entries.filter(filters.condition).annotate(balance_now=F("account__balance"))
    return paging.page(entries, cursor, rows, time="at")


def _count_down(entries: list[Any]) -> None:
    """The newest lines without a gap: each balance follows from the one above it."""
    balance = entries[0].balance_now if entries else Decimal(0)
    for entry in entries:
        entry.balance_after = balance
        balance -= entry.amount


def _sum_up(account: Account, filters: Filters, entries: list[LedgerEntry]) -> Totals:
    """Lines from anywhere: each balance is the sum of all lines up to it; filters hide lines, but not from it."""
    running = Window(Sum("amount"), order_by=[F("at"), F("pk")])
    received, spent = (Window(Sum("amount", filter=filters.condition & sign)) for sign in (CAME, WENT))
    # Django puts a plain condition before the window, where it would cut the sums; an OR with it goes after.
    shown = Q(pk__in=[entry.pk for entry in entries]) | Q(running=None)
    found = account.entries.order_by().annotate(running=running, received=received, spent=spent).filter(shown)
    sums = {pk: rest for pk, *rest in found.values_list("pk", "running", "received", "spent")}
    for entry in entries:
        entry.balance_after = sums[entry.pk][0]
    return _totals(*sums[entries[0].pk][1:]) if entries else _totals(None, None)


def totals(account: Account, filters: Filters) -> Totals:
    sums = account.entries.filter(filters.condition).aggregate(
        received=Sum("amount", filter=CAME), spent=Sum("amount", filter=WENT)
    )
    return _totals(sums["received"], sums["spent"])


def _totals(received: Decimal | None, spent: Decimal | None) -> Totals:
    return Totals(received or Decimal(0), -(spent or Decimal(0)))
