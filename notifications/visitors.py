"""Whose stream is it? The rules of a cabinet page (accounts.access, accounts.backends), asked without a request."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, load_backend
from django.utils.crypto import constant_time_compare

from accounts.models import Contract, Session, User
from accounts.sessions import SessionStore


@dataclass(frozen=True, slots=True)
class Visitor:
    session_key: str
    contract_id: int
    password_mark: int  # changes with the password; of this process only


class NotSignedIn(Exception):
    """No such session, or its user may not enter any more."""


class NotASubscriber(Exception):
    """Staff: the stream is part of the cabinet."""


def admit(session_key: str) -> Visitor:
    """The subscriber behind a session. Reads only: a stream's answer cannot carry a new cookie.

    Raises NotSignedIn and NotASubscriber.
    """
    data = SessionStore(session_key).load()
    if data.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        raise NotSignedIn
    user = load_backend(data[BACKEND_SESSION_KEY]).get_user(int(data[SESSION_KEY]))
    if not isinstance(user, User) or not _is_hash_of(user, data.get(HASH_SESSION_KEY, "")):
        raise NotSignedIn
    if user.contract_id is None:
        raise NotASubscriber
    return Visitor(session_key, user.contract_id, hash(user.password))


def _is_hash_of(user: User, session_hash: str) -> bool:
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(session_hash, each) for each in hashes)


def still_admitted(visitors: Collection[Visitor], *, now: datetime) -> set[str]:
    """The session keys of those whom `admit` would let in again; one query for all."""
    sessions = Session.objects.filter(
        session_key__in={visitor.session_key for visitor in visitors},
        expire_date__gt=now,
        user__is_active=True,
        user__contract__in=Contract.objects.in_force(),
    )
    marks = {key: hash(password) for key, password in sessions.values_list("session_key", "user__password")}
    return {visitor.session_key for visitor in visitors if marks.get(visitor.session_key) == visitor.password_mark}
