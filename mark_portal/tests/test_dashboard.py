"""The first page of the cabinet: is my service on and how fast, and how much money is there."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Contract
from accounts.tests.factories import UserFactory
from billing.tests.factories import put
from mark_portal.preferences import VERSION_COOKIE
from tariffs.models import Boost, Service, TrafficDay
from tariffs.tests.factories import served
from tariffs.tests.test_access import set_state
from tariffs.usage import GIGABYTE

URL, TURBO = reverse("cabinet"), reverse("tariffs:turbo")
pytestmark = pytest.mark.django_db


@pytest.fixture
def user(client):
    user = UserFactory()
    client.force_login(user, backend="accounts.backends.SubscriberBackend")
    return user


def boost(user):
    now = timezone.now()
    Boost.objects.create(contract=user.contract, factor=2, started_at=now, ends_at=now + timedelta(hours=2))


def text(client, **query) -> str:
    return " ".join(client.get(URL, query).content.decode().replace("\xa0", " ").split())


def test_it_shows_the_tariff_and_the_speed(client, user):
    served(contract=user.contract, balance=100, name="Домашний 100", speed_down=100, speed_up=50)

    page = text(client)

    assert "The service is on" in page
    assert "Домашний 100" in page
    assert "100 / 50 Mbit/s" in page
    assert f'href="{TURBO}"' in page


def test_while_turbo_runs_it_shows_until_when(client, user):
    served(contract=user.contract, balance=100)
    boost(user)

    page = text(client)

    assert "<b>200</b> Mbit/s" in page
    assert "Turbo is on" in page
    assert 'role="timer"' in page
    assert "js/turbo" in page


def test_past_the_volume_it_says_why_it_is_slow(client, user):
    served(contract=user.contract, balance=100, volume_gb=1, floor_speed=2)
    TrafficDay.objects.create(contract=user.contract, day=timezone.localdate(), down=GIGABYTE, up=0)

    page = text(client)

    assert "2 Mbit/s" in page
    assert "The included volume is used up" in page


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (Contract.State.SUSPENDED_FOR_DEBT, "The service is off: not enough money"),
        (Contract.State.SUSPENDED_BY_WISH, "The service is paused at your wish"),
    ],
)
def test_it_says_why_the_service_is_off(client, user, state, why):
    served(contract=user.contract)
    set_state(user.contract, state)

    page = text(client)

    assert why in page
    assert "Mbit/s" not in page
    assert 'id="do-turbo"' not in page


def test_without_a_tariff_it_says_so(client, user):
    assert "No tariff is connected yet" in text(client)


def test_television_has_no_speed_and_no_turbo(client, user):
    served(contract=user.contract, balance=100, services=[Service.TV])

    page = text(client)

    assert "The service is on" in page
    assert 'id="do-turbo"' not in page


def test_an_open_page_fetches_the_first_card_alone(client, user):
    served(contract=user.contract, balance=100)

    part = text(client, part="balance")

    assert "Mbit/s" in part
    assert "100.00 ₽" in part
    assert "<html" not in part


def test_the_old_version_shows_the_same_without_scripts(client, user):
    served(contract=user.contract, balance=100)
    boost(user)
    client.cookies[VERSION_COOKIE] = "old"

    page = text(client)

    assert "Turbo is on" in page
    assert "left:" not in page  # old browsers do not hide what waits for a script
    assert "<script" not in page


def test_it_asks_the_database_six_questions_at_most(client, user):
    served(contract=user.contract, balance=100)
    boost(user)
    for _ in range(9):
        put(user.contract_id, 10)
    client.get(URL)

    with CaptureQueriesContext(connection) as asked:
        client.get(URL)

    assert len(asked) <= 6, [query["sql"][:120] for query in asked]
