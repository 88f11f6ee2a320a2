"""Some days before the 1st, those whose money will not cover the month are told how much is missing."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Min
from django.utils import timezone

from accounts.models import Contract
from billing import shares
from notifications import outbox
from notifications.models import Topic
from tariffs import month_sql, months

KIND = "month_coming"
FROM = time(10, 0)  # local: nobody is told of money at night

# The money is what the run will count. Who has autopay is told by autopay.
MISSING = f"""
WITH {month_sql.PAYERS}
SELECT payer.contract_id, payer.fee, payer.fee - payer.money
FROM payer
WHERE payer.money < payer.fee
    AND NOT EXISTS (
        SELECT FROM billing_autopay AS autopay
        WHERE autopay.account_id = payer.contract_id AND autopay.account_id BETWEEN %(first)s AND %(last)s
            AND autopay.is_on
    )
    AND NOT EXISTS (
        SELECT FROM notifications_notice AS notice
        WHERE notice.contract_id = payer.contract_id AND notice.contract_id BETWEEN %(first)s AND %(last)s
            AND notice.kind = %(kind)s AND notice.about = %(about)s
    )
"""


def tell_due(*, now: datetime) -> int:
    """On the day, from its hour: tell each once. A day on which no worker lived is not made up for."""
    local = timezone.localtime(now)
    month = shares.first_of_month(local.date(), 1)
    if local.date() != month - timedelta(days=settings.MONTH_REMINDER_DAYS) or local.time() < FROM:
        return 0
    ends = Contract.objects.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return 0
    firsts = range(ends["first"], ends["last"] + 1, months.CONTRACTS_A_RANGE)
    return sum(_tell(month, first, first + months.CONTRACTS_A_RANGE - 1, now=now) for first in firsts)


@transaction.atomic
def _tell(month: date, first: int, last: int, *, now: datetime) -> int:
    rows = _missing(month, first, last, now=now)
    facts = {
        contract_id: {"missing": str(missing), "fee": str(fee), "charge_on": month.isoformat()}
        for contract_id, fee, missing in rows
    }
    outbox.tell_many(facts, Topic.MONTH, KIND, about=_about(month), now=now)
    return len(facts)


def _missing(month: date, first: int, last: int, *, now: datetime) -> list[tuple[Any, ...]]:
    begins = timezone.make_aware(datetime.combine(month, months.BEGINS_AT))
    facts = months.facts_of(month, first, last, day=month, now=now, with_planned=True, money_at=begins)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(MISSING, facts | {"kind": KIND, "about": _about(month)})
        found: list[tuple[Any, ...]] = cursor.fetchall()
        cursor.execute("SET LOCAL enable_nestloop = on")
        return found


def _about(month: date) -> str:
    return f"month:{month:%Y-%m}"
