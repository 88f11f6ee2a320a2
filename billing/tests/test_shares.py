"""Parts of a monthly fee."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import shares

DAYS = st.dates(date(2020, 1, 1), date(2040, 12, 30))
FEES = st.decimals(Decimal("0.01"), Decimal(100_000), places=2)


@pytest.mark.parametrize(
    ("fee", "day", "rest"),
    [
        ("590", date(2026, 11, 1), "590.00"),
        ("590", date(2026, 11, 30), "19.67"),
        ("590", date(2026, 11, 20), "216.33"),
        ("590", date(2028, 2, 29), "20.34"),
        ("590", date(2026, 12, 31), "19.03"),
        ("0.15", date(2026, 11, 21), "0.05"),
        ("0.15", date(2026, 11, 30), "0.01"),  # exactly half a kopeck goes up
    ],
)
def test_the_rest_of_a_month_is_its_share_of_days_half_up(fee, day, rest):
    assert shares.rest(Decimal(fee), day) == Decimal(rest)


@given(fee=FEES, day=DAYS, cuts=st.lists(st.integers(1, 31), max_size=5))
def test_the_parts_of_a_split_month_add_up_to_the_whole(fee, day, cuts):
    first, after = day.replace(day=1), shares.first_of_month(day, 1)
    starts = sorted({first, *(first + timedelta(days=cut) for cut in cuts if first + timedelta(days=cut) < after)})
    ends = [start - timedelta(days=1) for start in [*starts[1:], after]]

    parts = [shares.part(fee, start, end) for start, end in zip(starts, ends, strict=True)]

    assert sum(parts) == fee
    assert all(part >= 0 for part in parts)


@given(day=DAYS)
def test_a_month_has_one_name_on_all_its_days(day):
    assert shares.month_key(17, day) == shares.month_key(17, day.replace(day=1)) == f"month:17:{day:%Y-%m}"
