"""Forms over money."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from billing.history import Filters
from billing.models import EntryKind

EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)


def _day_field(label: Any) -> forms.DateField:
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    return forms.DateField(label=label, required=False, widget=widget, input_formats=["%Y-%m-%d", "%d.%m.%Y"])


class HistoryForm(forms.Form):
    is_filter = True  # so its fields do not say that they are optional

    kind = forms.ChoiceField(label=_("Kind"), required=False, choices=[("", _("All")), *EntryKind.choices])
    since = _day_field(_("From"))
    until = _day_field(_("To"))

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        since, until = data.get("since"), data.get("until")
        for name, day in (("since", since), ("until", until)):
            if day and not EARLIEST <= day <= LATEST:
                self.add_error(name, _("There is nothing on such a date."))
        if since and until and since > until:
            self.add_error("until", _("The end is before the beginning."))
        return data

    @property
    def filters(self) -> Filters:
        kind = self.cleaned_data.get("kind")
        return Filters(
            EntryKind(kind) if kind else None, self.cleaned_data.get("since"), self.cleaned_data.get("until")
        )


class ContractNumberForm(forms.Form):
    number = forms.CharField(
        label=_("Contract number"),
        max_length=12,
        validators=[RegexValidator(r"^[0-9]{6,12}$", _("A contract number has only digits, six or more."))],
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
