"""Which statistics are asked for."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts.models import Contract
from accounts.templatetags.dates import day as written
from tariffs import periods
from tariffs.periods import Kind, Period

REVIEW = "review"
EARLIEST = date(2000, 1, 1)


class StatisticsForm(forms.Form):
    """`?period=month&from=2026-11-01`: the period of that kind in which the day lies; the current one without it."""

    period = forms.ChoiceField(required=False, choices=[(name, name) for name in (*Kind, REVIEW)])
    year = forms.IntegerField(required=False, min_value=EARLIEST.year, max_value=2100)

    def __init__(self, data: Any, *, contract: Contract, today: date) -> None:
        super().__init__(data)
        self.contract, self.today = contract, today
        self.fields["from"] = forms.DateField(required=False, input_formats=["%Y-%m-%d"])

    def clean_period(self) -> str:
        return self.cleaned_data["period"] or Kind.MONTH

    def clean_year(self) -> int:
        year = self.cleaned_data["year"] or self.today.year
        if not min(self.contract.started_on.year, self.today.year) <= year <= self.today.year:
            raise forms.ValidationError(_("There is nothing about this year: the contract was not in force."))
        return year

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        day = data.get("from")
        if day and day > self.today:
            self.add_error("from", _("This day has not come yet."))
        elif day and (day < EARLIEST or self._around(day).until <= self.contract.started_on):
            words = _t("There is nothing on such a date: the contract is in force from %s.")
            self.add_error("from", words % written(self.contract.started_on))
        return data

    @property
    def is_review(self) -> bool:
        return bool(self.cleaned_data["period"] == REVIEW)

    @property
    def asked(self) -> Period:
        return self._around(self.cleaned_data.get("from") or self.today)

    def _around(self, day: date) -> Period:
        kind = self.cleaned_data.get("period")
        known = Kind(kind) if kind in set(Kind) else Kind.MONTH
        return periods.containing(known, day, started_on=self.contract.started_on, today=self.today)
