"""Long lists in pages by cursor: newest first, a place in the list instead of a page's number."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.db.models import Model, Q, QuerySet

Row = TypeVar("Row", bound=Model)


@dataclass(frozen=True)
class Cursor:
    """A place in a list, between two rows: going `older` from it or newer."""

    at: datetime
    pk: int
    is_older: bool

    @classmethod
    def parse(cls, text: str) -> Cursor | None:
        """None for what is not a cursor of ours: the list then starts at its newest row."""
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

    def apply(self, rows: QuerySet[Row], time: str) -> QuerySet[Row]:
        if self.is_older:
            return rows.filter(Q((f"{time}__lt", self.at)) | Q((time, self.at), pk__lt=self.pk))
        return rows.filter(Q((f"{time}__gt", self.at)) | Q((time, self.at), pk__gt=self.pk)).order_by(time, "pk")


@dataclass(frozen=True)
class Page(Generic[Row]):
    rows: list[Row]
    older: Cursor | None
    newer: Cursor | None

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)


def page(rows: QuerySet[Row], cursor: Cursor | None, count: int, *, time: str) -> Page[Row]:
    """One page of `rows`, which are ordered by the column `time` and the key, newest first. One query."""
    found = list((cursor.apply(rows, time) if cursor else rows)[: count + 1])
    there_is_more, found = len(found) > count, found[:count]
    if cursor and not cursor.is_older:
        found.reverse()
        has_older, has_newer = True, there_is_more
    else:
        has_older, has_newer = there_is_more, cursor is not None

    def place(row: Any, *, is_older: bool) -> Cursor:
        return Cursor(getattr(row, time), row.pk, is_older)

    return Page(
        found,
        older=place(found[-1], is_older=True) if found and has_older else None,
        newer=place(found[0], is_older=False) if found and has_newer else None,
    )
