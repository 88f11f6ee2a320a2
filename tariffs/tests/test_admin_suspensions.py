"""Pauses in the admin: whoever answers a call plans, cancels and ends one for the subscriber."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import journal, roles
from accounts.models import Contract
from accounts.tests.factories import CityFactory, ContractFactory, StaffFactory
from billing.tests.factories import NOON
from notifications.models import Notice
from tariffs.models import Suspension
from tariffs.tests.factories import TODAY, charged, served

pytestmark = pytest.mark.django_db

LIST, ADD = reverse("admin:tariffs_suspension_changelist"), reverse("admin:tariffs_suspension_add")
FIRST, LAST = date(2026, 12, 1), date(2026, 12, 20)


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def agent(client):
    user = StaffFactory(role=roles.SUPPORT_AGENT, in_cities=[CityFactory()])
    client.force_login(user, "accounts.backends.StaffBackend")
    return user


@pytest.fixture
def contract():
    contract = served(balance=2000)
    charged(contract)
    return contract


def plan(client, contract, first=FIRST, last=LAST, **given):
    form = {"contract": contract.number, "starts_on": first, "ends_on": last, "drawn": uuid4()} | given
    return client.post(ADD, form, follow=True)


def pause_of(contract, **fields) -> Suspension:
    row = {"starts_on": FIRST, "ends_on": LAST, "created_at": NOON} | fields
    return Suspension.objects.create(operation=uuid4(), contract=contract, **row)


def running(contract) -> Suspension:
    Contract.objects.filter(pk=contract.pk).update(state=Contract.State.SUSPENDED_BY_WISH)
    return pause_of(contract, starts_on=TODAY, state=Suspension.State.RUNNING)


def text(response) -> str:
    return " ".join(response.content.decode().split())


def post(client, pause, action):
    return client.post(reverse(f"admin:tariffs_suspension_{action}", args=[pause.pk]), follow=True)


def test_a_pause_planned_for_a_subscriber_says_by_whom_and_tells_the_subscriber(client, agent, contract):
    page = plan(client, contract)

    pause = Suspension.objects.get()
    assert "The pause is planned" in text(page)
    assert (pause.contract, pause.starts_on, pause.ends_on, pause.made_by) == (contract, FIRST, LAST, agent)
    assert Notice.objects.get().kind == "suspension_planned"
    assert [(row.action, row.actor) for row in journal.of(pause)] == [("pause_planned", agent)]


def test_a_double_click_plans_one(client, agent, contract):
    drawn = uuid4()

    for _click in range(2):
        plan(client, contract, drawn=drawn)

    assert Suspension.objects.count() == 1


def test_what_a_subscriber_would_be_refused_staff_are_too_in_the_same_words(client, agent, contract):
    page = plan(client, contract, last=FIRST + timedelta(days=2))

    assert "at least 7 days long" in text(page)
    assert not Suspension.objects.exists()


def test_days_that_are_no_days_are_refused(client, agent, contract):
    assert plan(client, contract, first="x", last="").status_code == 200
    assert not Suspension.objects.exists()


def test_a_contract_of_another_city_is_not_known(client, agent):
    other = ContractFactory(house__street__city=CityFactory(slug="votkinsk", name="Воткинск", name_en="Votkinsk"))

    page = plan(client, other)

    assert "not one of the available choices" in text(page)
    assert not Suspension.objects.exists()


def test_a_planned_pause_is_cancelled(client, agent, contract):
    pause = pause_of(contract)
    shown = client.get(reverse("admin:tariffs_suspension_change", args=[pause.pk]))

    page = post(client, pause, "cancel")

    assert "Cancel the pause" in text(shown)
    assert "The pause is cancelled" in text(page)
    assert Suspension.objects.get().state == Suspension.State.CANCELLED
    assert [(row.action, row.actor) for row in journal.of(pause)] == [("pause_cancelled", agent)]


def test_a_running_pause_is_ended_early_after_seeing_what_it_costs(client, agent, contract):
    pause = running(contract)
    shown = client.get(reverse("admin:tariffs_suspension_change", args=[pause.pk]))

    page = post(client, pause, "end")

    assert "the service returns on 21 November, and 200.00 ₽ is charged" in text(shown)
    assert "The service returns tomorrow." in text(page)
    assert Suspension.objects.get().ends_on == TODAY
    assert journal.of(pause)[0].changes == {"ends_on": ["2026-12-20", "2026-11-20"]}


def test_a_refusal_is_said(client, agent, contract):
    pause = running(contract)

    assert "has begun already" in text(post(client, pause, "cancel"))


def test_who_may_only_look_sees_no_buttons(client, contract):
    pause = pause_of(contract)
    accountant = StaffFactory(role=roles.ACCOUNTANT, in_cities=[CityFactory()])
    client.force_login(accountant, "accounts.backends.StaffBackend")

    shown = client.get(reverse("admin:tariffs_suspension_change", args=[pause.pk]))

    assert "Cancel the pause" not in text(shown)
    assert post(client, pause, "cancel").status_code == 403


def test_pauses_are_found_by_the_contracts_number(client, agent, contract):
    pause_of(contract)
    pause_of(served())

    page = client.get(LIST, {"q": contract.number})

    assert [row.contract for row in page.context["cl"].queryset] == [contract]


def test_the_list_stays_flat_as_pauses_grow(client, agent):
    pause_of(served())
    client.get(LIST)
    few = queries(client)
    for _number in range(10):
        pause_of(served(), made_by=agent)

    assert queries(client) == few


def queries(client) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(LIST)
    return len(captured)
