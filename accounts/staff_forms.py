"""Forms of the staff's own sign-in."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import second_factor, sign_in

CODE_WIDGET_ATTRS = {"autocomplete": "one-time-code", "inputmode": "numeric"}


class StaffSignInForm(AdminAuthenticationForm):
    """Login, password and, for who has set it up, the code; tries are reserved before the password is hashed."""

    code = forms.CharField(
        label=_("Code from the app"),
        required=False,
        max_length=12,
        widget=forms.TextInput(attrs=CODE_WIDGET_ATTRS),
    )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = self.cleaned_data
        if not data.get("username") or not data.get("password") or self.request is None:
            return data
        try:
            user = sign_in.staff(self.request, login=data["username"], password=data["password"], now=timezone.now())
        except sign_in.SignInRefused as refusal:
            raise forms.ValidationError(str(refusal)) from None
        self.confirm_login_allowed(user)
        if second_factor.is_set_up(user):
            user.otp_device = second_factor.verified_device(user, data.get("code", ""))  # type: ignore[attr-defined]
            if user.otp_device is None:  # type: ignore[attr-defined]
                raise forms.ValidationError(_("Give the current code of your authenticator app."))
        self.user_cache = user
        return data


class CodeForm(forms.Form):
    code = forms.CharField(label=_("Code from the app"), max_length=12, widget=forms.TextInput(attrs=CODE_WIDGET_ATTRS))
