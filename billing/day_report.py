"""What came in and went out over a day or a month, for the accountant: by gateway and method, against the ledger.

It is told by the ledger, whose lines never change: a payment that a register corrects next week leaves this day as it
was. Payments, refunds and registers only say whose line it is.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import CharField, Count, Exists, OuterRef, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast, Concat

from accounts.local_time import midnight
from billing.models import Adjustment, EntryKind, LedgerEntry, Payment, PromisedPayment, Receipt

LONGEST = timedelta(days=31)
ZERO = Decimal(0)

# A key names its fact: payment:17, refund:3:returned, register:5:from. What names none of these (an opening balance,
# the cash desk) has no gateway; what names one that is not there is left out, and shows as the difference.
ROWS = """
WITH line AS (
    SELECT entry.amount, entry.kind, split_part(entry.key, ':', 1) AS subject, split_part(entry.key, ':', 2) AS number
    FROM billing_ledgerentry entry
    JOIN accounts_contract contract ON contract.id = entry.account_id
    WHERE entry.at >= %(since)s AND entry.at < %(until)s AND contract.city_id = ANY(%(cities)s)
          AND (entry.kind IN ('topup', 'payout') OR entry.key LIKE 'register:%%')
), fact AS (
    SELECT amount, kind, subject, subject IN ('payment', 'refund', 'register') AS has_gateway,
           CASE WHEN number ~ '^[0-9]{1,18}$' THEN number::bigint END AS id
    FROM line
)
SELECT coalesce(payment.gateway, ''), coalesce(payment.method, ''),
       count(*) FILTER (WHERE fact.kind = 'topup'),
       coalesce(sum(fact.amount) FILTER (WHERE fact.kind = 'topup'), 0),
       coalesce(sum(fact.amount) FILTER (WHERE fact.kind = 'payout' AND subject NOT IN ('payment', 'register')), 0),
       coalesce(sum(fact.amount) FILTER (WHERE fact.kind <> 'topup' AND subject IN ('payment', 'register')), 0)
FROM fact
LEFT JOIN billing_refund refund ON subject = 'refund' AND refund.id = fact.id
LEFT JOIN billing_registryline told ON subject = 'register' AND told.id = fact.id
LEFT JOIN billing_payment payment ON payment.id =
    CASE subject
        WHEN 'payment' THEN fact.id
        WHEN 'refund' THEN refund.payment_id
        WHEN 'register' THEN told.payment_id
    END
WHERE payment.id IS NOT NULL OR NOT has_gateway
GROUP BY payment.gateway, payment.method
ORDER BY payment.gateway NULLS LAST, payment.method
"""


@dataclass(frozen=True)
class Row:
    """Signed sums of rubles; `gateway` and `method` are empty for what came by none."""

    gateway: str
    method: str
    count: int
    credited: Decimal
    refunded: Decimal
    reversed: Decimal  # taken back by a terminal, or corrected by its register

    @property
    def net(self) -> Decimal:
        return self.credited + self.refunded + self.reversed

    @property
    def method_name(self) -> str:
        return str(Payment.Method(self.method).label) if self.method in Payment.Method.values else self.method


@dataclass(frozen=True)
class Counted:
    count: int
    sum: Decimal


@dataclass(frozen=True)
class Report:
    rows: list[Row]
    total: Row
    ledger: Decimal  # by the ledger alone, without a look at payments
    uncredited: Counted  # payments called credited in these days that have no entry
    receipts: dict[str, Counted]
    promises: dict[str, Counted]
    adjustments: dict[str, Counted]

    @property
    def difference(self) -> Decimal:
        return self.ledger - self.total.net

    @property
    def agrees(self) -> bool:
        return not self.difference and not self.uncredited.count


def of(since: date, until: date, *, cities: Collection[int]) -> Report:
    """Local days, both included; contracts of these cities only. Six queries, however many lines."""
    start, end = midnight(since), midnight(until + timedelta(days=1))
    rows = _rows(start, end, cities)
    return Report(
        rows=rows,
        total=_total(rows),
        ledger=_ledger(start, end, cities),
        uncredited=_uncredited(start, end, cities),
        receipts=_receipts(start, end, cities),
        promises=_promises(start, end, cities),
        adjustments=_adjustments(start, end, cities),
    )


def _rows(start: datetime, end: datetime, cities: Collection[int]) -> list[Row]:
    with connection.cursor() as cursor:
        cursor.execute(ROWS, {"since": start, "until": end, "cities": list(cities)})
        return [Row(*row) for row in cursor.fetchall()]


def _total(rows: list[Row]) -> Row:
    sums = (sum((getattr(row, name) for row in rows), ZERO) for name in ("credited", "refunded", "reversed"))
    return Row("", "", sum(row.count for row in rows), *sums)


def _ledger(start: datetime, end: datetime, cities: Collection[int]) -> Decimal:
    ours = Q(kind__in=[EntryKind.TOP_UP, EntryKind.PAYOUT]) | Q(key__startswith="register:")
    entries = LedgerEntry.objects.filter(ours, at__gte=start, at__lt=end, account__contract__city__in=cities)
    return entries.aggregate(sum=Sum("amount"))["sum"] or ZERO


def _uncredited(start: datetime, end: datetime, cities: Collection[int]) -> Counted:
    entry = LedgerEntry.objects.filter(key=Concat(Value("payment:"), Cast(OuterRef("pk"), CharField())))
    payments = Payment.objects.filter(
        ~Exists(entry), state=Payment.State.SUCCEEDED, finished_at__gte=start, finished_at__lt=end
    )
    found = payments.filter(account__contract__city__in=cities).aggregate(count=Count("pk"), sum=Sum("amount"))
    return Counted(found["count"], found["sum"] or ZERO)


def _receipts(start: datetime, end: datetime, cities: Collection[int]) -> dict[str, Counted]:
    receipts = Receipt.objects.filter(payment__account__contract__city__in=cities)
    registered = Q(registered_at__gte=start, registered_at__lt=end)
    return _counted(
        receipts,
        registered=registered & Q(kind=Receipt.Kind.INCOME),
        returned=registered & Q(kind=Receipt.Kind.RETURN),
        failed=Q(state=Receipt.State.FAILED, created_at__gte=start, created_at__lt=end),
    )


def _promises(start: datetime, end: datetime, cities: Collection[int]) -> dict[str, Counted]:
    closed = Q(closed_at__gte=start, closed_at__lt=end)
    return _counted(
        PromisedPayment.objects.filter(account__contract__city__in=cities),
        given=Q(granted_at__gte=start, granted_at__lt=end),
        kept=closed & Q(state=PromisedPayment.State.KEPT),
        broken=closed & Q(state=PromisedPayment.State.BROKEN),
    )


def _adjustments(start: datetime, end: datetime, cities: Collection[int]) -> dict[str, Counted]:
    posted = Adjustment.objects.filter(
        state=Adjustment.State.POSTED, decided_at__gte=start, decided_at__lt=end, account__contract__city__in=cities
    )
    return _counted(posted, added=Q(amount__gt=0), taken=Q(amount__lt=0))


def _counted(rows: QuerySet[Any], **groups: Q) -> dict[str, Counted]:
    """How many rows and how much money in each group, in one query."""
    columns: dict[str, Any] = {f"{name}_count": Count("pk", filter=group) for name, group in groups.items()}
    columns |= {f"{name}_sum": Sum("amount", filter=group) for name, group in groups.items()}
    found = rows.order_by().aggregate(**columns)
    return {name: Counted(found[f"{name}_count"], found[f"{name}_sum"] or ZERO) for name in groups}
