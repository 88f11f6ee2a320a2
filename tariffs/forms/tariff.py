"""Forms of the tariff's page: when to switch, and the confirmation of what was seen."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from tariffs.switch_lines import When, days

NOW, FIRST, DATE = "now", "first", "date"
OLD_PAGE = _("The page has grown old. Please send it again.")


class WhenForm(forms.Form):
    """`today` bounds the days that can be chosen; the rule itself is in switch_reasons.py."""

    is_filter = True  # the day is not «optional»: it goes with the choice above it

    when = forms.ChoiceField(
        choices=[(NOW, _("now")), (FIRST, _("from the 1st")), (DATE, _("on a day"))],
        error_messages={name: _("Choose when.") for name in ("required", "invalid_choice")},
    )
    on = forms.DateField(
        label=_("The day"),
        required=False,
        input_formats=["%Y-%m-%d", "%d.%m.%Y", "%d.%m.%y"],
        error_messages={"invalid": _("Write the day like 15.12.2026.")},
    )

    def __init__(self, *args: Any, today: date, **options: Any) -> None:
        super().__init__(*args, **options)
        self.today = today
        first, last = days(today)
        attrs = {"type": "date", "min": first.isoformat(), "max": last.isoformat()}
        self.fields["on"].widget = forms.DateInput(attrs=attrs, format="%Y-%m-%d")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("when") == DATE and not data.get("on") and "on" not in self.errors:
            self.add_error("on", _("Choose the day."))
        return data

    def chosen(self) -> When | None:
        """None where it cannot be told."""
        if not self.is_valid() and {"when", "on"} & set(self.errors):
            return None
        if self.cleaned_data["when"] == NOW:
            return When.now(self.today)
        if self.cleaned_data["when"] == FIRST:
            return When.next_month(self.today)
        return When(self.cleaned_data["on"])


class SwitchForm(WhenForm):
    """What was seen is confirmed: the sums themselves never come from the browser."""

    # Made when the form is drawn: two clicks are one switch. Firefox would put an old one back after a reload.
    operation = forms.UUIDField(initial=uuid4, error_messages=dict.fromkeys(("required", "invalid"), OLD_PAGE))
    seal = forms.CharField(max_length=64, error_messages=dict.fromkeys(("required", "max_length"), OLD_PAGE))

    def refusal(self) -> str:
        """All that is wrong, once each: none of its fields is on the page to stand beside."""
        texts = [str(error) for errors in self.errors.values() for error in errors]
        return " ".join(dict.fromkeys(texts))


class CancelForm(forms.Form):
    switch = forms.IntegerField(min_value=1, max_value=2**63 - 1)
