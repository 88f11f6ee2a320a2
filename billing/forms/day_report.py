"""Which days the accountant's report is about."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from billing.day_report import LONGEST
from billing.forms.history import EARLIEST, LATEST


class DayReportForm(forms.Form):
    is_filter = True  # so its fields do not say that they are optional

    since = forms.DateField(label=_("From"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))
    until = forms.DateField(label=_("To"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        since, until = data.get("since"), data.get("until")
        for name, day in (("since", since), ("until", until)):
            if day and not EARLIEST <= day <= LATEST:
                self.add_error(name, _("There is nothing on such a date."))
        if since and until and since > until:
            self.add_error("until", _("The end is before the beginning."))
        elif since and until and until - since >= LONGEST:
            self.add_error("until", _("At most %(days)d days at a time.") % {"days": LONGEST.days})
        return data

    @property
    def days(self) -> tuple[date, date]:
        return self.cleaned_data["since"], self.cleaned_data["until"]
