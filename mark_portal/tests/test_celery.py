"""The Celery frame with real workers: what is lost, what is done again, what a page pays for a broker that hangs."""

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest
import redis
from django.db import transaction
from kombu.exceptions import OperationalError

from mark_portal import celery, health
from mark_portal.celery import PortalTask, app
from mark_portal.private_servers import Valkey
from mark_portal.tests import worker_under_test as tasks

PATIENCE = 90  # seconds; a test that waits as long fails


@pytest.fixture(scope="module")
def started_valkey(tmp_path_factory):
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def broker(started_valkey, settings, monkeypatch):
    """A Valkey of this module's own, which it may stop and kill; what the page publishes goes there."""
    if not started_valkey.is_alive():
        started_valkey.start()
    settings.REDIS_URL = started_valkey.url
    monkeypatch.setattr(PortalTask, "_rests_until", 0.0)
    app.conf.update(broker_url=started_valkey.url, broker_transport_options=settings.WORKER_TRANSPORT_OPTIONS)
    app.amqp._producer_pool, app._pool = None, None
    with redis.Redis.from_url(started_valkey.url) as client:
        client.flushdb()
    yield started_valkey
    app.conf.update(
        broker_url=settings.CELERY_BROKER_URL, broker_transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS
    )
    app.amqp._producer_pool, app._pool = None, None


@pytest.fixture
def page(broker, settings):
    """Publishing with a page's patience, which a busy machine may outlast: only for tests of that patience."""
    app.conf.update(broker_transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS)


@contextlib.contextmanager
def worker(broker, **environment):
    command = [sys.executable, "-m", "celery", "-A", "mark_portal.tests.worker_under_test", "worker"]
    process = subprocess.Popen(
        [*command, "--concurrency", "1", "--without-gossip", "--without-mingle", "--without-heartbeat"],
        env=os.environ | {"REDIS_URL": broker.url, "PYTHONWARNINGS": "ignore"} | environment,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@contextlib.contextmanager
def hung(broker):
    os.kill(broker.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(broker.process.pid, signal.SIGCONT)


def runs(broker):
    with redis.Redis.from_url(broker.url) as client:
        return [run.decode() for run in client.lrange(tasks.RUNS, 0, -1)]


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


# --- What a page pays


def test_a_hung_broker_is_given_up_after_one_short_wait(broker, page):
    wait_until(is_sent)
    started = time.monotonic()

    with hung(broker), pytest.raises(OperationalError):
        tasks.note.delay()

    assert time.monotonic() - started < 20  # 0.2 on an idle machine; with kombu's own defaults it would not end


def is_sent():
    with contextlib.suppress(OperationalError):
        return tasks.note.delay()


def test_a_broker_that_hung_before_the_first_message_is_given_up_too(broker, page):
    started = time.monotonic()

    with hung(broker), pytest.raises(OperationalError):
        tasks.note.delay()

    assert time.monotonic() - started < 20


@pytest.mark.django_db(transaction=True)
def test_a_page_survives_a_hung_broker_and_waits_for_it_once(broker, monkeypatch):
    tries = []

    def time_out(_task, **message):
        tries.append(message)
        raise OperationalError("Timeout reading from socket")

    monkeypatch.setattr(PortalTask, "apply_async", time_out)

    with transaction.atomic():
        for number in range(5):
            tasks.note.delay_on_commit(number=number)

    assert len(tries) == 1


@pytest.mark.django_db(transaction=True)
def test_a_task_leaves_when_the_transaction_commits(broker):
    client = redis.Redis.from_url(broker.url)
    with transaction.atomic():
        tasks.note.delay_on_commit()
        before = client.llen("celery")

    assert (before, client.llen("celery")) == (0, 1)


@pytest.mark.django_db(transaction=True)
def test_after_a_restart_of_the_broker_a_page_publishes_again(broker, monkeypatch):
    monkeypatch.setattr(celery, "REST_SECONDS", 0.0)
    tasks.note.delay_on_commit()
    broker.stop()
    tasks.note.delay_on_commit()
    broker.start()

    tasks.note.delay_on_commit()

    assert redis.Redis.from_url(broker.url).llen("celery") == 1


# --- What a worker loses: nothing


def test_a_task_whose_process_was_killed_is_run_again(broker):
    with worker(broker):
        tasks.kill_own_process_once.delay()

        wait_until(lambda: runs(broker) == ["kill", "kill"])


def test_a_task_whose_whole_worker_was_killed_is_run_again_by_another(broker):
    with worker(broker) as first:
        tasks.take_long_once.delay()
        wait_until(lambda: runs(broker) == ["long"])
        os.killpg(first.pid, signal.SIGKILL)

    with worker(broker, TEST_VISIBILITY="1"):
        wait_until(lambda: runs(broker)[:2] == ["long", "long"])  # a slow start may give it out a third time


def test_a_worker_takes_tasks_again_after_the_broker_restarted(broker):
    with worker(broker):
        tasks.note.delay()
        wait_until(lambda: runs(broker) == ["note"])
        broker.stop()
        broker.start()

        tasks.note.delay()

        wait_until(lambda: runs(broker) == ["note"])  # Valkey forgot the first


def test_a_worker_whose_word_was_lost_to_a_hung_broker_takes_the_next_task(broker):
    with worker(broker):
        tasks.take_a_moment.delay()
        wait_until(lambda: runs(broker) == ["moment"])
        with hung(broker):
            time.sleep(5)  # the task ends after one second, and its acknowledgement is given up after another
        tasks.note.delay()

        wait_until(lambda: "note" in runs(broker))


def test_a_worker_waits_longer_for_the_database_than_a_page(broker):
    with worker(broker):
        tasks.tell_patience.delay()

        wait_until(lambda: runs(broker) == ["280s"] or runs(broker) == ["4min 40s"])


# --- The timetable


def test_the_timetable_drops_what_nobody_took_until_the_next_is_due():
    app.finalize()

    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        assert entry["options"]["expires"] == entry["schedule"].total_seconds()


def test_beat_and_a_worker_show_that_they_live(broker, tmp_path):
    with redis.Redis.from_url(broker.url) as client, worker(broker):
        wait_until(lambda: client.get(health.HEARTBEAT))  # shown at once when the worker is ready
        first = client.get(health.HEARTBEAT)
        with beat(broker, tmp_path):
            wait_until(lambda: client.get(health.HEARTBEAT) != first)


@contextlib.contextmanager
def beat(broker, folder):
    command = [sys.executable, "-m", "celery", "-A", "mark_portal", "beat", "--schedule", str(folder / "beat")]
    process = subprocess.Popen(command, env=os.environ | {"REDIS_URL": broker.url})
    try:
        yield
    finally:
        process.terminate()
        process.wait()
