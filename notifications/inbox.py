"""The inbox of a contract: its notices page by page, how many are unread, and marking them read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from notifications import live
from notifications.models import Notice, Topic

PAGE_ROWS = 20
COUNTED_UP_TO = 100  # «99+» is as good as the number


@dataclass(frozen=True)
class Page:
    notices: list[Notice]
    older: int | None  # the notice that the next page comes after

    @property
    def unread(self) -> list[Notice]:
        return [notice for notice in self.notices if notice.read_at is None]


def page(contract_id: int, *, topic: Topic | None = None, after: int | None = None, rows: int = PAGE_ROWS) -> Page:
    """Newest first, from the newest or past the notice `after`; two queries at most."""
    notices = _of(contract_id)
    if topic:
        notices = notices.filter(topic=topic)
    found = list(_past(notices, contract_id, after)[: rows + 1])
    return Page(found[:rows], older=found[rows - 1].pk if len(found) > rows else None)


def _past(notices: QuerySet[Notice], contract_id: int, after: int | None) -> QuerySet[Notice]:
    """A number that is no notice of this contract is the beginning."""
    at = _of(contract_id).filter(pk=after).values_list("at", flat=True).first() if after else None
    return notices.filter(Q(at__lt=at) | Q(at=at, pk__lt=after)) if at else notices


def unread_count(contract_id: int) -> int:
    """At most COUNTED_UP_TO."""
    return _of(contract_id).filter(read_at=None).order_by()[:COUNTED_UP_TO].count()


def mark_read(contract_id: int, *, now: datetime, only: Collection[int] = (), until: int | None = None) -> int:
    """Mark the notices `only`, or all that are no newer than the notice `until`. Returns how many were unread.

    What came after the page was drawn stays unread: nobody has seen it.
    """
    seen = Q(pk__in=only) if until is None else Q(pk__lte=until)
    marked = _of(contract_id).filter(seen, read_at=None).update(read_at=now)
    if marked:
        live.publish(contract_id, "notices")
    return marked


def _of(contract_id: int) -> QuerySet[Notice]:
    return Notice.objects.filter(contract_id=contract_id)
