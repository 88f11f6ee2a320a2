"""Fixtures that several tests of money share."""

import pytest

from billing import seller
from billing.tests import yookassa_server


@pytest.fixture
def shop(settings, monkeypatch):
    """A YooKassa of our own that the gateway talks to, over real HTTP; see yookassa_server."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with yookassa_server.running() as running:
        settings.YOOKASSA_API_URL = running.url
        settings.YOOKASSA_TIMEOUT = 20.0
        yield running


@pytest.fixture(autouse=True)
def billing_alone(monkeypatch):
    """These tests know no tariffs: the last fee goes on. Those that do ask for it register their own seller."""
    monkeypatch.setattr(seller, "_registered", [seller.LastFee()])
