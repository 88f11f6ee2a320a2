"""The month run: on the 1st each active contract whose money covers its month is charged, the others stop.

One run a month, in ranges of contracts, a Celery task a range. A range is one transaction under the locks of its
accounts: a worker that dies leaves nothing of it, and whoever repeats it finds it done. A month in which no worker
lived at all is not charged afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import structlog
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts import contracts, journal
from accounts.models import User
from billing import shares
from notifications import live, outbox
from notifications.models import Topic
from tariffs import month_sql, suspension, switching
from tariffs.models import MonthRange, MonthRun, Suspension

BEGINS_AT = time(0, 10)
CONTRACTS_A_RANGE = 10_000
# Until then its message is on its way, or its worker alive: a task may take five minutes.
SENT_AGAIN_AFTER = timedelta(minutes=6)
State = MonthRun.State

log = structlog.get_logger(__name__)


# --- The run and its ranges


def begin(*, now: datetime) -> MonthRun | None:
    """The run of the month that has begun, made with its ranges by whoever comes first; None before its hour."""
    local = timezone.localtime(now)
    month = shares.first_of_month(local.date())
    if local.date() == month and local.time() < BEGINS_AT:
        return None
    with transaction.atomic():
        run, is_new = MonthRun.objects.get_or_create(month=month, defaults={"started_at": now})
        if is_new:
            _divide(run)
    return run


def _divide(run: MonthRun) -> None:
    """Ranges without gaps, each of as many contracts. Contracts opened later are charged by days, with their tariff."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT MIN(id), MAX(id) FROM ("
            "  SELECT id, (ROW_NUMBER() OVER (ORDER BY id) - 1) / %s AS part FROM accounts_contract"
            ") AS numbered GROUP BY part ORDER BY part",
            [CONTRACTS_A_RANGE],
        )
        found = cursor.fetchall()
    lasts = [first - 1 for first, _last in found[1:]] + [last for _first, last in found[-1:]]
    MonthRange.objects.bulk_create(
        MonthRange(run=run, first=first, last=last) for (first, _last), last in zip(found, lasts, strict=True)
    )


def take_waiting(*, now: datetime) -> list[int]:
    """Ranges to send to workers: new ones, and those whose message or worker was lost. They are not given out again
    for a while."""
    free = Q(claimed_at=None) | Q(claimed_at__lt=now - SENT_AGAIN_AFTER)
    with transaction.atomic():
        waiting = (
            MonthRange.objects.select_for_update(skip_locked=True, of=("self",))
            .filter(free, done_at=None)
            .order_by("run__month", "first")
        )
        ids = list(waiting.values_list("pk", flat=True))
        MonthRange.objects.filter(pk__in=ids).update(claimed_at=now)
    _finish_runs(now=now)
    return ids


def _finish_runs(*, now: datetime) -> None:
    to_do = MonthRange.objects.filter(run=OuterRef("pk"), done_at=None)
    MonthRun.objects.filter(~Exists(to_do), state=State.RUNNING).update(state=State.DONE, finished_at=now)


@transaction.atomic
def send_again(run_id: int, *, by: User, now: datetime) -> int:
    """Let the ranges of a run that are not done be given out at once; returns how many."""
    run = MonthRun.objects.get(pk=run_id)
    freed = MonthRange.objects.filter(run=run, done_at=None).update(claimed_at=None)
    if freed:
        journal.record(by, "month_ranges_sent_again", run, changes={"ranges": freed}, now=now)
    return freed


# --- A range


def charge(range_id: int, *, clock: Callable[[], datetime]) -> bool:
    """Charge a range; False if it is done already or another worker has it."""
    row = MonthRange.objects.filter(pk=range_id, done_at=None).first()
    if row is None:
        return False
    _do_what_is_due(row, now=clock())
    is_done = _charge(range_id, now=clock())
    _finish_runs(now=clock())
    return is_done


def _do_what_is_due(row: MonthRange, *, now: datetime) -> None:
    """Switches and pauses of the 1st come before its charge; options and offers end by their dates."""
    switching.do_due(contract_ids=range(row.first, row.last + 1), now=now)
    pauses = Suspension.objects.filter(state__in=[Suspension.State.PLANNED, Suspension.State.RUNNING])
    pausing = pauses.filter(contract__gte=row.first, contract__lte=row.last)
    suspension.do_due(list(pausing.values_list("contract_id", flat=True)), now=now)


@transaction.atomic
def _charge(range_id: int, *, now: datetime) -> bool:
    undone = MonthRange.objects.select_for_update(skip_locked=True, of=("self",)).select_related("run")
    row = undone.filter(pk=range_id, done_at=None).first()
    if row is None:
        return False
    charged, total, missing = _post(row, now=now)
    row.charged, row.total, row.done_at = charged, total, now
    row.suspended = _stop(missing, now=now)
    row.save(update_fields=["charged", "total", "done_at", "suspended"])
    log.info("month_range_charged", range=str(row), charged=charged, total=str(total), suspended=row.suspended)
    return True


def _post(row: MonthRange, *, now: datetime) -> tuple[int, Decimal, dict[int, Decimal]]:
    """How many were charged, how much in all, and what is missing to whom."""
    facts = facts_of(row.run.month, row.first, row.last, day=_day(row.run.month, now), now=now)
    with connection.cursor() as cursor:
        # A crash of the server may take the whole range back, which then is done again: nobody waits for the disk.
        # Rows of a range meet rows of a range: a loop over them, which stale statistics might suggest, takes minutes.
        cursor.execute("SET LOCAL synchronous_commit = off; SET LOCAL lock_timeout = '1min'")
        cursor.execute(month_sql.LOCK, facts)
        cursor.execute("SET LOCAL enable_nestloop = off")
        cursor.execute(month_sql.CHARGE, facts)
        charged, total, missing = cursor.fetchone()
        cursor.execute("SET LOCAL enable_nestloop = on")
    return charged, total, {int(key): Decimal(value) for key, value in json.loads(missing).items()}


def facts_of(
    month: date,
    first: int,
    last: int,
    *,
    day: date,
    now: datetime,
    with_planned: bool = False,
    money_at: datetime | None = None,
) -> dict[str, Any]:
    """What the statements of `month_sql` need."""
    return {
        "first": first,
        "last": last,
        "day": day,
        "month": month,
        "now": now,
        "money_at": money_at or now,
        "with_planned": with_planned,
        "suffix": f":{month:%Y-%m}",
    }


def _day(month: date, now: datetime) -> date:
    """The day whose tariff, options and offers are charged: a run that comes late takes in what has changed since."""
    last = shares.first_of_month(month, 1) - timedelta(days=1)
    return min(max(timezone.localdate(now), month), last)


def _stop(missing: dict[int, Decimal], *, now: datetime) -> int:
    """Contracts that cannot pay stop, are told once, and are not charged."""
    if not missing:
        return 0
    stopped = contracts.suspend_all_for_debt(missing, now=now)
    facts = {contract_id: {"missing": str(missing[contract_id])} for contract_id in stopped}
    outbox.tell_many(facts, Topic.MONEY, "service_stopped", about=f"service:{now.isoformat()}", now=now)
    live.publish_to_many(stopped, "balance")
    return len(stopped)
