"""The result of a speed test, as the page's script sends it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from tariffs.speedtest import MBIT_MOST, MS_MOST, Measured

UNBELIEVABLE = _("This result cannot be right, so it is not saved. Please measure once more.")


def _number(*, most: float, least: float = 0.0) -> forms.FloatField:
    names = ("required", "invalid", "min_value", "max_value")
    return forms.FloatField(
        min_value=least, max_value=most, widget=forms.HiddenInput, error_messages=dict.fromkeys(names, UNBELIEVABLE)
    )


class SpeedTestForm(forms.Form):
    ping = _number(most=MS_MOST)
    jitter = _number(most=MS_MOST)
    down = _number(least=0.001, most=MBIT_MOST)
    up = _number(least=0.001, most=MBIT_MOST)
    # Made when the form is drawn and then by the script for each further test: sent twice, a result is saved once.
    operation = forms.UUIDField(
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
        initial=uuid4,
        error_messages={
            name: _("The page has grown old. Please open it again and measure once more.")
            for name in ("required", "invalid")
        },
    )

    @property
    def measured(self) -> Measured:
        """Of a valid form."""
        numbers: dict[str, Any] = {name: self.cleaned_data[name] for name in ("ping", "jitter", "down", "up")}
        return Measured(**numbers)

    @property
    def refusal(self) -> str:
        """Of an invalid one: one sentence, for nobody filled these fields in by hand."""
        return str(next(iter(self.errors.values()))[0])
