"""What offers saved a contract: its ledger's lines whose key ends in `offer:<use>`."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal

from django.db.models import CharField, F, Func, QuerySet, Sum, Value
from django.utils import timezone

from billing.models import LedgerEntry

NOTHING = Decimal(0)
OF_AN_OFFER = r"(^|:)offer:[0-9]+$"


def saved(contract_id: int, since: date | None = None, until: date | None = None) -> Decimal:
    """Rubles saved in the days from `since` on and before `until`, less what was taken back; one query."""
    rows = _lines(contract_id)
    if since:
        rows = rows.filter(at__gte=_midnight(since))
    if until:
        rows = rows.filter(at__lt=_midnight(until))
    return rows.aggregate(total=Sum("amount"))["total"] or NOTHING


def by_use(contract_id: int) -> dict[int, Decimal]:
    """Rubles saved in all by each offer taken, by the primary key of its OfferUse; one query."""
    number = Func(F("key"), Value("[0-9]+$"), function="substring", output_field=CharField())
    sums = _lines(contract_id).annotate(use=number).order_by().values("use").annotate(total=Sum("amount"))
    return {int(row["use"]): row["total"] for row in sums}


def _lines(contract_id: int) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(account=contract_id, key__regex=OF_AN_OFFER)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
