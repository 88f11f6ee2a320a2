"""What offers saved a contract: its ledger's lines whose key ends in `offer:<use>`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db.models import CharField, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Cast, Concat

from accounts.local_time import midnight
from billing.models import LedgerEntry

NOTHING = Decimal(0)
OF_AN_OFFER = r"(^|:)offer:[0-9]+$"


def saved(contract_id: int, since: date | None = None, until: date | None = None) -> Decimal:
    """Rubles saved in the days from `since` on and before `until`, less what was taken back; one query."""
    rows = _lines(contract_id)
    if since:
        rows = rows.filter(at__gte=midnight(since))
    if until:
        rows = rows.filter(at__lt=midnight(until))
    return rows.aggregate(total=Sum("amount"))["total"] or NOTHING


def of_use(contract_id: int) -> Subquery:
    """Rubles saved in all by one offer taken, for a query over the contract's OfferUse; None for nothing yet."""
    number = Cast(OuterRef("pk"), CharField())
    of_month = Q(key__endswith=Concat(Value(":offer:"), number))
    rows = LedgerEntry.objects.filter(of_month | Q(key=Concat(Value("offer:"), number)), account=contract_id)
    return Subquery(rows.order_by().values("account").annotate(total=Sum("amount")).values("total"))


def _lines(contract_id: int) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(account=contract_id, key__regex=OF_AN_OFFER)
