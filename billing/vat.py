"""VAT that a price includes: the rate of a day, and its share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from django.conf import settings

KOPECK = Decimal("0.01")


@dataclass(frozen=True)
class Vat:
    percent: Decimal
    amount: Decimal

    def __str__(self) -> str:
        """«22 %», «5,5 %»."""
        return f"{self.percent.normalize():f}\u00a0%".replace(".", ",")


def included(total: Decimal, *, day: date) -> Vat | None:
    """The VAT in a total of that day, to the kopeck, half up; None when the company pays none."""
    percent = percent_on(day)
    if percent is None:
        return None
    return Vat(percent, (total * percent / (100 + percent)).quantize(KOPECK, ROUND_HALF_UP))


def percent_on(day: date) -> Decimal | None:
    rates = sorted((date.fromisoformat(since), Decimal(percent)) for since, percent in _pairs(settings.VAT_RATES))
    in_force = [percent for since, percent in rates if since <= day]
    return in_force[-1] if in_force else None


def _pairs(rates: list[str]) -> list[tuple[str, str]]:
    return [(since, percent) for since, _colon, percent in (rate.strip().partition(":") for rate in rates if rate)]
