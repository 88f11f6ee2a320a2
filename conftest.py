"""Fixtures of every app. The private servers are started by mark_portal/pytest_servers.py."""

import os
from collections.abc import Iterator

import pytest
import redis


@pytest.fixture(scope="session")
def valkey() -> Iterator[redis.Redis]:
    """This worker's own database of the private Valkey."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        yield client


@pytest.fixture(autouse=True)
def _fresh_valkey(valkey: redis.Redis) -> None:
    """PostgreSQL is rolled back after each test; Valkey must be emptied."""
    valkey.flushdb()
