"""A month to come, looked at before it is charged: by the statement of the month run, which here posts nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import City
from billing import shares
from tariffs import month_sql, months

MONTHS_AHEAD = 12
LIST_ROWS = 50
EVERY_CONTRACT = (0, 2**63 - 1)

BY_TARIFF = f"""
WITH {month_sql.PAYERS}
SELECT contract.city_id, tariff.title,
    COUNT(*) FILTER (WHERE payer.money >= payer.fee),
    COALESCE(SUM(payer.fee) FILTER (WHERE payer.money >= payer.fee), 0),
    COUNT(*) FILTER (WHERE payer.money < payer.fee),
    COALESCE(SUM(payer.fee - payer.money) FILTER (WHERE payer.money < payer.fee), 0)
FROM payer
JOIN accounts_contract AS contract ON contract.id = payer.contract_id
LEFT JOIN line AS tariff ON tariff.contract_id = payer.contract_id AND tariff.place = 0
GROUP BY contract.city_id, tariff.title
ORDER BY contract.city_id, tariff.title
"""
POOR = f"""
WITH {month_sql.PAYERS}
SELECT payer.contract_id, contract.number, payer.fee, payer.fee - payer.money
FROM payer JOIN accounts_contract AS contract ON contract.id = payer.contract_id
WHERE payer.money < payer.fee
ORDER BY payer.contract_id LIMIT %(rows)s
"""


@dataclass(frozen=True)
class Row:
    """Contracts of a city with a tariff, empty for a free one: those that would pay, and those that cannot."""

    city: City
    tariff: str
    charged: int
    total: Decimal
    stopped: int
    missing: Decimal


@dataclass(frozen=True)
class Poor:
    contract_id: int
    number: str
    fee: Decimal
    missing: Decimal


def may_look(month: date, *, today: date) -> bool:
    """From the next month to a year ahead; the one that has begun is charged."""
    return shares.first_of_month(today, 1) <= month <= shares.first_of_month(today, MONTHS_AHEAD)


def by_tariff(month: date, *, now: datetime) -> list[Row]:
    """As if today's money were all there is; rows by city and tariff."""
    cities = {city.pk: city for city in City.objects.all()}
    found = _ask(BY_TARIFF, _facts(month, EVERY_CONTRACT, now))
    return [Row(cities[city_id], tariff or "", *sums) for city_id, tariff, *sums in found]


def poor(month: date, *, after: int = 0, now: datetime) -> list[Poor]:
    """Those who cannot pay, in the order of contracts behind `after`; one more than fits a page if there are more."""
    facts = _facts(month, (after + 1, EVERY_CONTRACT[1]), now) | {"rows": LIST_ROWS + 1}
    return [Poor(*row) for row in _ask(POOR, facts)]


def _facts(month: date, contracts: tuple[int, int], now: datetime) -> dict[str, Any]:
    begins = timezone.make_aware(datetime.combine(month, months.BEGINS_AT))
    return months.facts_of(month, *contracts, day=month, now=now, with_planned=True, money_at=begins)


def _ask(statement: str, facts: dict[str, Any]) -> list[tuple[Any, ...]]:
    """A member of staff may wait longer than a subscriber: it reads every contract."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '60s'; SET LOCAL enable_nestloop = off")
        cursor.execute(statement, facts)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        cursor.execute("SET LOCAL enable_nestloop = on")
        return found
