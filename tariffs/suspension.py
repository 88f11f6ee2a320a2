"""Pauses at a subscriber's wish: planned, begun, paid by the day, over. What they cost, suspension_terms.py says.

A pause begins and ends at the midnights of its days. Every step catches up: a worker that was down over the day does
it later, with the same lines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Least
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import contracts, journal
from accounts.models import Contract, User
from billing import charges, outlook, shares
from billing.charges import Line
from billing.models import Account, LedgerEntry
from billing.outlook import Standing
from notifications import live, outbox
from notifications.models import Topic
from tariffs import picture, pricing, suspension_days, suspension_terms, switching, turbo
from tariffs.models import OptionUse, Subscription, Suspension
from tariffs.suspension_days import DAY, Span
from tariffs.suspension_terms import SuspensionRefused as SuspensionRefused

log = structlog.get_logger(__name__)

State = Suspension.State


def of(contract_id: int) -> QuerySet[Suspension]:
    """A contract's pauses, newest first."""
    return Suspension.objects.filter(contract=contract_id).order_by("-pk")


# --- What a subscriber or a member of staff asks for


@transaction.atomic
def plan(
    contract_id: int, *, first: date, last: date, operation: UUID, now: datetime, made_by: User | None = None
) -> Suspension:
    """A pause from `first` to `last`, both included. The same operation is the same pause. Raises SuspensionRefused."""
    Account.objects.lock(contract_id)
    rows = list(of(contract_id))
    if done := next((row for row in rows if row.operation == operation), None):
        return done
    standing = outlook.stand(contract_id, now=now)
    suspension_terms.quote(standing, rows, Span(first, last)).refuse_if_locked()
    # Not `create`: another contract may send the same operation at the same moment.
    pause, _is_new = Suspension.objects.get_or_create(
        operation=operation,
        defaults={
            "contract_id": contract_id,
            "starts_on": first,
            "ends_on": last,
            "made_by": made_by,
            "created_at": now,
        },
    )
    if pause.contract_id != contract_id:
        raise SuspensionRefused(_("The page has grown old. Please send it again."))
    _journal(pause, "pause_planned", made_by, now, starts_on=str(first), ends_on=str(last))
    _tell(pause, "suspension_planned", now, first=str(first), last=str(last))
    return pause


@transaction.atomic
def cancel(suspension_id: int, *, now: datetime, by: User | None = None) -> Suspension:
    """Give up a planned pause; one that is given up already stays so. Raises SuspensionRefused once it has begun."""
    pause = _locked(suspension_id)
    if pause.state == State.CANCELLED:
        return pause
    if pause.state != State.PLANNED:
        raise SuspensionRefused(_("The pause has begun already: it can be ended early, from tomorrow."))
    _close(pause, State.CANCELLED, now)
    _journal(pause, "pause_cancelled", by, now)
    _tell(pause, "suspension_cancelled", now, first=str(pause.starts_on), last=str(pause.ends_on))
    return pause


@transaction.atomic
def end_early(suspension_id: int, *, now: datetime, by: User | None = None) -> Suspension:
    """Let the service run again from tomorrow; the days returned that are used after all are charged at once.

    One that ends today stays so. Raises SuspensionRefused.
    """
    pause, today = _locked(suspension_id), timezone.localdate(now)
    if pause.state == State.RUNNING and pause.ends_on <= today:
        return pause
    if pause.state != State.RUNNING:
        raise SuspensionRefused(_("The pause does not run: there is nothing to end."))
    standing = outlook.stand(pause.contract_id, now=now)
    terms = ending(pause, standing)
    terms.refuse_if_locked()
    charges.post(pause.contract_id, terms.again, now=now)
    last, pause.ends_on = pause.ends_on, today
    pause.save(update_fields=["ends_on"])
    _journal(pause, "pause_ended_early", by, now, ends_on=[str(last), str(today)])
    live.publish(pause.contract_id, "service")
    return pause


def ending(pause: Suspension, standing: Standing) -> suspension_terms.Ending:
    """What an end from tomorrow would charge, or why it is not possible. Decide on it only under the account's lock."""
    returns_on = standing.today + DAY
    lines: list[Line] = []
    if returns_on <= pause.ends_on:
        lines = _lines(pricing.again, pause.contract_id, Span(returns_on, pause.ends_on), f"suspension:{pause.pk}:rest")
    is_charged = charges.is_month_charged(pause.contract_id, returns_on)
    return suspension_terms.ending(standing, pause, lines, is_charged=is_charged)


# --- What happens by the timetable


def do_due(contract_ids: Iterable[int] | None = None, *, now: datetime) -> int:
    """Begin what begins, charge its days, end what is over: of all contracts, or of these. Returns how many steps."""
    today = timezone.localdate(now)
    rows = Suspension.objects.all() if contract_ids is None else Suspension.objects.filter(contract__in=contract_ids)
    to_begin = rows.filter(state=State.PLANNED, starts_on__lte=today)
    unlooked = Q(charged_to=None) | Q(charged_to__lt=Least(Value(today), F("ends_on")))
    ended = Q(ends_on__lt=today) | Q(contract__state=Contract.State.TERMINATED)
    steps: list[tuple[Callable[..., bool], QuerySet[Suspension]]] = [
        (begin, to_begin),
        (charge_days, rows.filter(unlooked, state=State.RUNNING)),
        (finish, rows.filter(ended, state=State.RUNNING)),
    ]
    return sum(_try(step, pk, now=now) for step, due in steps for pk in list(due.values_list("pk", flat=True)))


def _try(step: Callable[..., bool], suspension_id: int, *, now: datetime) -> bool:
    """One that cannot be done for a fault of ours does not keep the others waiting; it is tried again."""
    try:
        return step(suspension_id, now=now)
    except Exception:
        log.exception("pause_step_not_done", step=step.__name__, suspension=suspension_id)
        return False


@transaction.atomic
def begin(suspension_id: int, *, now: datetime) -> bool:
    """Pause the service and return what is paid for these days. False if there was nothing to do."""
    pause = _locked(suspension_id)
    if pause.state != State.PLANNED or pause.starts_on > timezone.localdate(now):
        return False
    if not contracts.suspend_by_wish(pause.contract, now=now):  # terminated
        _close(pause, State.CANCELLED, now)
        return True
    turbo.stop_for(pause.contract_id, now=now)
    pause.state = State.RUNNING
    pause.save(update_fields=["state"])
    days = Span(pause.starts_on, pause.ends_on)
    lines = _lines(pricing.returned, pause.contract_id, days, f"suspension:{pause.pk}:back")
    charges.post(pause.contract_id, lines, now=now)
    back = sum(line.amount for line in lines)
    _tell(pause, "suspension_began", now, last=str(pause.ends_on), returned=str(back) if back else "")
    return True


@transaction.atomic
def charge_days(suspension_id: int, *, now: datetime) -> bool:
    """Post the fees of the days up to today that have not been looked at. False if there was nothing to do.

    They are posted although the balance goes below zero: whether they are covered was asked when the pause was planned.
    """
    pause = _locked(suspension_id)
    return pause.state == State.RUNNING and _charge_days(pause, now=now)


@transaction.atomic
def finish(suspension_id: int, *, now: datetime) -> bool:
    """Let the service run again once its last day is over, if the rest of the month is paid or the money covers it.

    False if there was nothing to do.
    """
    pause, today = _locked(suspension_id), timezone.localdate(now)
    is_terminated = pause.contract.is_terminated
    if pause.state != State.RUNNING or not (is_terminated or pause.ends_on < today):
        return False
    _charge_days(pause, now=now)
    _close(pause, State.OVER, now)
    if not is_terminated:
        _return(pause, now=now)
    return True


def _return(pause: Suspension, *, now: datetime) -> None:
    """With what waited for it. A worker that comes late returns what is paid for the days that the service was off."""
    contract_id, today = pause.contract_id, timezone.localdate(now)
    if pause.ends_on + DAY < today:
        late = Span(pause.ends_on + DAY, today - DAY)
        charges.post(contract_id, _lines(pricing.returned, contract_id, late, f"suspension:{pause.pk}:late"), now=now)
    contracts.end_wish(pause.contract, now=now)
    switching.do_due(contract_ids=[contract_id], now=now)  # what waited for the service is charged with it
    standing = outlook.stand(contract_id, now=now)
    due, missing = standing.due, standing.due - standing.money
    if missing > 0:
        contracts.suspend_for_debt(standing.contract, now=now)
    elif due:
        charges.post(contract_id, standing.lines(today), now=now)
    sums = {"charged": "", "missing": str(missing)} if missing > 0 else {"charged": str(due or ""), "missing": ""}
    _tell(pause, "suspension_over", now, **sums)


def _charge_days(pause: Suspension, *, now: datetime) -> bool:
    first = pause.charged_to + DAY if pause.charged_to else pause.starts_on
    last = min(pause.ends_on, timezone.localdate(now), pause.contract.ended_on or date.max)
    if first > last:
        return False
    spans = suspension_days.spans_of(of(pause.contract_id))
    dated = suspension_days.day_lines(spans, Span(first, last), f"suspension:{pause.pk}")
    charges.post(pause.contract_id, [line for _on, line in dated], now=now)
    pause.charged_to = last
    pause.save(update_fields=["charged_to"])
    return True


# --- The days of charged months


def _lines(make: Callable[..., list[Line]], contract_id: int, days: Span, key: str) -> list[Line]:
    """The lines of the days that lie in charged months, by parts; the first of them has the bare key."""
    lines: list[Line] = []
    for span in _charged_spans(contract_id, days):
        parts = pricing.parts(picture.of(contract_id, span.first))
        lines += make(parts, span.first, span.last, key if span.first == days.first else f"{key}:{span.first}")
    return lines


def _charged_spans(contract_id: int, days: Span) -> Iterator[Span]:
    """Split at the firsts of months, and where a late worker finds that the contract has changed since."""
    starts = {days.first, *_firsts(days), *_changes(contract_id, days)}
    ends = sorted({start - DAY for start in starts} | {days.last})[1:]
    keys = {shares.month_key(contract_id, start) for start in starts}
    charged = set(LedgerEntry.objects.filter(key__in=keys).values_list("key", flat=True))
    for first, last in zip(sorted(starts), ends, strict=True):
        if shares.month_key(contract_id, first) in charged:
            yield Span(first, last)


def _firsts(days: Span) -> Iterator[date]:
    month = shares.first_of_month(days.first, 1)
    while month <= days.last:
        yield month
        month = shares.first_of_month(month, 1)


def _changes(contract_id: int, days: Span) -> Iterator[date]:
    within: dict[str, Any] = {"contract": contract_id, "since__gt": days.first, "since__lte": days.last}
    yield from Subscription.objects.filter(**within).order_by().values_list("since", flat=True)
    yield from OptionUse.objects.filter(**within).order_by().values_list("since", flat=True)


# --- Common steps


def _locked(suspension_id: int) -> Suspension:
    """The pause as it is once the account is locked. Raises Suspension.DoesNotExist."""
    contract_id = Suspension.objects.values_list("contract", flat=True).get(pk=suspension_id)
    Account.objects.lock(contract_id)
    return Suspension.objects.select_related("contract").get(pk=suspension_id)


def _close(pause: Suspension, state: Suspension.State, now: datetime) -> None:
    pause.state, pause.finished_at = state, now
    pause.save(update_fields=["state", "finished_at"])


def _journal(pause: Suspension, action: str, by: User | None, now: datetime, **changes: Any) -> None:
    if by:
        journal.record(by, action, pause, changes=changes, now=now)


def _tell(pause: Suspension, kind: str, now: datetime, **facts: str) -> None:
    outbox.tell(pause.contract_id, Topic.TARIFF, kind, about=f"suspension:{pause.pk}", now=now, **facts)
    live.publish(pause.contract_id, "service")
