"""The form of «Подключиться»."""

from django import forms
from django.utils.translation import gettext_lazy as _
from phonenumber_field.formfields import PhoneNumberField
from phonenumber_field.phonenumber import PhoneNumber

from accounts import connections
from accounts.connections import Interest
from accounts.models import City

NOT_A_MOBILE = _("Please enter a Russian mobile number, for example 8 912 345-67-89.")


class ConnectForm(forms.Form):
    name = forms.CharField(label=_("Your name"), max_length=100, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    phone = PhoneNumberField(
        label=_("Mobile phone"),
        region="RU",
        max_length=40,
        error_messages={"invalid": NOT_A_MOBILE},
        widget=forms.TextInput(attrs={"type": "tel", "inputmode": "tel", "autocomplete": "tel"}),
    )
    city = forms.ModelChoiceField(
        City.objects.filter(is_served=True),
        to_field_name="slug",
        required=False,
        empty_label=_("I do not know yet"),
        label=_("City"),
    )
    # Of the page that led here (connections.sign_interest).
    interest = forms.CharField(required=False, widget=forms.HiddenInput)
    # No person sees it; programs that fill every field do.
    website = forms.CharField(
        label=_("Leave this field empty"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )

    def clean_name(self) -> str:
        return " ".join(self.cleaned_data["name"].split())

    def clean_phone(self) -> PhoneNumber:
        phone: PhoneNumber = self.cleaned_data["phone"]
        if not phone.as_e164.startswith("+79") or phone.extension:
            raise forms.ValidationError(NOT_A_MOBILE)
        return phone

    @property
    def wanted(self) -> Interest | None:
        """What the form was opened for; a sign that is not ours is as good as none."""
        return connections.read_interest(self["interest"].value() or "")

    @property
    def is_trapped(self) -> bool:
        return bool(self.data.get("website"))
