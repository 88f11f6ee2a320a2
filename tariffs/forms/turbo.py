"""Forms of the turbo button: which package, which boost. Prices and hours only repeat what the page showed."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

OLD = {name: _("The page has grown old. Please send it again.") for name in ("required", "invalid")}
LARGEST = 2**63 - 1
LIMITS: dict[str, Any] = {"min_value": 0, "max_value": LARGEST, "widget": forms.HiddenInput}


class ChoiceForm(forms.Form):
    """What the address asks for: `?package=3`, with `&free=1` for a press that an offer gave."""

    package = forms.IntegerField(**LIMITS, error_messages=OLD)
    free = forms.BooleanField(required=False, widget=forms.HiddenInput)


class PressForm(ChoiceForm):
    price = forms.DecimalField(
        max_digits=8, decimal_places=2, min_value=0, widget=forms.HiddenInput, error_messages=OLD
    )
    # Made when the form is drawn: two clicks are one press. Firefox would put an old one back after a reload.
    operation = forms.UUIDField(
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}), initial=uuid4, error_messages=OLD
    )


class StopForm(forms.Form):
    boost = forms.IntegerField(**LIMITS, error_messages=OLD)
    hours = forms.IntegerField(**LIMITS, error_messages=OLD)


def first_error(form: forms.Form) -> str:
    """All fields are hidden: whatever is wrong is said above the page."""
    return str(next(iter(form.errors.values()))[0])
