"""Which days a statement is asked for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from billing.forms.history import EARLIEST
from billing.statements import Period


def _day_field(label: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, widget=widget, input_formats=["%Y-%m-%d", "%d.%m.%Y"])


class StatementForm(forms.Form):
    since = _day_field(_("From"))
    until = _day_field(_("To"))

    def clean_since(self) -> Any:
        since = self.cleaned_data["since"]
        if since < EARLIEST:
            raise forms.ValidationError(_("There is nothing on such a date."))
        if since > timezone.localdate():
            raise forms.ValidationError(_("This day has not come yet."))
        return since

    def clean_until(self) -> Any:
        """What is still to come has no operations: a statement ends today at the latest, and says so."""
        return min(self.cleaned_data["until"], timezone.localdate())

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if "since" in data and "until" in data:
            if data["since"] > data["until"]:
                self.add_error("until", _("The end is before the beginning."))
            elif self.period.is_too_long:
                most = settings.STATEMENT_YEARS_MOST
                words = ngettext("A statement is for %d year at most.", "A statement is for %d years at most.", most)
                self.add_error("until", words % most)
        return data

    @property
    def period(self) -> Period:
        return Period(self.cleaned_data["since"], self.cleaned_data["until"])


class PageForm(forms.Form):
    page = forms.IntegerField(min_value=1, max_value=1_000_000, required=False)
