"""The history of an account: filtered, in pages by cursor, each line with the balance after it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import F, Q, QuerySet, Sum, Window
from django.utils import timezone

from billing.models import Account, EntryKind, LedgerEntry

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


@dataclass(frozen=True)
class Cursor:
    """A place in the history, between two entries: going `older` from it or newer."""

    at: datetime
    pk: int
    is_older: bool

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        """None for what is not a cursor of ours: the history then starts at its newest line."""
        try:
            direction, at, pk = base64.urlsafe_b64decode(text.encode()).decode().split("|")
            moment, number = datetime.fromisoformat(at), int(pk)
        except (ValueError, UnicodeError, binascii.Error):
            return None
        if moment.tzinfo is None or not 0 < number < 2**63:
            return None
        return cls(moment, number, direction == "older")

    def __str__(self) -> str:
        direction = "older" if self.is_older else "newer"
        return base64.urlsafe_b64encode(f"{direction}|{self.at.isoformat()}|{self.pk}".encode()).decode()

    def apply(self, entries: QuerySet[LedgerEntry]) -> QuerySet[LedgerEntry]:
        if self.is_older:
            return entries.filter(Q(at__lt=self.at) | Q(at=self.at, pk__lt=self.pk))
        return entries.filter(Q(at__gt=self.at) | Q(at=self.at, pk__gt=self.pk)).order_by("at", "pk")


@dataclass(frozen=True)
class Page:
    entries: list[LedgerEntry]
    older: Cursor | None
    newer: Cursor | None

    def __iter__(self) -> Iterator[LedgerEntry]:
        return iter(self.entries)


def page(account: Account, filters: Filters, cursor: Cursor | None = None, rows: int = PAGE_ROWS) -> Page:
    """One page, newest first; every entry carries `balance_after`. One query, two past the newest or under a filter."""
    # The balance comes in the same statement as the lines: one posted meanwhile is in both or in neither.
    entries = filters.apply(account.entries.annotate(balance_now=F("account__balance")))
    found = list((cursor.apply(entries) if cursor else entries)[: rows + 1])
    there_is_more, found = len(found) > rows, found[:rows]
    if cursor and not cursor.is_older:
        found.reverse()
        has_older, has_newer = True, there_is_more
    else:
        has_older, has_newer = there_is_more, cursor is not None
    if filters or cursor:
        _sum_up(account, found)
    else:
        _count_down(found)
    return Page(
        found,
        older=_cursor(found[-1], is_older=True) if found and has_older else None,
        newer=_cursor(found[0], is_older=False) if found and has_newer else None,
    )


def _cursor(entry: LedgerEntry, *, is_older: bool) -> Cursor:
    return Cursor(entry.at, entry.pk, is_older)


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
