"""Switches and first tariffs in the admin: for one who calls, and for a contract that has just been opened."""

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
from billing.models import Account, LedgerEntry
from billing.tests.factories import NOON, account_of
from notifications.models import Notice
from tariffs import reconcile
from tariffs.models import Subscription, Switch
from tariffs.tests.factories import NEXT, TODAY, TariffFactory, charged, served

pytestmark = pytest.mark.django_db

LIST, ADD = reverse("admin:tariffs_switch_changelist"), reverse("admin:tariffs_switch_add")
FIRST_TARIFF = reverse("admin:tariffs_subscription_add")


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def operator(client):
    user = StaffFactory(role=roles.OPERATOR, in_cities=[CityFactory()])
    client.force_login(user, "accounts.backends.StaffBackend")
    return user


@pytest.fixture
def contract():
    contract = served(balance=2000)
    charged(contract)
    return contract


@pytest.fixture
def faster(contract):
    return TariffFactory(city=contract.city, fee=900, name="Быстрый")


def plan(client, contract, tariff, day="", **given):
    form = {"contract": contract.number, "tariff": tariff.pk, "day": day, "drawn": uuid4()} | given
    return client.post(ADD, form, follow=True)


def give(client, contract, tariff):
    return client.post(FIRST_TARIFF, {"contract": contract.number, "tariff": tariff.pk}, follow=True)


def text(response) -> str:
    return " ".join(response.content.decode().replace("\xa0", " ").split())


# --- Switches


def test_one_planned_for_a_subscriber_says_by_whom_and_tells_the_subscriber(client, operator, contract, faster):
    page = plan(client, contract, faster)

    switch = Switch.objects.get()
    assert "The switch is planned" in text(page)
    assert (switch.contract, switch.tariff, switch.on, switch.made_by) == (contract, faster, NEXT, operator)
    assert Notice.objects.get().facts["staff"] is True
    assert [(row.action, row.actor) for row in journal.of(switch)] == [("switch_planned", operator)]


def test_on_a_day_of_its_own(client, operator, contract, faster):
    plan(client, contract, faster, day="2026-12-15")

    assert Switch.objects.get().on == date(2026, 12, 15)


def test_a_double_click_plans_one(client, operator, contract, faster):
    drawn = uuid4()

    for _click in range(2):
        plan(client, contract, faster, drawn=drawn)

    assert Switch.objects.count() == 1


def test_another_one_takes_the_place_also_of_what_staff_have_planned(client, operator, contract, faster):
    for day in ("2026-12-15", "2026-12-20"):
        plan(client, contract, faster, day=day)

    assert sorted(Switch.objects.values_list("state", flat=True)) == ["planned", "replaced"]


def test_what_a_subscriber_would_be_refused_staff_are_too_in_the_same_words(client, operator, contract, faster):
    page = plan(client, contract, faster, day="2026-11-20")

    assert "Choose a day from 21 November to 19 January" in text(page)
    assert not Switch.objects.exists()


def test_it_is_cancelled_by_staff(client, operator, contract, faster):
    plan(client, contract, faster)
    switch = Switch.objects.get()
    seen = client.get(reverse("admin:tariffs_switch_change", args=[switch.pk]))

    page = client.post(reverse("admin:tariffs_switch_cancel", args=[switch.pk]), follow=True)

    assert "Cancel the switch" in text(seen)
    assert "The switch is cancelled" in text(page)
    switch.refresh_from_db()
    assert switch.state == "cancelled"
    assert "Cancel the switch" not in text(page)


def test_one_that_is_over_is_not(client, operator, contract, faster):
    plan(client, contract, faster)
    switch = Switch.objects.get()
    Switch.objects.update(state="done", finished_at=NOON)

    page = client.post(reverse("admin:tariffs_switch_cancel", args=[switch.pk]), follow=True)

    assert "cannot be cancelled any more" in text(page)


def test_contracts_and_tariffs_of_other_cities_are_not_there(client, operator, faster):
    votkinsk = CityFactory(slug="votkinsk", name="Воткинск", name_en="Votkinsk")
    far = served(balance=1000, contract=ContractFactory(house__street__city=votkinsk))
    theirs = Subscription.objects.get(contract=far).tariff

    page = plan(client, far, theirs)

    assert not Switch.objects.exists()
    assert set(page.context["adminform"].form.errors) == {"contract", "tariff"}


def test_why_one_failed_is_told(client, operator, contract, faster):
    plan(client, contract, faster)
    Switch.objects.update(state="failed", failure="money:12.50", finished_at=NOON)

    page = client.get(reverse("admin:tariffs_switch_change", args=[Switch.objects.get().pk]))

    assert "12.50 ₽ was missing." in text(page)


def test_the_list_is_found_by_contract_and_stays_flat(client, operator, contract, faster):
    plan(client, contract, faster)
    client.get(LIST)
    few = queries(client, LIST)
    for _each in range(10):
        other = served()
        mine = Subscription.objects.get(contract=other).tariff
        Switch.objects.create(
            operation=uuid4(), contract=other, old=mine, tariff=faster, on=NEXT, created_at=NOON - timedelta(days=1)
        )

    assert queries(client, LIST) == few
    assert client.get(LIST, {"q": contract.number}).context["cl"].result_count == 1


def queries(client, url) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(url)
    return len(captured)


# --- The first tariff


@pytest.fixture
def opened():
    """A contract of today, with the first payment on its account."""
    contract = ContractFactory(started_on=TODAY)
    account_of(contract, balance=1000)
    return contract


@pytest.fixture
def tariff(opened):
    return TariffFactory(city=opened.city, fee=600, name="Спокойный")


def test_the_first_tariff_is_charged_by_days(client, operator, opened, tariff):
    page = give(client, opened, tariff)

    begun = Subscription.objects.get()
    assert "what is left of the month is charged" in text(page)
    assert (begun.contract, begun.tariff, begun.since, begun.until) == (opened, tariff, TODAY, None)
    assert LedgerEntry.objects.get(key=f"month:{opened.pk}:2026-11").amount == -220
    assert Notice.objects.get().kind == "tariff_given"
    assert [row.action for row in journal.of(begun)] == ["tariff_given"]


def test_without_money_the_service_begins_when_it_comes_and_pays_from_that_day(client, operator, opened, tariff):
    account_of(opened, balance=-1000)
    page = give(client, opened, tariff)
    opened.refresh_from_db()
    assert "as soon as there is money" in text(page)
    assert opened.state == Contract.State.SUSPENDED_FOR_DEBT

    account_of(opened, balance=300)
    reconcile.run(now=NOON + timedelta(days=1))

    opened.refresh_from_db()
    assert opened.state == Contract.State.ACTIVE
    assert Account.objects.get(pk=opened.pk).balance == 100  # ten days of thirty


def test_a_second_click_gives_nothing_more(client, operator, opened, tariff):
    give(client, opened, tariff)

    page = give(client, opened, tariff)

    assert "has a tariff already: plan a switch" in text(page)
    assert Subscription.objects.count() == 1


def test_a_tariff_for_others_is_refused(client, operator, opened):
    page = give(client, opened, TariffFactory(city=opened.city, audience="legal"))

    assert "This tariff is for legal entities." in text(page)


def test_a_contract_that_has_not_begun_waits_for_its_day(client, operator, opened, tariff):
    Contract.objects.update(started_on=NEXT)

    page = give(client, opened, tariff)

    assert "The contract begins on 1 December" in text(page)


def test_the_way_from_the_contract_fills_in_its_number_and_offers_what_it_may_have(client, operator, opened, tariff):
    TariffFactory(city=opened.city, audience="legal", name="Бизнес")
    contract_page = text(client.get(reverse("admin:accounts_contract_change", args=[opened.pk])))

    form = text(client.get(f"{FIRST_TARIFF}?contract={opened.number}"))

    assert f"{FIRST_TARIFF}?contract={opened.number}" in contract_page
    assert f'value="{opened.number}"' in form
    assert "Спокойный" in form
    assert "Бизнес" not in form
    assert "charged by days at once" in form


def test_the_history_is_read_only(client, operator, contract):
    row = Subscription.objects.get(contract=contract)

    page = client.post(reverse("admin:tariffs_subscription_change", args=[row.pk]), {"since": "2020-02-02"})

    row.refresh_from_db()
    assert page.status_code == 403
    assert row.since == date(2020, 1, 1)
