"""A Valkey of these tests' own, which they may stop and kill."""

import contextlib
import os
import signal

import pytest
import redis

from mark_portal import private_servers
from notifications import live


class OwnValkey(private_servers.Valkey):
    def client(self):
        return redis.Redis.from_url(self.url)

    @contextlib.contextmanager
    def hung(self):
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def started_valkey(tmp_path_factory):
    server = OwnValkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_valkey(started_valkey, settings, monkeypatch):
    """The portal of this test publishes and listens there."""
    if not started_valkey.is_alive():
        started_valkey.start()
    settings.REDIS_URL = started_valkey.url
    monkeypatch.setattr(live, "_sender", live._Sender())
    monkeypatch.setattr(live, "PATIENCE_SECONDS", 2.0)  # a busy machine may take longer than a page should wait
    return started_valkey
