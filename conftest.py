"""Fixtures of every app. The private servers are started by mark_portal/pytest_servers.py."""

import os
from collections.abc import Iterator

import hypothesis
import pytest
import redis
from django.test import TransactionTestCase

from mark_portal.tests import migrated_rows

# The same examples in every run: a change is judged by what it changed, not by the luck of its run. Luck is tried
# apart: HYPOTHESIS_PROFILE=lucky make test ARGS="-m hypothesis".
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis.settings.register_profile("lucky", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker) -> Iterator[None]:
    """pytest-django's database, in which a test with real commits leaves what the migrations made."""
    with django_db_blocker.unblock():
        migrated_rows.keep()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _: migrated_rows.restore())
        yield


@pytest.fixture(scope="session")
def valkey() -> Iterator[redis.Redis]:
    """This worker's own database of the private Valkey."""
    with redis.Redis.from_url(os.environ["REDIS_URL"]) as client:
        yield client


@pytest.fixture(autouse=True)
def _fresh_valkey(valkey: redis.Redis) -> None:
    """PostgreSQL is rolled back after each test; Valkey must be emptied."""
    valkey.flushdb()
