"""Russian identity numbers as people type them: passport series and number, INN."""

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from accounts.vault import digits

INN_WEIGHTS: dict[int, list[tuple[int, ...]]] = {
    10: [(2, 4, 10, 3, 5, 9, 4, 6, 8)],
    12: [(7, 2, 4, 10, 3, 5, 9, 4, 6, 8), (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)],
}


def passport_number(typed: str) -> str:
    """Ten digits of a Russian passport, however they were separated. Raises ValidationError."""
    number = digits(typed)
    if len(number) != 10:
        raise ValidationError(_("A passport has a series of 4 digits and a number of 6."))
    return number


def inn(typed: str) -> str:
    """Ten digits of a company or twelve of a person, check digits included. Raises ValidationError."""
    number = digits(typed)
    if len(number) not in INN_WEIGHTS:
        raise ValidationError(_("An INN has 10 digits for a company or 12 for a person."))
    if not all(_check_digit(number, weights) == number[len(weights)] for weights in INN_WEIGHTS[len(number)]):
        raise ValidationError(_("The check digits of this INN do not match: there is a slip in it."))
    return number


def _check_digit(number: str, weights: tuple[int, ...]) -> str:
    total = sum(weight * int(digit) for weight, digit in zip(weights, number, strict=False))
    return str(total % 11 % 10)
