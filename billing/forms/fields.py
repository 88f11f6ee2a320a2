"""Fields of forms about money: a sum as people write it, where a receipt goes."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from billing import contacts
from billing.templatetags.money import rubles

SUM = re.compile(r"[0-9]{1,9}(?:[.,][0-9]{1,2})?")
BESIDE_A_SUM = re.compile(r"\s|₽|руб(?:\.|лей|ля|ль)?", re.IGNORECASE)


class SumField(forms.CharField):
    """«1 500», «1500,50», «1 500 ₽» as a Decimal, between the least and the most that a top-up may be."""

    default_error_messages = {
        "required": _("How much? Write the sum in rubles."),
        "invalid": _("Write the sum in figures, for example 500 or 1500,50."),
        "least": _("The least sum is %(sum)s."),
        "most": _("At most %(sum)s at once. A larger sum can be paid in parts."),
    }

    def __init__(self, **options: Any) -> None:
        attrs = {"inputmode": "decimal", "autocomplete": "transaction-amount", "size": "12"}
        super().__init__(max_length=40, widget=forms.TextInput(attrs=attrs), **options)

    def clean(self, value: Any) -> Decimal:
        text = BESIDE_A_SUM.sub("", super().clean(value))
        if not SUM.fullmatch(text):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        amount = Decimal(text.replace(",", "."))
        if amount < settings.TOP_UP_LEAST:
            raise ValidationError(self.error_messages["least"] % {"sum": rubles(settings.TOP_UP_LEAST)}, code="least")
        if amount > settings.TOP_UP_MOST:
            raise ValidationError(self.error_messages["most"] % {"sum": rubles(settings.TOP_UP_MOST)}, code="most")
        return amount

    def prepare_value(self, value: Any) -> Any:
        """A sum to change by hand: no kopecks unless there are some."""
        return f"{value:f}".removesuffix(".00") if isinstance(value, Decimal) else value


class ReceiptContactField(forms.CharField):
    """An e-mail address, or a Russian phone in E.164."""

    default_error_messages = {
        "required": _("Where should the receipt be sent? Write an e-mail or a mobile phone."),
    }

    def __init__(self, **options: Any) -> None:
        attrs = {"autocomplete": "email", "autocapitalize": "none", "spellcheck": "false"}
        super().__init__(max_length=254, widget=forms.TextInput(attrs=attrs), **options)

    def clean(self, value: Any) -> str:
        try:
            return contacts.normal(super().clean(value))
        except contacts.UnfitContact as refusal:
            raise ValidationError(str(refusal), code="invalid") from refusal
