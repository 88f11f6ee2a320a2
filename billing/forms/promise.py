"""The form of a promised payment: nothing to fill in."""

from uuid import uuid4

from django import forms
from django.utils.translation import gettext_lazy as _


class PromiseForm(forms.Form):
    # Made when the form is drawn: two clicks are one promise. Firefox would put an old one back after a reload.
    operation = forms.UUIDField(
        widget=forms.HiddenInput(attrs={"autocomplete": "off"}),
        initial=uuid4,
        error_messages={name: _("The page has grown old. Please send it again.") for name in ("required", "invalid")},
    )
