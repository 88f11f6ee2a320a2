"""Sessions in PostgreSQL with an owner, a place and a last use, so that people can list and end them.

They are not cached: a session ended while Redis hangs would come back to life with it (docs/decisions.md).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY, login
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import networks
from accounts.models import Session, User

SEEN_EVERY = timedelta(minutes=5)


class SessionStore(DatabaseStore):
    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        session: Session = super().create_model_instance(data)  # type: ignore[assignment]
        session.user_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        session.network_address = data.get("network_address")
        session.user_agent = data.get("user_agent", "")
        if "opened_at" in data:
            session.created_at = datetime.fromisoformat(data["opened_at"])
        if "seen_at" in data:
            session.seen_at = datetime.fromisoformat(data["seen_at"])
        return session


def open_session(request: HttpRequest, user: User, *, now: datetime) -> None:
    """Sign this browser in, under a new session key."""
    login(request, user)
    request.session["opened_at"] = now.isoformat()
    touch(request, now=now)


def touch(request: HttpRequest, *, now: datetime) -> None:
    """Remember when and from where a session was used, at most once in five minutes."""
    seen_at = request.session.get("seen_at")
    if seen_at and datetime.fromisoformat(seen_at) > now - SEEN_EVERY:
        return
    request.session["seen_at"] = now.isoformat()
    request.session["network_address"] = networks.address_of(request)
    agent = request.headers.get("User-Agent", "")[:300]
    # A header may carry bytes that PostgreSQL does not store.
    request.session["user_agent"] = "".join(filter(str.isprintable, agent))


def shorten_for_staff(request: HttpRequest, *, now: datetime) -> None:
    """A member of staff signs in anew each working day."""
    request.session["opened_at"] = now.isoformat()
    request.session.set_expiry(int(settings.STAFF_SESSION_AGE.total_seconds()))
    touch(request, now=now)


def of_user(user: User, *, now: datetime) -> models.QuerySet[Session]:
    return Session.objects.filter(user=user, expire_date__gt=now).order_by("-seen_at")


def end_all(user: User, *, but: str | None = None) -> int:
    """End every session of a user, except the one with the key `but`. Returns how many ended."""
    return Session.objects.filter(user=user).exclude(session_key=but).delete()[0]


def end(user: User, handle: str, *, but: str | None) -> int:
    """End one session of a user by its `handle`, or all the others when it is «others». Returns how many ended."""
    if handle == "others":
        return end_all(user, but=but)
    keys = [session.session_key for session in Session.objects.filter(user=user) if session.handle == handle]
    return Session.objects.filter(session_key__in=keys).delete()[0]


def forget_expired(*, now: datetime) -> int:
    """Delete sessions past their time, which let nobody in any more. Returns how many."""
    return Session.objects.filter(expire_date__lte=now).delete()[0]


def ended_text(count: int) -> str:
    if not count:
        return _("No other session was open.")
    return ngettext("%(count)d session is ended.", "%(count)d sessions are ended.", count) % {"count": count}
