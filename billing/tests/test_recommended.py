"""The sum that a top-up offers."""

from datetime import date
from decimal import Decimal

import pytest

from billing import recommended
from billing.outlook import Outlook
from billing.recommended import Reason, Recommended

NEXT = date(2026, 12, 1)


def seen(balance, fee=None, *, lacks=0) -> Outlook:
    return Outlook(
        Decimal(balance),
        fee and Decimal(fee),
        paid_until=None,
        next_charge_on=None if fee is None or lacks else NEXT,
        lacks=Decimal(lacks),
    )


@pytest.mark.parametrize(
    ("outlook", "expected"),
    [
        (seen("100.01", 650), Recommended(Decimal(550), Reason.MISSING)),
        (seen(100, 650), Recommended(Decimal(550), Reason.MISSING)),
        (seen("99.99", 650), Recommended(Decimal(560), Reason.MISSING)),
        (seen(-650, 650), Recommended(Decimal(1300), Reason.MISSING)),
        (seen(650, 650), Recommended(Decimal(650), Reason.FEE)),
        (seen(9000, "649.50"), Recommended(Decimal("649.50"), Reason.FEE)),
        (seen("-123.45"), Recommended(Decimal(130), Reason.OWED)),
        (seen(0), Recommended(Decimal(300), Reason.USUAL)),
        (seen(-10, 650, lacks="216.67"), Recommended(Decimal(220), Reason.MISSING)),
    ],
)
def test_the_recommended_sum_is_what_is_missing_then_owed_then_a_month(outlook, expected):
    assert recommended.sum_for(outlook) == expected


def test_a_debt_above_the_most_is_offered_as_the_most(settings):
    settings.TOP_UP_MOST = 100_000

    assert recommended.sum_for(seen(-250_000)).amount == 100_000


def test_the_recommended_sum_is_not_offered_a_second_time_among_the_usual_ones(settings):
    settings.TOP_UP_PRESETS = [300, 500]

    assert recommended.presets(Recommended(Decimal(500), Reason.FEE)) == [300]
