"""The forms of a pause: its days, and which pause a button is about."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

OLD = {name: _("The page has grown old. Please send it again.") for name in ("required", "invalid")}
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)


def _day_field(label: Any, **options: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, input_formats=["%Y-%m-%d", "%d.%m.%Y"], **options)


class DaysForm(forms.Form):
    """Looked at before they are planned; a calendar's link may know only the first yet."""

    is_filter = True
    first = _day_field(_("First day"), required=False)
    last = _day_field(_("Last day"), required=False)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        for name in ("first", "last"):
            day = data.get(name)
            if day and not EARLIEST <= day < LATEST:
                self.add_error(name, _("A day of this century, please."))
        return data


class PauseForm(DaysForm):
    # Made when the form is drawn: two clicks are one pause. Firefox would put an old one back after a reload.
    operation = forms.UUIDField(
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}), initial=uuid4, error_messages=OLD
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("first", "last"):
            self.fields[name].required = True


class MonthForm(forms.Form):
    """Which month the calendar begins with."""

    month = forms.DateField(input_formats=["%Y-%m"], required=False)


class WhichForm(forms.Form):
    """A pause by its number; the verb asks whose it is."""

    suspension = forms.IntegerField(
        widget=forms.HiddenInput, min_value=1, max_value=2**63 - 1, error_messages=OLD | {"max_value": OLD["invalid"]}
    )
