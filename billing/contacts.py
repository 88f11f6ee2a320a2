"""Where a fiscal receipt goes: an e-mail address or a Russian phone number."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from phonenumber_field.phonenumber import PhoneNumber
from phonenumbers import NumberParseException, region_code_for_number


class UnfitContact(Exception):
    """The message is for the subscriber."""


def normal(text: str) -> str:
    """An e-mail as it was typed, or a phone in E.164. Raises UnfitContact."""
    text = text.strip()
    return _email(text) if "@" in text else _phone(text)


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise UnfitContact(_("This is not an e-mail address. An example: ivanova@example.ru")) from None
    if len(text) > 254:
        raise UnfitContact(_("The e-mail address is too long."))
    return text


def _phone(text: str) -> str:
    unfit = UnfitContact(_("Enter an e-mail address or a Russian phone number, for example +7 912 345-67-89."))
    if not text or len(text) > 40:
        raise unfit
    try:
        number = PhoneNumber.from_string(text, region="RU")
    except NumberParseException:
        raise unfit from None
    if not number.is_valid() or region_code_for_number(number) != "RU":
        raise unfit
    return str(number.as_e164)
