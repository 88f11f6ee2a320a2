"""«Подключиться»: a request joins the queue, an operator takes it, calls and closes it with the outcome."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from phonenumber_field.phonenumber import PhoneNumber

from accounts import journal, limits, working_time
from accounts.models import City, ConnectionRequest, User

BY_NETWORK = limits.Allowance("connection-network", ceiling=20, window=timedelta(hours=1))
OVERALL = limits.Allowance("connection", ceiling=300, window=timedelta(hours=1))
PROMISE_IS_SHOWN = timedelta(days=1)

State = ConnectionRequest.State
OUTCOMES = (State.CONNECTED, State.REFUSED, State.UNREACHABLE)


class RequestNotOpen(Exception):
    """The request is not in the state that the step needs; the message tells who or what was first."""


@dataclass(frozen=True)
class Interest:
    """What a person wants to have connected, as the catalogue calls it; staff read Russian."""

    name: str
    name_en: str = ""

    def __str__(self) -> str:
        return (self.name_en if get_language() == "en" else "") or self.name


def submit(
    *, name: str, phone: PhoneNumber, city: City | None, network: str, now: datetime, interest: Interest | None = None
) -> datetime:
    """Put a request into the queue and tell until when we call. Raises LimitReached.

    A phone that waits in the queue already is not queued twice, and the answer is the one a new phone gets: nobody can
    find out here who has asked for a connection.
    """
    limits.take(BY_NETWORK, network, now=now)
    limits.take(OVERALL, "", now=now)
    deadline_at = deadline_of(now)
    request = ConnectionRequest(name=name, phone=phone, city=city, created_at=now, deadline_at=deadline_at)
    request.interest = interest.name if interest else ""
    ConnectionRequest.objects.bulk_create([request], ignore_conflicts=True)
    return deadline_at


def deadline_of(created_at: datetime) -> datetime:
    """Until when the author of a request sent at this moment is called."""
    return working_time.deadline_after(created_at, settings.CONNECTION_REQUEST_DEADLINE)


def sign_promise(deadline_at: datetime) -> str:
    """The promised time for the address of the next page, where nobody can alter it."""
    return signing.dumps(int(deadline_at.timestamp()), salt="connection-promise")


def read_promise(signed: str) -> datetime | None:
    """The promised time; None for an altered or an old address."""
    try:
        stamp = signing.loads(signed, salt="connection-promise", max_age=PROMISE_IS_SHOWN)
    except signing.BadSignature:
        return None
    return datetime.fromtimestamp(stamp, timezone.get_default_timezone())


def sign_interest(interest: Interest) -> str:
    """For an address that leads to the form: whatever it shows there was written by us."""
    return signing.dumps([interest.name, interest.name_en], salt="connection-interest", compress=True)


def read_interest(signed: str) -> Interest | None:
    """None for an altered address, and for none."""
    try:
        return Interest(*signing.loads(signed, salt="connection-interest"))
    except signing.BadSignature:
        return None


@transaction.atomic
def take(request_id: int, *, by: User, now: datetime) -> None:
    """Put an operator on a new request, so that one person calls. Raises RequestNotOpen for the second operator."""
    _move(request_id, State.NEW, state=State.TAKEN, taken_by=by, taken_at=now)
    journal.record(by, "request_taken", ConnectionRequest.objects.get(pk=request_id), now=now)


@transaction.atomic
def put_back(request_id: int, *, by: User, now: datetime) -> None:
    """Return a taken request to the queue, whoever took it: its operator may have gone home. Raises RequestNotOpen."""
    _move(request_id, State.TAKEN, state=State.NEW, taken_by=None, taken_at=None)
    journal.record(by, "request_put_back", ConnectionRequest.objects.get(pk=request_id), now=now)


@transaction.atomic
def close(request_id: int, *, state: str, by: User, now: datetime, note: str = "") -> None:
    """End a request that `by` has taken, with one of OUTCOMES; the working time it took is kept with it.

    Raises RequestNotOpen.
    """
    if state not in OUTCOMES:
        raise ValueError(f"{state} is not an outcome")
    request = ConnectionRequest.objects.get(pk=request_id)
    minutes = working_time.between(request.created_at, now) // timedelta(minutes=1)
    _move(request_id, State.TAKEN, by=by, state=state, note=note, handled_at=now, minutes_taken=minutes)
    journal.record(by, "request_closed", request, changes={"state": [State.TAKEN, state]}, reason=note[:300], now=now)


def _move(request_id: int, old: str, *, by: User | None = None, **changes: object) -> None:
    """Step from a state that must still be the old one (and its operator `by`, if one is named)."""
    waiting = ConnectionRequest.objects.filter(pk=request_id, state=old)
    if by:
        waiting = waiting.filter(taken_by=by)
    if not waiting.update(**changes):
        raise RequestNotOpen(_standing(ConnectionRequest.objects.select_related("taken_by").get(pk=request_id)))


def _standing(request: ConnectionRequest) -> str:
    if request.state == State.NEW:
        return _("The request is not taken. Take it first, so that two of us do not call.")
    values = {"who": request.taken_by, "state": request.get_state_display()}
    if request.state == State.TAKEN:
        return _("%(who)s has taken this request.") % values
    return _("The request is closed already by %(who)s: %(state)s.") % values
