"""Sums and contacts as people write them."""

from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from billing.forms.fields import ReceiptContactField, SumField


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("500", "500"),
        ("1 500", "1500"),
        ("1\u00a0500", "1500"),
        ("1\u202f500,50", "1500.50"),
        ("1500.5", "1500.5"),
        (" 1500,50 ₽ ", "1500.50"),
        ("300 руб.", "300"),
        ("300 рублей", "300"),
        ("1", "1"),
        ("100000", "100000"),
    ],
)
def test_a_sum_is_read_as_it_is_written(text, amount):
    assert SumField().clean(text) == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "How much"),
        ("0", "least sum is 1.00"),
        ("0,99", "least sum is 1.00"),
        ("100000,01", "At most 100,000.00"),
        ("999999999", "At most 100,000.00"),
        ("9" * 400, "40 characters"),
        ("-5", "in figures"),
        ("5,555", "in figures"),
        ("1,500.50", "in figures"),
        ("1e3", "in figures"),
        ("NaN", "in figures"),
        ("Infinity", "in figures"),
        ("５００", "in figures"),
        ("five", "in figures"),
        ("₽", "in figures"),
    ],
)
def test_what_is_not_a_fitting_sum_is_refused_in_words(text, words):
    with pytest.raises(ValidationError, match=words):
        SumField().clean(text)


@pytest.mark.parametrize(
    ("amount", "shown"), [(Decimal("650.00"), "650"), (Decimal("650.50"), "650.50"), (Decimal(1500), "1500")]
)
def test_a_sum_to_change_by_hand_has_no_needless_kopecks(amount, shown):
    assert SumField().prepare_value(amount) == shown


def test_a_contact_is_an_email_or_a_phone():
    field = ReceiptContactField()

    assert field.clean(" anna@mail.ru ") == "anna@mail.ru"
    assert field.clean("8 912 345-67-89") == "+79123456789"


@pytest.mark.parametrize("text", ["", "anna@", "12", "@", "+1 212 555 0100"])
def test_a_contact_that_reaches_nobody_is_refused(text):
    with pytest.raises(ValidationError):
        ReceiptContactField().clean(text)
