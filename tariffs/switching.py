"""Switching a contract's tariff at once or on a day to come; what it costs and why not, switch_terms.py says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import Contract, User
from billing import charges
from billing.models import Account
from notifications import live, outbox
from notifications.models import Topic
from tariffs import options, switch_reasons, switch_terms, turbo
from tariffs.first_tariff import subscribe as subscribe
from tariffs.models import Subscription, Switch
from tariffs.switch_lines import Ground, When
from tariffs.switch_lines import ground as ground
from tariffs.switch_reasons import SwitchRefused as SwitchRefused
from tariffs.switch_terms import Terms
from tariffs.switch_terms import quote as quote

log = structlog.get_logger(__name__)

State = Switch.State


class LinesChanged(SwitchRefused):
    """The price or the balance is another than in the preview that was confirmed."""


def switch_now(
    contract_id: int, *, tariff_id: int, operation: UUID, now: datetime, seal: str | None = None, by: User | None = None
) -> Switch:
    """Switch at once and post what it costs. The same operation is the same switch.

    With the `seal` of the preview nothing else is posted than was seen: LinesChanged. Raises SwitchRefused.
    """
    when = When.now(timezone.localdate(now))
    return _switch(contract_id, tariff_id, when, operation, now=now, seal=seal, by=by)


def plan(
    contract_id: int,
    *,
    tariff_id: int,
    on: date,
    operation: UUID,
    now: datetime,
    seal: str | None = None,
    by: User | None = None,
) -> Switch:
    """Plan a switch, in place of the one that was planned before. As `switch_now`, but nothing is posted yet."""
    return _switch(contract_id, tariff_id, When(on), operation, now=now, seal=seal, by=by)


@transaction.atomic
def cancel(contract_id: int, *, switch_id: int, now: datetime, by: User | None = None) -> Switch:
    """Cancel a planned switch that has not happened. Raises SwitchRefused; a second click changes nothing."""
    Account.objects.lock(contract_id)
    switch = Switch.objects.select_related("tariff", "old").filter(contract=contract_id, pk=switch_id).first()
    if switch is None:
        raise SwitchRefused(_("There is no such switch."))
    if switch.state == State.CANCELLED:
        return switch
    if reason := why_not_cancelled(switch, by_staff=by is not None):
        raise SwitchRefused(reason)
    _finish(switch, State.CANCELLED, now=now)
    _tell(switch, "switch_cancelled", now=now)
    _record(by, "switch_cancelled", switch, now=now)
    return switch


def why_not_cancelled(switch: Switch, *, by_staff: bool = False) -> str:
    """Empty when it may be cancelled."""
    if switch.state != State.PLANNED:
        return _("This switch is over: it cannot be cancelled any more.")
    if switch.made_by_id and not by_staff:
        return switch_reasons.made_by_staff(switch).text
    return ""


# --- Asked for


@transaction.atomic
def _switch(
    contract_id: int,
    tariff_id: int,
    when: When,
    operation: UUID,
    *,
    now: datetime,
    seal: str | None,
    by: User | None,
) -> Switch:
    Account.objects.lock(contract_id)
    if done := Switch.objects.select_related("tariff").filter(operation=operation).first():
        return _same(done, contract_id, tariff_id, when)
    stands = ground(contract_id, now=now, also=tariff_id)
    terms = _allowed(stands, tariff_id, when, by_staff=by is not None)
    if seal is not None and seal != terms.seal:
        raise LinesChanged(_("The sums have changed since you saw them. Look at them again, please."))
    _replace(stands, now=now)
    switch = _create(stands, terms, operation, now=now, by=by)
    if when.is_at_once:
        _do(switch, terms, now=now)
    else:
        _tell(switch, "switch_planned", now=now, on=str(switch.on), staff=by is not None)
    _record(by, f"switch_{'done' if when.is_at_once else 'planned'}", switch, now=now)
    return switch


def _same(done: Switch, contract_id: int, tariff_id: int, when: When) -> Switch:
    if (done.contract_id, done.tariff_id, done.on, done.is_at_once) != (
        contract_id,
        tariff_id,
        when.on,
        when.is_at_once,
    ):
        raise SwitchRefused(_("The page has grown old. Please send it again."))
    return done


def _allowed(stands: Ground, tariff_id: int, when: When, *, by_staff: bool) -> Terms:
    tariff = stands.holding.tariffs.get(tariff_id)
    if tariff is None:
        raise SwitchRefused(_("There is no such tariff."))
    terms = quote(stands, tariff, when, by_staff=by_staff)
    if terms.is_locked:
        raise SwitchRefused(terms.why_not)
    return terms


def _replace(stands: Ground, *, now: datetime) -> None:
    if stands.holding.planned:
        _finish(Switch.objects.get(pk=stands.holding.planned.pk), State.REPLACED, now=now)


def _create(stands: Ground, terms: Terms, operation: UUID, *, now: datetime, by: User | None) -> Switch:
    # Not `create`: another contract may send the same operation at the same moment.
    assert stands.tariff
    switch, _is_new = Switch.objects.get_or_create(
        operation=operation,
        defaults={
            "contract_id": stands.holding.contract_id,
            "old_id": stands.tariff.pk,
            "tariff_id": terms.tariff.pk,
            "on": terms.when.on,
            "is_at_once": terms.when.is_at_once,
            "made_by": by,
            "created_at": now,
        },
    )
    return _same(switch, stands.holding.contract_id, terms.tariff.pk, terms.when)


def _finish(switch: Switch, state: Switch.State, *, now: datetime, failure: str = "") -> None:
    switch.state, switch.finished_at, switch.failure = state, now, failure
    switch.save(update_fields=["state", "finished_at", "failure"])
    live.publish(switch.contract_id, "service")


# --- Done


def do_due(*, now: datetime, contract_ids: Iterable[int] | None = None) -> int:
    """Do the planned switches whose day has come, each in its own transaction; returns how many were done or failed.

    `contract_ids` bounds them, for the month run: a `range` is asked as one.
    """
    due = Switch.objects.filter(state=State.PLANNED, on__lte=timezone.localdate(now))
    # A paused service keeps its plan: it is done when it runs again.
    waiting = _among(due, contract_ids).exclude(contract__state=Contract.State.SUSPENDED_BY_WISH)
    return sum(_try(contract_id, now=now) for contract_id in list(waiting.values_list("contract_id", flat=True)))


def _among(switches: QuerySet[Switch], contract_ids: Iterable[int] | None) -> QuerySet[Switch]:
    if contract_ids is None:
        return switches
    if isinstance(contract_ids, range) and contract_ids.step == 1:
        return switches.filter(contract__gte=contract_ids.start, contract__lt=contract_ids.stop)
    return switches.filter(contract__in=list(contract_ids))


def _try(contract_id: int, *, now: datetime) -> bool:
    """One that cannot be done for a fault of ours does not keep the others waiting; it is tried again."""
    try:
        return _do_due(contract_id, now=now)
    except Exception:
        log.exception("switch_not_done", contract=contract_id)
        return False


@transaction.atomic
def _do_due(contract_id: int, *, now: datetime) -> bool:
    Account.objects.lock(contract_id)
    due = Switch.objects.filter(contract=contract_id, state=State.PLANNED, on__lte=timezone.localdate(now))
    switch = due.select_related("tariff", "old").first()
    if switch is None:
        return False
    stands = ground(contract_id, now=now)
    if _waits(stands):
        return False
    terms = switch_terms.quote_due(stands, switch, stands.holding.tariffs[switch.tariff_id])
    if terms.is_locked:
        _fail(switch, terms, now=now)
    else:
        _do(switch, terms, now=now)
    return True


def _waits(stands: Ground) -> bool:
    """Whether the service is about to run again: then the switch is done with it, a moment later."""
    standing = stands.standing
    if standing.contract.state == Contract.State.SUSPENDED_FOR_DEBT:
        return standing.money >= standing.due
    return bool(standing.contract.state == Contract.State.SUSPENDED_BY_WISH)


def _fail(switch: Switch, terms: Terms, *, now: datetime) -> None:
    reason = terms.reasons[0]
    # A code and a sum: the words are found when somebody reads it, in their language.
    failure = f"{reason.code}:{reason.from_sum}" if reason.from_sum else reason.code
    _finish(switch, State.FAILED, now=now, failure=failure)
    sums = {"sum": str(reason.from_sum)} if reason.from_sum else {}
    _tell(switch, "switch_failed", now=now, on=str(switch.on), code=reason.code, **sums)


def _do(switch: Switch, terms: Terms, *, now: datetime) -> None:
    current = Subscription.objects.filter(contract=switch.contract_id, until=None)
    current.update(until=Greatest(F("since"), terms.since))
    begun = Subscription.objects.create(contract_id=switch.contract_id, tariff_id=terms.tariff.pk, since=terms.since)
    options.end_with_tariff([use.use_id for use in terms.ends], since=terms.since, now=now)
    if not terms.tariff.has_internet:
        turbo.stop_for(switch.contract_id, now=now)
    charges.post(switch.contract_id, terms.lines_of(switch), now=now)
    _finish(switch, State.DONE, now=now)
    ends = [use.name for use in terms.ends]
    _tell(switch, "tariff_switched", now=now, since=str(begun.since), fee=str(terms.fee), ends=", ".join(ends))


def _tell(switch: Switch, kind: str, *, now: datetime, **facts: Any) -> None:
    names = {"tariff": switch.tariff.name, "tariff_en": switch.tariff.name_en}
    outbox.tell(switch.contract_id, Topic.TARIFF, kind, about=f"switch:{switch.pk}", now=now, **names, **facts)
    live.publish(switch.contract_id, "service")


def _record(by: User | None, action: str, switch: Switch, *, now: datetime) -> None:
    if by is not None:
        particulars = {"contract": str(switch.contract), "tariff": str(switch), "on": str(switch.on)}
        journal.record(by, action, switch, changes=particulars, now=now)
