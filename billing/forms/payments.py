"""The filter of a subscriber's payments."""

from __future__ import annotations

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from billing.models import Payment

UNDER_WAY = "under_way"


class PaymentsForm(forms.Form):
    is_filter = True  # so its fields do not say that they are optional

    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("", _("All payments")),
            (Payment.State.SUCCEEDED, _("Credited")),
            (UNDER_WAY, _("Under way")),
            (Payment.State.CANCELLED, _("Not paid")),
        ],
    )

    def chosen(self, rows: QuerySet[Payment]) -> QuerySet[Payment]:
        """All of them under a filter that makes no sense."""
        state = self.cleaned_data.get("state") if self.is_valid() else ""
        if state == UNDER_WAY:
            return rows.filter(state__in=[Payment.State.NEW, Payment.State.PENDING])
        return rows.filter(state=state) if state else rows
