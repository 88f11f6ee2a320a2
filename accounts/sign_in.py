"""Signing in: a try is reserved before the password is hashed, so that 200 parallel guesses cost five hashes.

Five failures lock a login for the network they come from, whether or not the login exists; two wider ceilings stop a
guesser with many networks and a network that tries many logins.
"""

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth import authenticate
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import ngettext

from accounts import journal, limits, networks
from accounts.models import SignInLock, User

BY_LOGIN_AND_NETWORK = limits.Allowance("sign-in", settings.SIGN_IN_TRIES, settings.SIGN_IN_LOCK, restarts=True)
BY_LOGIN = limits.Allowance("sign-in-login", settings.SIGN_IN_TRIES * 4, settings.SIGN_IN_LOCK)
BY_NETWORK = limits.Allowance("sign-in-network", settings.SIGN_IN_TRIES * 20, settings.SIGN_IN_LOCK)


class SignInRefused(Exception):
    """Wrong, unknown, locked or terminated: one answer. `locked_until` depends on the count alone."""

    def __init__(self, message: str, *, tries_left: int, locked_until: datetime | None = None) -> None:
        super().__init__(message)
        self.tries_left, self.locked_until = tries_left, locked_until


class _Pace:
    """How long the last real check took: a refusal without a check waits as long, so that it does not stand out."""

    seconds = 0.035


def subscriber(request: HttpRequest, *, city: str, login: str, password: str, now: datetime) -> User:
    """The user of a contract. Raises SignInRefused."""
    credentials = {"city": city, "login": login, "password": password}
    return _check(request, f"{city}/{login.lower()}", credentials, _Subscribers, now=now)


def staff(request: HttpRequest, *, login: str, password: str, now: datetime) -> User:
    """The user of a member of staff. Raises SignInRefused."""
    return _check(request, f"staff/{login.lower()}", {"username": login, "password": password}, _Staff, now=now)


def _check(
    request: HttpRequest,
    who: str,
    credentials: dict[str, str],
    words: "type[_Subscribers] | type[_Staff]",
    *,
    now: datetime,
) -> User:
    network = networks.network_of(request)
    pair = f"{who} · {network}"
    reserved = [(BY_LOGIN_AND_NETWORK, pair), (BY_LOGIN, who), (BY_NETWORK, network)]
    try:
        left = min(limits.take(allowance, subject, now=now) for allowance, subject in reserved)
    except limits.LimitReached as reached:
        time.sleep(_Pace.seconds)
        raise SignInRefused(words.locked(), tries_left=0, locked_until=reached.until) from None
    started = time.perf_counter()
    user = authenticate(request, **credentials)
    _Pace.seconds = min(time.perf_counter() - started, 0.5)
    if not isinstance(user, User):
        raise SignInRefused(
            words.wrong(left) if left else words.locked(),
            tries_left=left,
            locked_until=None if left else now + settings.SIGN_IN_LOCK,
        )
    limits.clear(BY_LOGIN_AND_NETWORK, pair)
    limits.give_back(BY_LOGIN, who)
    limits.give_back(BY_NETWORK, network)
    return user


def _lock_minutes() -> int:
    return int(settings.SIGN_IN_LOCK / timedelta(minutes=1))


class _Subscribers:
    """What a subscriber is told."""

    @staticmethod
    def wrong(left: int) -> str:
        return ngettext(
            "City, login or password do not match. Check the keyboard layout and Caps Lock. %(left)d try left.",
            "City, login or password do not match. Check the keyboard layout and Caps Lock. %(left)d tries left.",
            left,
        ) % {"left": left}

    @staticmethod
    def locked() -> str:
        return ngettext(
            "Too many failed tries. Sign-in is closed for %(minutes)d minute. Call %(phone)s: we help at once.",
            "Too many failed tries. Sign-in is closed for %(minutes)d minutes. Call %(phone)s: we help at once.",
            _lock_minutes(),
        ) % {"minutes": _lock_minutes(), "phone": settings.TECHNICAL_PHONE}


class _Staff:
    """What a member of staff is told: they chose no city, and it is a colleague who helps."""

    @staticmethod
    def wrong(left: int) -> str:
        return ngettext(
            "Login or password do not match. Check the keyboard layout and Caps Lock. %(left)d try left.",
            "Login or password do not match. Check the keyboard layout and Caps Lock. %(left)d tries left.",
            left,
        ) % {"left": left}

    @staticmethod
    def locked() -> str:
        return ngettext(
            "Too many failed tries. Sign-in is closed for %(minutes)d minute. A supervisor can open it at once.",
            "Too many failed tries. Sign-in is closed for %(minutes)d minutes. A supervisor can open it at once.",
            _lock_minutes(),
        ) % {"minutes": _lock_minutes()}


@transaction.atomic
def unlock(lock: SignInLock, *, actor: User, network_address: str, now: datetime) -> None:
    """Let a locked login or network try again at once."""
    journal.record(actor, "sign_in_unlocked", lock, network_address=network_address, now=now)
    lock.delete()
