"""Parts of a monthly fee: whole kopecks, half up, and the parts of a split month add up to the whole."""

from calendar import monthrange
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

KOPECK = Decimal("0.01")


def rest(fee: Decimal, day: date) -> Decimal:
    """What the days from `day` to the end of its month cost; the whole fee on the 1st."""
    length = monthrange(day.year, day.month)[1]
    return (fee * (length - day.day + 1) / length).quantize(KOPECK, ROUND_HALF_UP)


def part(fee: Decimal, first: date, last: date) -> Decimal:
    """What the days of one month from `first` to `last`, both included, cost: the difference of two rests."""
    after = last + timedelta(days=1)
    return rest(fee, first) - (rest(fee, after) if after.month == first.month else 0)


def first_of_month(day: date, ahead: int = 0) -> date:
    """The first day of the month that lies so many months ahead."""
    years, month = divmod(day.month - 1 + ahead, 12)
    return date(day.year + years, month + 1, 1)


def month_key(contract_id: int, day: date) -> str:
    """The ledger's name for the fee of the month in which `day` lies."""
    return f"month:{contract_id}:{day:%Y-%m}"
