"""The word that an offer be taken: nothing to fill in."""

from __future__ import annotations

from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

OLD = _("The page has grown old. Please send it again.")


class OfferForm(forms.Form):
    """`seen` is the seal of what was shown."""

    # Made when the form is drawn: two clicks are one offer taken. Firefox would put an old one back after a reload.
    operation = forms.UUIDField(
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
        initial=uuid4,
        error_messages=dict.fromkeys(("required", "invalid"), OLD),
    )
    seen = forms.CharField(
        max_length=80, widget=forms.HiddenInput, error_messages=dict.fromkeys(("required", "max_length"), OLD)
    )

    @property
    def fault(self) -> str:
        """The first word about what is wrong; the fields have no place of their own for it."""
        return next((str(error) for errors in self.errors.values() for error in errors), "")
