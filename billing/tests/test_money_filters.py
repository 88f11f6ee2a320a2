"""Sums as people read them."""

from decimal import Decimal

import pytest
from django.utils import translation

from billing.templatetags.money import rubles, short_rubles, signed_rubles


@pytest.mark.parametrize(
    ("amount", "russian", "english"),
    [
        ("1234.5", "1 234,50 ₽", "1,234.50 ₽"),
        ("0", "0,00 ₽", "0.00 ₽"),
        ("-0.05", "−0,05 ₽", "−0.05 ₽"),
        ("1000000", "1 000 000,00 ₽", "1,000,000.00 ₽"),
    ],
)
def test_a_sum_is_written_as_the_reader_writes(amount, russian, english):
    with translation.override("ru"):
        written = rubles(Decimal(amount))

    assert written.replace("\u202f", " ").replace("\u00a0", " ") == russian
    assert rubles(Decimal(amount)).replace("\u00a0", " ") == english


def test_money_that_comes_has_a_plus():
    assert [signed_rubles(Decimal(n))[0] for n in (1, -1, 0)] == ["+", "−", "0"]


def test_a_sum_never_breaks_over_lines():
    with translation.override("ru"):
        assert " " not in rubles(Decimal("1234567.89"))


def test_no_sum_is_no_text():
    assert rubles(None) == ""


@pytest.mark.parametrize(
    ("amount", "language", "written"),
    [
        ("1000.00", "en", "1,000\u00a0₽"),
        ("1000.00", "ru", "1\u202f000\u00a0₽"),
        ("649.50", "ru", "649,50\u00a0₽"),
        ("100000", "en", "100,000\u00a0₽"),
    ],
)
def test_a_sum_to_choose_has_no_needless_kopecks(amount, language, written):
    with translation.override(language):
        assert short_rubles(Decimal(amount)) == written
