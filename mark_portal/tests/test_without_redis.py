"""Redis dead or hung: pages do not ask it at all, and what asks it gives up at once."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
import redis

from accounts import roles
from accounts.tests.factories import PASSWORD, CityFactory, StaffFactory, UserFactory
from billing import ledger
from billing.models import Account, EntryKind
from notifications import live

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(monkeypatch):
    """Every try to reach Redis, each of which fails as a dead server would."""
    tries = []

    def refuse(connection, *_args, **_kwargs):
        tries.append(connection)
        raise redis.ConnectionError("nobody there")

    monkeypatch.setattr(redis.connection.AbstractConnection, "connect", refuse)
    monkeypatch.setattr(live, "_sender", live._Sender())  # one that has not failed yet
    return tries


def test_signing_in_the_cabinet_and_the_balance_never_ask_redis(client, asked):
    user = UserFactory()

    entered = client.post("/login/", {"city": "izhevsk", "login": user.login, "password": PASSWORD})
    pages = ["/", "/login/", "/contacts/", "/cabinet/", "/cabinet/billing/", "/cabinet/profile/", "/balance/"]
    statuses = {path: client.get(path).status_code for path in pages}
    checked = client.post("/balance/", {"number": user.contract.number})

    assert (entered.status_code, checked.status_code) == (302, 200)
    assert set(statuses.values()) <= {200, 302}
    assert asked == []


def test_the_admin_never_asks_redis(client, asked):
    client.force_login(
        StaffFactory(role=roles.SUPERVISOR, in_cities=[CityFactory()]), backend="accounts.backends.StaffBackend"
    )

    statuses = {client.get(path).status_code for path in ("/admin/", "/admin/accounts/contract/")}

    assert statuses == {200}
    assert asked == []


def test_money_is_posted_and_redis_is_tried_once(asked, django_capture_on_commit_callbacks):
    contract = UserFactory().contract

    for number in range(3):
        with django_capture_on_commit_callbacks(execute=True):
            ledger.post(
                contract.pk, kind=EntryKind.TOP_UP, amount=Decimal(5), key=f"topup:{number}", now=datetime.now(UTC)
            )

    assert Account.objects.get(pk=contract.pk).balance == 15
    assert len(asked) == 1
