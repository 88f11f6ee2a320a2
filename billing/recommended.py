"""How much to put on the account."""

from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from enum import StrEnum

from django.conf import settings

from billing.outlook import Outlook

STEP = Decimal(10)  # rubles


class Reason(StrEnum):
    MISSING = "missing"
    OWED = "owed"
    FEE = "fee"
    USUAL = "usual"


@dataclass(frozen=True)
class Recommended:
    amount: Decimal
    reason: Reason


def sum_for(seen: Outlook) -> Recommended:
    """What is missing for the next month, else what is owed, else one more month, else the first preset."""
    if seen.missing:
        return Recommended(_fitting(_rounded_up(seen.missing)), Reason.MISSING)
    if seen.balance < 0:  # also within the credit that the contract allows: it is what has been used
        return Recommended(_fitting(_rounded_up(-seen.balance)), Reason.OWED)
    if seen.fee:
        return Recommended(_fitting(seen.fee), Reason.FEE)
    return Recommended(Decimal(settings.TOP_UP_PRESETS[0]), Reason.USUAL)


def presets(recommended: Recommended) -> list[Decimal]:
    """The usual sums beside the recommended one."""
    return [Decimal(amount) for amount in settings.TOP_UP_PRESETS if amount != recommended.amount]


def _rounded_up(amount: Decimal) -> Decimal:
    return (amount / STEP).to_integral_value(ROUND_UP) * STEP


def _fitting(amount: Decimal) -> Decimal:
    return min(max(amount, Decimal(settings.TOP_UP_LEAST)), Decimal(settings.TOP_UP_MOST))
