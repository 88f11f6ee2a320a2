"""/health/: true, public, and quick whatever hangs."""

import contextlib
import os
import signal
import socket
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client

from mark_portal import health
from mark_portal.private_servers import Valkey, free_port

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORST = health.DATABASE_PATIENCE + health.REDIS_PATIENCE  # seconds


@pytest.fixture(autouse=True)
def _nothing_kept(monkeypatch):
    monkeypatch.setattr(health, "_latest", health._Latest())
    monkeypatch.setattr(health, "DATABASE_PATIENCE", 2.0)  # a busy machine may need longer than a monitor should wait
    monkeypatch.setattr(health, "REDIS_PATIENCE", 2.0)


@pytest.fixture
def now(monkeypatch):
    monkeypatch.setattr(health.timezone, "now", lambda: NOON)


@pytest.fixture
def deaf_port():
    """A server that takes connections and never says a word."""
    with contextlib.closing(socket.create_server(("127.0.0.1", free_port()))) as server:
        yield server.getsockname()[1]


def ask():
    response = Client().get("/health/")
    return response.status_code, response.json()


def test_all_is_well(now):
    health.beat(now=NOON)

    assert ask() == (
        200,
        {"status": "ok", "database": "ok", "redis": "ok", "worker": {"heartbeat_age_seconds": 0}},
    )


def test_a_worker_never_seen_is_said_so(now):
    status, found = ask()

    assert (status, found["status"], found["worker"]) == (200, "degraded", {"heartbeat_age_seconds": None})


@pytest.mark.parametrize(("age", "verdict"), [(59, "ok"), (60, "degraded")])
def test_a_heartbeat_is_late_after_a_minute(now, age, verdict):
    health.beat(now=datetime.fromtimestamp(NOON.timestamp() - age, UTC))

    status, found = ask()

    assert (status, found["status"], found["worker"]["heartbeat_age_seconds"]) == (200, verdict, age)


def test_without_redis_the_portal_is_degraded_not_down(settings):
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"

    status, found = ask()

    assert (status, found["status"], found["redis"], found["database"]) == (200, "degraded", "down", "ok")


def test_a_hung_redis_is_down(settings, tmp_path):
    valkey = Valkey(tmp_path)
    valkey.start()
    settings.REDIS_URL = valkey.url
    os.kill(valkey.process.pid, signal.SIGSTOP)
    try:
        status, found = ask()
    finally:
        valkey.stop()

    assert (status, found["redis"]) == (200, "down")


def test_a_database_that_refuses_is_down(monkeypatch):
    where = connection.get_connection_params() | {"host": "127.0.0.1", "port": free_port()}
    monkeypatch.setattr(connection, "get_connection_params", lambda: where)

    status, found = ask()

    assert (status, found["status"], found["database"]) == (503, "down", "down")


def test_a_database_that_takes_the_connection_and_says_nothing_is_down(monkeypatch, deaf_port):
    where = connection.get_connection_params() | {"host": "127.0.0.1", "port": deaf_port}
    monkeypatch.setattr(connection, "get_connection_params", lambda: where)

    status, found = ask()

    assert (status, found["database"]) == (503, "down")


def test_everything_hung_is_answered_in_the_time_of_two_patiences(monkeypatch, settings, deaf_port):
    settings.REDIS_URL = f"redis://127.0.0.1:{deaf_port}/0"
    where = connection.get_connection_params() | {"host": "127.0.0.1", "port": deaf_port}
    monkeypatch.setattr(connection, "get_connection_params", lambda: where)
    waited = []
    select = health.select.select
    monkeypatch.setattr(health.select, "select", lambda *a: waited.append(a[3]) or select(*a))

    status, _found = ask()

    assert status == 503
    assert max(waited) <= health.DATABASE_PATIENCE
    assert WORST < 0.5


def test_it_is_asked_about_once_a_second(monkeypatch):
    looks = []
    monkeypatch.setattr(health, "examine", lambda: looks.append(1) or {"status": "ok"})

    for _ in range(10):
        ask()

    assert len(looks) == 1


def test_it_is_not_stored_and_needs_no_session(django_assert_num_queries):
    with django_assert_num_queries(0):
        response = Client().get("/health/")

    assert "no-store" in response.headers["Cache-Control"]
    assert not response.cookies


def test_it_tells_no_secret(settings):
    text = str(ask())

    assert settings.REDIS_URL not in text
    assert str(connection.settings_dict["NAME"]) not in text


def test_only_reading_is_allowed():
    assert Client().post("/health/").status_code == 405
