"""The VAT that a price includes."""

from datetime import date
from decimal import Decimal

import pytest

from billing import vat


@pytest.mark.parametrize(
    ("day", "total", "expected"),
    [
        (date(2018, 12, 31), "650", None),
        (date(2025, 12, 1), "650", ("20", "108.33")),
        (date(2026, 1, 1), "650", ("22", "117.21")),
        (date(2026, 11, 1), "0.01", ("22", "0.00")),
    ],
)
def test_the_rate_is_the_one_of_the_day(day, total, expected):
    included = vat.included(Decimal(total), day=day)

    assert (included and (included.percent, included.amount)) == (expected and tuple(map(Decimal, expected)))


def test_half_a_kopeck_goes_up():
    assert vat.included(Decimal("0.03"), day=date(2025, 1, 1)).amount == Decimal("0.01")


def test_a_company_without_vat_has_none(settings):
    settings.VAT_RATES = []

    assert vat.included(Decimal(650), day=date(2026, 11, 1)) is None


def test_a_rate_is_written_as_in_russian(settings):
    settings.VAT_RATES = ["2026-01-01:5.5"]

    assert str(vat.included(Decimal(650), day=date(2026, 11, 1))) == "5,5\u00a0%"
