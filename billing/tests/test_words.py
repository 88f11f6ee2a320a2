"""Sums in Russian words."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import words


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        ("0", "Ноль рублей 00 копеек"),
        ("0.01", "Ноль рублей 01 копейка"),
        ("1", "Один рубль 00 копеек"),
        ("2.02", "Два рубля 02 копейки"),
        ("4.04", "Четыре рубля 04 копейки"),
        ("5.05", "Пять рублей 05 копеек"),
        ("11.11", "Одиннадцать рублей 11 копеек"),
        ("12.12", "Двенадцать рублей 12 копеек"),
        ("14.14", "Четырнадцать рублей 14 копеек"),
        ("19.21", "Девятнадцать рублей 21 копейка"),
        ("20", "Двадцать рублей 00 копеек"),
        ("21.22", "Двадцать один рубль 22 копейки"),
        ("100", "Сто рублей 00 копеек"),
        ("111", "Сто одиннадцать рублей 00 копеек"),
        ("342", "Триста сорок два рубля 00 копеек"),
        ("650", "Шестьсот пятьдесят рублей 00 копеек"),
        ("1000", "Одна тысяча рублей 00 копеек"),
        ("2001", "Две тысячи один рубль 00 копеек"),
        ("5000", "Пять тысяч рублей 00 копеек"),
        ("11000", "Одиннадцать тысяч рублей 00 копеек"),
        ("21022", "Двадцать одна тысяча двадцать два рубля 00 копеек"),
        ("112000", "Сто двенадцать тысяч рублей 00 копеек"),
        ("1000000", "Один миллион рублей 00 копеек"),
        ("2000002", "Два миллиона два рубля 00 копеек"),
        ("15000040", "Пятнадцать миллионов сорок рублей 00 копеек"),
        ("1000000000", "Один миллиард рублей 00 копеек"),
        (
            "999999999999.99",
            "Девятьсот девяносто девять миллиардов девятьсот девяносто девять миллионов "
            "девятьсот девяносто девять тысяч девятьсот девяносто девять рублей 99 копеек",
        ),
    ],
)
def test_a_sum_is_written_out(amount, expected):
    assert words.rubles_in_words(Decimal(amount)) == expected


@pytest.mark.parametrize("amount", ["-1", "0.001", "1000000000000"])
def test_what_no_paper_can_say_is_an_error(amount):
    with pytest.raises(ValueError, match="not a sum"):
        words.rubles_in_words(Decimal(amount))


VALUES = {word: number for number, word in enumerate(words.UNITS)} | {"одна": 1, "две": 2}
VALUES |= {word: 10 * number for number, word in enumerate(words.TENS) if word}
VALUES |= {word: 100 * number for number, word in enumerate(words.HUNDREDS) if word}
POWERS = {word: 1000**power for power, forms in enumerate(words.GROUPS, 1) for word in forms}


def read(text: str) -> int:
    total = group = 0
    for word in text.lower().split(" рубл")[0].split():
        if word in POWERS:
            total, group = total + group * POWERS[word], 0
        else:
            group += VALUES[word]
    return total + group


@given(st.integers(0, 10**12 - 1))
def test_the_words_read_back_as_the_number(number):
    assert read(words.rubles_in_words(Decimal(number))) == number
