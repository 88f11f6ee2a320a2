"""Who knows what a contract is charged by the month. Billing asks, and does not know who answers: tariffs do.

The seller answers in SQL, so that a page has it in the one query of its account and a task for a million of them.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from django.db.models import CharField, F, JSONField, OuterRef, Subquery, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast, Coalesce, JSONArray, JSONObject, Round

from billing.models import EntryKind, LedgerEntry
from billing.parts import Part

NOTHING = Decimal(0)


@dataclass(frozen=True)
class Period:
    """The parts of a month that are in force from a day until the next period begins."""

    since: date
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Months:
    """What a contract is charged today and on the firsts to come. Without periods nothing is charged by the month."""

    periods: tuple[Period, ...] = ()

    @classmethod
    def same(cls, fee: Decimal | None, title: str = "") -> Months:
        """The same fee for ever; None for nothing."""
        return cls(() if fee is None else (Period(date.min, (Part("", title, fee),)),))

    @classmethod
    def read(cls, value: Sequence[dict[str, Any]] | None) -> Months:
        """From the JSON of a seller: `[{"since": "2026-12-01", "parts": [[code, title, fee], …]}, …]`, in order."""
        return cls(tuple(Period(date.fromisoformat(row["since"]), _parts(row["parts"])) for row in value or ()))

    def parts(self, day: date) -> tuple[Part, ...]:
        """Those in force on a day; before the first period its own."""
        begun = [period for period in self.periods if period.since <= day] or self.periods[:1]
        return begun[-1].parts if begun else ()

    def fee(self, day: date) -> Decimal | None:
        """The whole monthly fee on a day in rubles; None where nothing is sold by the month."""
        parts = self.parts(day)
        return sum((part.fee for part in parts), NOTHING) if parts else None


def _parts(rows: Sequence[Sequence[str]]) -> tuple[Part, ...]:
    return tuple(Part(code, title, Decimal(fee)) for code, title, fee in rows)


class Seller(Protocol):
    """Both are expressions for a query over accounts."""

    def months(self, today: date) -> Combinable:
        """JSON for `Months.read`: the first period is today's, the others begin on firsts of months."""
        ...

    def rest(self, today: date) -> Combinable:
        """What the days from today to the end of the month cost in rubles: the sum of their lines."""
        ...


class LastFee:
    """Without a seller: the last full monthly fee in the ledger goes on.

    A full fee is posted on the 1st; what is posted on another day is a month charged by days.
    """

    def months(self, today: date) -> Combinable:
        part = JSONArray(Value(""), F("title"), Cast(-F("amount"), CharField()))
        period = JSONObject(since=Value(today.isoformat()), parts=JSONArray(part))
        return Subquery(self._last().values_list(JSONArray(period))[:1], output_field=JSONField())

    def rest(self, today: date) -> Combinable:
        length = monthrange(today.year, today.month)[1]
        fee = Coalesce(-Subquery(self._last().values("amount")[:1]), NOTHING)
        return Round(fee * (length - today.day + 1) / length, precision=2)

    def _last(self) -> Any:
        full = LedgerEntry.objects.filter(account=OuterRef("pk"), kind=EntryKind.MONTH, amount__lt=0, at__day=1)
        return full.order_by("-at", "-pk")


_registered: list[Seller] = [LastFee()]


def register(seller: Seller) -> None:
    """Called once, when the seller's application is ready."""
    _registered[:] = [seller]


def registered() -> Seller:
    return _registered[0]
