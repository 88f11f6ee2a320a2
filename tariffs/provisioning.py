"""Bringing the network to what access is: what differs becomes numbered changes, and these are sent in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import User
from notifications import live
from tariffs import access, provisioners
from tariffs.models import AccessChange
from tariffs.provisioners import Order, Refused, Unreachable

log = structlog.get_logger(__name__)

A_STEP = 10_000  # contracts compared and written in one transaction
A_BATCH, BATCHES = 10, 200  # changes claimed together, and how many times in a round
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=5)
# Longer than a batch can take, or two workers would send the same.
CLAIMED_FOR = timedelta(seconds=A_BATCH * provisioners.ANSWERS_WITHIN + 10)
STUCK_AFTER = timedelta(minutes=5)
COMPARING = 0x6D61726B  # the advisory lock of comparing

# One statement, so that a contract's state and its change are written together and rows never come to Python.
WRITE = """
WITH differing AS ({differing}),
written AS (
    INSERT INTO tariffs_accessstate AS state (contract_id, is_on, down, up, number)
    SELECT pk, off = '', speeds[1], speeds[2], 1 FROM differing
    ON CONFLICT (contract_id) DO UPDATE
        SET is_on = excluded.is_on, down = excluded.down, up = excluded.up, number = state.number + 1
    RETURNING contract_id, is_on, down, up, number
)
INSERT INTO tariffs_accesschange
    (contract_id, number, is_on, down, up, reason, created_at, next_try_at, attempts, error)
SELECT contract_id, number, is_on, down, up, off, %s, %s, 0, ''
FROM written JOIN differing ON differing.pk = contract_id ORDER BY contract_id
RETURNING contract_id, number
"""


class NothingToSend(Exception):
    """The change has been accepted already."""


# --- Deciding


def compare(*, now: datetime) -> int:
    """Write a change for each contract whose access is not the one last decided; returns how many."""
    total = 0
    while written := _compare_some(now=now):
        total += written
        if written < A_STEP:
            break
    return total


@transaction.atomic
def _compare_some(*, now: datetime) -> int:
    if not _is_alone():
        return 0
    # Once per contract whatever the rows say: two tariffs in force on a day would be two rows here.
    rows = differing(now=now).order_by("pk").distinct("pk").values("pk", "off", "speeds")[:A_STEP]
    sql, params = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(WRITE.format(differing=sql), [*params, now, now])
        written = cursor.fetchall()
    for contract_id, number in written:
        if number > 1:  # the first is no news: nobody has seen another
            live.publish(contract_id, "service")
    return len(written)


def differing(*, now: datetime) -> QuerySet[Any]:
    """Contracts whose access was never decided, or otherwise."""
    was = access.pair(F("access_state__down"), F("access_state__up"))
    contracts: QuerySet[Any] = access.derived(now=now).annotate(was=was)
    other = (
        Q(access_state__isnull=True)
        | Q(access_state__is_on=True) & ~Q(off="")
        | Q(access_state__is_on=False) & Q(off="")
        | ~Q(speeds=F("was"))
    )
    return contracts.filter(other)


def _is_alone() -> bool:
    """Two that compare at once would both number the same change; the lock ends with the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [COMPARING])
        return bool(cursor.fetchone()[0])


# --- Sending: the network never in a transaction


def send_due(*, clock: Callable[[], datetime]) -> None:
    """Send what is due; a long queue goes on with the next round."""
    for _batch in range(BATCHES):
        if not send_some(now=clock()):
            return


def send_some(*, now: datetime) -> int:
    """Send up to a batch of what is due; returns how many were claimed. Equipment that is silent ends the batch."""
    provisioner = provisioners.chosen()
    claimed = _claim(now=now)
    for place, change in enumerate(claimed):
        try:
            provisioner.apply(_order(change))
        except Unreachable as error:
            _postpone(change, str(error), now=now)
            _release(claimed[place + 1 :], now=now)
            return 0
        except Refused as error:
            _postpone(change, str(error), now=now)
        except Exception as error:  # a fault in a provisioner: this change waits, the others must not
            log.exception("provisioner_failed", change=change.pk)
            _postpone(change, f"{type(error).__name__}: {error}", now=now)
        else:
            _accepted(change, now=now)
    return len(claimed)


@transaction.atomic
def _claim(*, now: datetime) -> list[AccessChange]:
    """Each contract's first unsent change, if it is due; a later one waits for it, whatever becomes of it.

    The next time is set first, so that a worker that dies only delays them.
    """
    earlier = AccessChange.objects.filter(contract=OuterRef("contract"), number__lt=OuterRef("number"), sent_at=None)
    due = AccessChange.objects.filter(~Exists(earlier), sent_at=None, next_try_at__lte=now)
    rows = due.select_for_update(no_key=True, skip_locked=True, of=("self",)).select_related("contract")
    claimed = list(rows.order_by("next_try_at")[:A_BATCH])
    AccessChange.objects.filter(pk__in=[change.pk for change in claimed]).update(
        attempts=F("attempts") + 1, next_try_at=now + CLAIMED_FOR
    )
    return claimed


def _order(change: AccessChange) -> Order:
    return Order(change.contract.number, change.number, change.is_on, change.down, change.up)


def _accepted(change: AccessChange, *, now: datetime) -> None:
    unsent = AccessChange.objects.filter(pk=change.pk, sent_at=None)
    unsent.update(sent_at=now, next_try_at=None, error="")


def _postpone(change: AccessChange, error: str, *, now: datetime) -> None:
    log.warning("access_change_not_accepted", change=change.pk, attempts=change.attempts + 1, error=error)
    unsent = AccessChange.objects.filter(pk=change.pk, sent_at=None)
    unsent.update(next_try_at=now + pause(change.attempts + 1), error=error[:200] or "?")


def _release(changes: Iterable[AccessChange], *, now: datetime) -> None:
    """They were not tried."""
    unsent = AccessChange.objects.filter(pk__in=[change.pk for change in changes], sent_at=None)
    unsent.update(attempts=F("attempts") - 1, next_try_at=now)


def pause(attempts: int) -> timedelta:
    doublings: int = 2 ** min(max(attempts - 1, 0), 10)
    return min(FIRST_PAUSE * doublings, LONGEST_PAUSE)


# --- Staff


def stuck(*, now: datetime) -> QuerySet[AccessChange]:
    """Decided a while ago and still not accepted."""
    return AccessChange.objects.filter(sent_at=None, created_at__lt=now - STUCK_AFTER)


@transaction.atomic
def try_again(change_id: int, *, by: User, now: datetime) -> AccessChange:
    """Send at once instead of at the next time; earlier ones of the contract still go first. Raises NothingToSend."""
    change = (
        AccessChange.objects.select_for_update(no_key=True, of=("self",)).select_related("contract").get(pk=change_id)
    )
    if change.sent_at:
        raise NothingToSend(_("The equipment has accepted this change already."))
    unsent = AccessChange.objects.filter(contract=change.contract, number__lte=change.number, sent_at=None)
    unsent.update(next_try_at=now)
    facts = {"number": change.number, "error": change.error}
    journal.record(by, "access_change_retried", change.contract, changes=facts, now=now)
    return change
