"""Fixtures that several tests of money share."""

import pytest

from billing.tests import yookassa_server


@pytest.fixture
def shop(settings, monkeypatch):
    """A YooKassa of our own that the gateway talks to, over real HTTP; see yookassa_server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with yookassa_server.running() as running:
        settings.YOOKASSA_API_URL = running.url
        settings.YOOKASSA_TIMEOUT = 3.0
        yield running
