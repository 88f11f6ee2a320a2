"""The staff's second factor: a code of the authenticator app (TOTP, by django-otp)."""

from datetime import datetime

import django_otp
import segno
from django.conf import settings
from django.db import models, transaction
from django.http import HttpRequest
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import journal
from accounts.models import User


def is_missing(request: HttpRequest) -> bool:
    """Whether this member of staff must still prove the second factor before any page of the admin."""
    return bool(settings.STAFF_TOTP_REQUIRED and not request.user.is_verified())  # type: ignore[union-attr]


def exists_for(user: str) -> models.Exists:
    """An annotation: whether the user at `user` has a confirmed device."""
    return models.Exists(TOTPDevice.objects.filter(user=models.OuterRef(user), confirmed=True))


def is_set_up(user: User) -> bool:
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def verified_device(user: User, code: str) -> TOTPDevice | None:
    """The user's device that gave the code, used up by this call; None for a wrong, repeated or throttled code."""
    device: TOTPDevice | None = django_otp.match_token(user, code)
    return device


def draft(user: User) -> TOTPDevice:
    """The device being set up; the same until it is confirmed, so that a reload keeps the QR code."""
    device, _is_new = TOTPDevice.objects.get_or_create(user=user, confirmed=False, defaults={"name": "app"})
    return device


def qr_code(device: TOTPDevice) -> str:
    """A data URI of an SVG to scan."""
    return str(segno.make(device.config_url, error="m").svg_data_uri(scale=5, border=2))


@transaction.atomic
def confirm(request: HttpRequest, code: str, *, now: datetime) -> bool:
    """Finish the set-up with a first code from the app; this session counts as verified from here on."""
    user = request.user
    if not isinstance(user, User) or is_set_up(user):
        return False
    device = draft(user)
    if not device.verify_token(code):
        return False
    TOTPDevice.objects.filter(pk=device.pk).update(confirmed=True)
    journal.record(user, "second_factor_added", user, now=now)
    django_otp.login(request, device)
    return True


@transaction.atomic
def remove(user: User, *, actor: User, now: datetime) -> None:
    """For a lost phone: the next sign-in sets up a new one."""
    if TOTPDevice.objects.filter(user=user).delete()[0]:
        journal.record(actor, "second_factor_removed", user, now=now)
