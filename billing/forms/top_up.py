"""The form of a top-up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.forms.fields import ReceiptContactField, SumField
from billing.models import Payment
from billing.ways import Way


class TopUpForm(forms.Form):
    sum = SumField(label=_("How much, ₽"))
    method = forms.ChoiceField(
        label=_("How to pay"),
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose how to pay."),
            "invalid_choice": _("There is no such way to pay any more. Choose another."),
        },
    )
    keep_card = forms.BooleanField(label=_("Keep the card for the next payments"), required=False)
    contact = ReceiptContactField(
        label=_("Where to send the receipt"), help_text=_("An e-mail or a mobile phone; the law asks for it.")
    )
    # Made when the form is drawn: two clicks are one payment. Firefox would put an old one back after a reload.
    operation = forms.UUIDField(widget=forms.HiddenInput(attrs={"autocomplete": "off"}), initial=uuid4)

    def __init__(self, *args: Any, ways: Sequence[Way], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ways = {way.code: way for way in ways}
        method = self.fields["method"]
        assert isinstance(method, forms.ChoiceField)
        method.choices = [(way.code, str(way)) for way in ways]

    def clean(self) -> dict[str, Any]:
        if "operation" in self.errors:
            del self.errors["operation"]
            self.add_error(None, _("The page has grown old. Please send it again."))
            self.data = {**{name: self.data[name] for name in self.data}, "operation": str(uuid4())}
        return self.cleaned_data

    @property
    def can_keep_card(self) -> bool:
        return Payment.Method.CARD.value in self.ways

    @property
    def way(self) -> Way:
        """The chosen one of a valid form."""
        return self.ways[self.cleaned_data["method"]]

    @property
    def wants_saving(self) -> bool:
        return bool(self.cleaned_data["keep_card"]) and self.way.method == Payment.Method.CARD
