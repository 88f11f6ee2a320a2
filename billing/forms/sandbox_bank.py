"""What the payer does at the demo's bank."""

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _

from billing.gateways import FAILURES

REASONS = ("declined", "insufficient_funds", "card_expired", "fraud", "3d_secure", "limit")


class Outcome(models.TextChoices):
    CONFIRM = "confirm", _("Pay")
    LATE = "late", _("Pay, the bank confirms 30 seconds later")
    TWICE = "twice", _("Pay, the bank reports it twice")
    STAY = "stay", _("Pay and do not return to the shop")
    DECLINE = "decline", _("Decline")
    LEAVE = "leave", _("Return without paying")


class OutcomeForm(forms.Form):
    outcome = forms.ChoiceField(choices=Outcome.choices)
    reason = forms.ChoiceField(
        label=_("Why"), choices=[(code, FAILURES[code]) for code in REASONS], required=False, initial=REASONS[0]
    )


class CardForm(OutcomeForm):
    card = forms.RegexField(
        r"^\s*(\d[ -]?){15,18}\d\s*$",
        label=_("Card number"),
        initial="2200 0000 0000 4477",
        max_length=40,
        error_messages={"invalid": _("A card number has 16 to 19 digits.")},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    expires = forms.RegexField(
        r"^(0[1-9]|1[0-2])/\d\d$",
        label=_("Valid until, MM/YY"),
        initial="12/30",
        error_messages={"invalid": _("Month and year, for example 12/30.")},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "size": 5}),
    )
    code = forms.RegexField(
        r"^\d{3}$",
        label=_("Code on the back"),
        initial="123",
        error_messages={"invalid": _("Three digits.")},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off", "size": 3}),
    )

    def clean_card(self) -> str:
        return "".join(filter(str.isdigit, self.cleaned_data["card"]))
