"""Calendar months as numbers (year × 12 + month − 1), to count them back; times in the operator's zone."""

from calendar import monthrange
from datetime import date, datetime
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from django.utils import timezone

KOPECK = Decimal("0.01")
ZONE = timezone.get_default_timezone()


def month_of(day: date) -> int:
    return day.year * 12 + day.month - 1


def first_day(month: int) -> date:
    return date(month // 12, month % 12 + 1, 1)


def length(month: int) -> int:
    return monthrange(month // 12, month % 12 + 1)[1]


def day_in(month: int, day: int) -> date:
    return first_day(month).replace(day=day)


def moment(day: date, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=ZONE)


def share(fee: Decimal, month: int, days: int) -> Decimal:
    """What so many days of a month cost: whole kopecks, half up."""
    return (fee * days / length(month)).quantize(KOPECK, ROUND_HALF_UP)


def rounded_up(amount: Decimal, step: int) -> Decimal:
    return (amount / step).to_integral_value(ROUND_CEILING) * step
