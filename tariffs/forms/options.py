"""The forms of an option: how many and which, and the word that it be so."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from tariffs.option_shelf import Row

OLD = _("The page has grown old. Please send it again.")

BOUNDS = ("max_digits", "max_decimal_places", "max_whole_digits")


class OptionForm(forms.Form):
    """How many, and which; only what there is to choose is asked."""

    is_filter = True  # a question about the price, in which nothing is required

    def __init__(self, *args: Any, row: Row, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        current = row.current
        self.usual_quantity = current.quantity if current else 1
        self.usual_choice: str = current.choice if current else next(iter(row.option.choices), "")
        most = max(row.option.max_quantity, self.usual_quantity)
        offered = list(dict.fromkeys([*row.option.choices, *filter(None, [self.usual_choice])]))
        if most > 1:
            self.fields["quantity"] = _how_many(most, self.usual_quantity)
        if offered:
            self.fields["choice"] = _which(row.option.choice_label, offered, self.usual_choice)

    @property
    def quantity(self) -> int:
        """As answered, else as it is."""
        answer: int | None = self.cleaned_data.get("quantity") if self.is_valid() else None
        return answer or self.usual_quantity

    @property
    def choice(self) -> str:
        answer: str | None = self.cleaned_data.get("choice") if self.is_valid() else None
        return answer or self.usual_choice


def _how_many(most: int, usual: int) -> forms.Field:
    wrong = _("Write a number from 1 to %(most)d.") % {"most": most}
    return forms.IntegerField(
        label=_("How many"),
        required=False,
        min_value=1,
        max_value=most,
        initial=usual,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
        error_messages=dict.fromkeys(("invalid", "min_value", "max_value"), wrong),
    )


def _which(label: str, offered: list[str], usual: str) -> forms.Field:
    return forms.ChoiceField(
        label=label or _("Your choice"),
        required=False,
        choices=[(each, each) for each in offered],
        initial=usual,
        error_messages={"invalid_choice": _("This cannot be chosen any more. Choose something else.")},
    )


class OrderForm(forms.Form):
    """The word that it be so: what was shown, unseen. `seen` is the total of the lines."""

    # Made when the form is drawn: two clicks are one order. Firefox would put an old one back after a reload.
    operation = forms.UUIDField(
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
        initial=uuid4,
        error_messages=dict.fromkeys(("required", "invalid"), OLD),
    )
    quantity = forms.IntegerField(
        min_value=1,
        max_value=32767,
        widget=forms.HiddenInput,
        error_messages=dict.fromkeys(("required", "invalid", "min_value", "max_value"), OLD),
    )
    choice = forms.CharField(
        required=False, max_length=80, widget=forms.HiddenInput, error_messages={"max_length": OLD}
    )
    seen = forms.DecimalField(
        widget=forms.HiddenInput,
        max_digits=12,
        decimal_places=2,
        error_messages=dict.fromkeys(("required", "invalid", *BOUNDS), OLD),
    )

    @property
    def fault(self) -> str:
        """The first word about what is wrong; the fields have no place of their own for it."""
        return next((str(error) for errors in self.errors.values() for error in errors), "")
