"""A month run over 10,000 contracts whose workers are killed fifty times at random."""

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts.models import Contract, JournalEntry
from billing import audit
from billing.models import EntryKind, LedgerEntry
from mark_portal.celery import app
from notifications.models import Notice
from tariffs import months, tasks
from tariffs.models import MonthRange, MonthRun
from tariffs.tests.factories import OptionUseFactory, served

pytestmark = pytest.mark.django_db(transaction=True)

CONTRACTS, POOR, A_RANGE, KILLS, WORKERS = 10_000, 100, 100, 50, 2
PATIENCE, SILENCE = 480, 30  # seconds

COPIES = """
INSERT INTO accounts_contract (number, subscriber_id, city_id, house_id, flat, started_on, state)
SELECT '77' || lpad(n::text, 6, '0'), subscriber_id, city_id, house_id, '', started_on, state
FROM accounts_contract, generate_series(1, %(copies)s) AS n WHERE id = %(pattern)s;
INSERT INTO tariffs_subscription (contract_id, tariff_id, since)
SELECT contract.id, had.tariff_id, had.since FROM accounts_contract AS contract, tariffs_subscription AS had
WHERE had.contract_id = %(pattern)s AND contract.id <> %(pattern)s;
INSERT INTO tariffs_optionuse (operation, contract_id, option_id, quantity, choice, since, created_at)
SELECT gen_random_uuid(), contract.id, had.option_id, 1, '', had.since, had.created_at
FROM accounts_contract AS contract, tariffs_optionuse AS had
WHERE had.contract_id = %(pattern)s AND contract.id <> %(pattern)s;
INSERT INTO billing_ledgerentry (account_id, kind, amount, key, at, title)
SELECT id, 'topup', CASE WHEN id %% %(one_in)s = 0 THEN 10 ELSE 2000 END, 'payment:' || id,
    now() - interval '40 days', ''
FROM accounts_contract;
"""


class Worker:
    """A Celery worker with two processes on the test's database; killed, it is started anew."""

    def __init__(self):
        self.start()

    def start(self):
        database = re.sub(r"[^/]+$", connection.settings_dict["NAME"], os.environ["DATABASE_URL"])
        environment = {"DATABASE_URL": database, "REDIS_URL": settings.REDIS_URL, "LOG_LEVEL": "CRITICAL"}
        command = [sys.executable, "-m", "celery", "-A", "mark_portal.tests.month_worker_under_test", "worker"]
        self.process = subprocess.Popen(
            [*command, "--concurrency", "2", "--without-gossip", "--without-mingle", "--without-heartbeat"],
            env=os.environ | environment | {"PYTHONWARNINGS": "ignore"},
            cwd=settings.BASE_DIR,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    @property
    def children(self):
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return [int(pid) for pid in path.read_text().split()]

    def kill_a_child(self):
        with contextlib.suppress(ProcessLookupError, FileNotFoundError, IndexError):
            os.kill(random.choice(self.children), signal.SIGKILL)
            return True
        return False

    def kill_whole(self):
        """As when the machine goes; another starts in its place."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.start()
        return True

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def workers():
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.flushdb()
    # This process speaks to the broker as beat does, with a worker's patience.
    app.conf.update(broker_url=settings.REDIS_URL, broker_transport_options=settings.WORKER_TRANSPORT_OPTIONS)
    app.amqp._producer_pool, app._pool = None, None
    workers = [Worker() for _number in range(WORKERS)]
    yield workers
    for worker in workers:
        worker.stop()
    app.conf.update(
        broker_url=settings.CELERY_BROKER_URL, broker_transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS
    )
    app.amqp._producer_pool, app._pool = None, None


@pytest.fixture
def contracts():
    pattern = served(fee=600, services=["internet", "tv"])
    OptionUseFactory(contract=pattern)
    facts = {"pattern": pattern.pk, "copies": CONTRACTS - 1, "one_in": CONTRACTS // POOR}
    with connection.cursor() as cursor:
        cursor.execute(COPIES, facts)


def how_far(kills, workers):
    left = MonthRange.objects.filter(done_at=None)
    claims = [f"{(timezone.now() - at).seconds} s" if at else "-" for at in left.values_list("claimed_at", flat=True)]
    alive = [[worker.process.poll(), len(worker.children)] for worker in workers]
    return f"{kills} killed, {len(claims)} ranges left, claimed {claims} ago; workers (exit, processes): {alive}"


def is_over():
    return (
        not MonthRange.objects.filter(done_at=None).exists() and not MonthRun.objects.filter(state="running").exists()
    )


def test_workers_killed_fifty_times_charge_everybody_once(monkeypatch, contracts, workers):
    monkeypatch.setattr(months, "CONTRACTS_A_RANGE", A_RANGE)
    months.begin(now=timezone.localtime().replace(day=2, hour=12))  # the month of today
    kills, deadline, beats_at = 0, time.monotonic() + PATIENCE, 0.0
    done, moved_at = 0, time.monotonic()

    while kills < KILLS or not is_over():
        assert time.monotonic() < deadline, how_far(kills, workers)
        if time.monotonic() > beats_at:
            tasks.begin_month.delay()
            beats_at = time.monotonic() + 1
        before, done = done, MonthRange.objects.exclude(done_at=None).count()
        if done > before:
            moved_at = time.monotonic()
        # Seen once: both pools fell silent for good. Whoever runs workers replaces such ones; the run is to go on then.
        if time.monotonic() > moved_at + SILENCE:
            warnings.warn(how_far(kills, workers), stacklevel=1)
            moved_at = time.monotonic()
            for worker in workers:
                worker.kill_whole()
        # One death in about two ranges, so that they are spread over the run.
        if kills < KILLS and done > 1.5 * kills:
            assert not is_over()
            worker = random.choice(workers)
            kills += worker.kill_whole() if kills % 12 == 11 else worker.kill_a_child()
        time.sleep(random.uniform(0, 0.1))

    everybody_was_charged_once_or_stopped()


def everybody_was_charged_once_or_stopped():
    month = f"{MonthRun.objects.get().month:%Y-%m}"
    lines = LedgerEntry.objects.filter(kind=EntryKind.MONTH)
    assert lines.filter(key__regex=f"^month:[0-9]+:{month}$").values("account").distinct().count() == CONTRACTS - POOR
    assert lines.count() == 2 * (CONTRACTS - POOR)
    assert Contract.objects.filter(state=Contract.State.SUSPENDED_FOR_DEBT).count() == POOR
    assert Notice.objects.filter(kind="service_stopped").count() == POOR
    assert JournalEntry.objects.filter(action="suspended_for_debt").count() == POOR
    ranges = MonthRange.objects.values_list("charged", "total", "suspended")
    charged, total, suspended = (sum(column) for column in zip(*ranges, strict=True))
    assert (charged, total, suspended) == (CONTRACTS - POOR, 700 * (CONTRACTS - POOR), POOR)
    assert not audit.differences()
