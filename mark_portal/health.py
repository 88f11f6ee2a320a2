"""/health/: are the database, Redis and the worker there? Answers in half a second whatever hangs."""

import select
import threading
import time
from contextlib import closing
from datetime import datetime
from typing import Any

import psycopg2.extensions
import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from psycopg2.extensions import POLL_OK, POLL_READ
from redis.backoff import NoBackoff
from redis.retry import Retry

DATABASE_PATIENCE, REDIS_PATIENCE = 0.3, 0.15  # seconds; together less than half a second
LATE_AFTER = 60.0  # seconds; four heartbeats
KEPT = 1.0  # second; whoever asks in a loop does not make us open connections in one
HEARTBEAT = "mark:heartbeat"


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    found = _latest.get()
    return JsonResponse(found, status=503 if found["status"] == "down" else 200)


def beat(*, now: datetime) -> None:
    """The worker's sign of life."""
    with closing(_redis(patience=5)) as client:
        client.set(HEARTBEAT, now.timestamp())


def examine() -> dict[str, Any]:
    database = _database_answers()
    try:
        with closing(_redis(patience=REDIS_PATIENCE)) as client:
            beaten_at, redis_answers = client.get(HEARTBEAT), True
    except redis.RedisError:
        beaten_at, redis_answers = None, False
    age = None if beaten_at is None else max(0, round(timezone.now().timestamp() - float(beaten_at)))
    all_well = redis_answers and age is not None and age < LATE_AFTER
    return {
        "status": "down" if not database else "ok" if all_well else "degraded",
        "database": "ok" if database else "down",
        "redis": "ok" if redis_answers else "down",
        "worker": {"heartbeat_age_seconds": age},
    }


class _Latest:
    """The last answer, good for a second; while one request looks, the others wait for what it finds."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, Any] = {}
        self._found_at = float("-inf")

    def get(self) -> dict[str, Any]:
        with self._lock:
            if time.monotonic() - self._found_at > KEPT:
                self._found, self._found_at = examine(), time.monotonic()
            return self._found


def _redis(*, patience: float) -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=patience, socket_connect_timeout=patience, retry=Retry(NoBackoff(), 0)
    )


def _database_answers() -> bool:
    """Over a connection of its own that does not block: neither libpq nor PostgreSQL can bound a hung server."""
    deadline = time.monotonic() + DATABASE_PATIENCE
    try:
        with closing(psycopg2.connect(**connection.get_connection_params(), async_=True)) as probe:
            _wait(probe, deadline)
            cursor = probe.cursor()
            cursor.execute("SELECT 1")
            _wait(probe, deadline)
            return bool(cursor.fetchone())
    except (psycopg2.Error, TimeoutError):
        return False


def _wait(probe: psycopg2.extensions.connection, deadline: float) -> None:
    while (state := probe.poll()) != POLL_OK:
        left = deadline - time.monotonic()
        readable, writable = ([probe], []) if state == POLL_READ else ([], [probe])
        if left <= 0 or not any(select.select(readable, writable, [], left)):
            raise TimeoutError("PostgreSQL does not answer")


_latest = _Latest()
