"""The form that switches autopay on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.forms.fields import ReceiptContactField, SumField
from billing.models import PaymentMethod


class AutopayForm(forms.Form):
    card = forms.TypedChoiceField(
        label=_("Card to charge"),
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose a card."),
            "invalid_choice": _("There is no such saved card any more. Choose another one."),
        },
    )
    limit = SumField(
        label=_("Not more than, ₽"),
        help_text=_("At one time. If more is missing, nothing is charged, and you are told the day before."),
    )
    contact = ReceiptContactField(label=_("Where to send receipts"), help_text=_("An e-mail or a mobile phone."))
    consent = forms.BooleanField(error_messages={"required": _("Without your consent the card cannot be charged.")})

    def __init__(self, *args: Any, cards: Iterable[PaymentMethod], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        card = self.fields["card"]
        assert isinstance(card, forms.ChoiceField)
        card.choices = [(card.pk, card.title) for card in cards]
