"""Lists of the admin that may have a million rows."""

from datetime import date, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import journal, roles
from accounts.admin.long_lists import BoundedPaginator
from accounts.local_time import midnight
from accounts.models import JournalEntry
from accounts.tests.factories import CityFactory, ContractFactory, StaffFactory
from billing.models import Account
from billing.tests.factories import NOON, PaymentFactory, put

pytestmark = pytest.mark.django_db

CONTRACTS = reverse("admin:accounts_contract_changelist")
ENTRIES = reverse("admin:billing_ledgerentry_changelist")
JOURNAL = reverse("admin:accounts_journalentry_changelist")
PAYMENTS = reverse("admin:billing_payment_changelist")


@pytest.fixture
def supervisor(client):
    staff = StaffFactory(role=roles.SUPERVISOR, in_cities=[CityFactory()])
    client.force_login(staff, "accounts.backends.StaffBackend")
    return staff


def shown(client, address, **query):
    """The rows of the list that the page draws."""
    response = client.get(address, query)
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


# Counting


def test_what_fits_the_ceiling_is_counted_exactly(client, supervisor):
    for _ in range(3):
        ContractFactory(city=supervisor.cities.get())

    page = client.get(CONTRACTS).content.decode()

    assert "Found: 3" in page


def test_no_list_is_counted_past_the_ceiling(client, supervisor, monkeypatch):
    monkeypatch.setattr(BoundedPaginator, "ceiling", 4)
    monkeypatch.setattr("accounts.admin.contracts.ContractAdmin.list_per_page", 2)
    for _ in range(6):
        ContractFactory(city=supervisor.cities.get())

    with CaptureQueriesContext(connection) as queries:
        page = client.get(CONTRACTS).content.decode()

    assert "More than 4: narrow the list" in page
    assert [query["sql"] for query in queries if "COUNT(*)" in query["sql"] and "LIMIT 5" in query["sql"]]
    assert len(shown(client, CONTRACTS, p=2)) == 2
    assert client.get(CONTRACTS, {"p": 3}).status_code == 302


def test_the_choices_of_filters_are_not_counted(client, supervisor):
    with CaptureQueriesContext(connection) as queries:
        client.get(PAYMENTS, {"_facets": "True"})

    assert not [query["sql"] for query in queries if "COUNT(" in query["sql"] and "FILTER" in query["sql"]]


# Cities


def test_the_city_of_rows_is_not_asked_for_those_who_see_every_city(client, supervisor):
    put(ContractFactory(city=supervisor.cities.get()).pk, 100)

    with CaptureQueriesContext(connection) as queries:
        shown(client, ENTRIES)

    assert not [query["sql"] for query in queries if "user_cities" in query["sql"] and "ledgerentry" in query["sql"]]


def test_who_is_given_one_of_two_cities_sees_its_rows_alone(client, supervisor):
    here, elsewhere = (
        ContractFactory(city=supervisor.cities.get()),
        ContractFactory(house__street__city=CityFactory(slug="votkinsk", name="Воткинск")),
    )
    for contract in (here, elsewhere):
        put(contract.pk, 100)

    assert {entry.account_id for entry in shown(client, ENTRIES)} == {here.pk}


# Periods


def recorded(at):
    journal.record(None, "signed_in", StaffFactory(), changes={}, now=at)
    return JournalEntry.objects.latest("pk")


@pytest.fixture
def days(supervisor):
    """Rows of the journal at the edges of 1 and 2 November, by local time."""
    start = midnight(date(2026, 11, 1))
    moments = [timedelta(seconds=-1), timedelta(0), timedelta(days=1, seconds=-1), timedelta(days=1), timedelta(days=2)]
    return [recorded(start + moment) for moment in moments]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"at_from": "2026-11-01"}, [1, 2, 3, 4]),
        ({"at_to": "2026-11-01"}, [0, 1, 2]),
        ({"at_from": "2026-11-01", "at_to": "2026-11-01"}, [1, 2]),
        ({"at_from": "2026-11-02", "at_to": "2026-11-01"}, []),
    ],
)
def test_both_days_of_a_period_are_whole_local_days(client, days, query, found):
    own = {row.pk for row in days}

    assert [row for row in shown(client, JOURNAL, **query) if row.pk in own] == [days[n] for n in reversed(found)]


def test_days_without_a_time_are_in_their_period(client, supervisor):
    for day in (date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 30), date(2026, 12, 1)):
        ContractFactory(city=supervisor.cities.get(), started_on=day)

    found = shown(client, CONTRACTS, started_on_from="2026-11-01", started_on_to="2026-11-30")

    assert {contract.started_on for contract in found} == {date(2026, 11, 1), date(2026, 11, 30)}


@pytest.mark.parametrize("day", ["x", "2026-02-30", "9999-12-31", "1" * 400])
def test_a_day_that_does_not_exist_is_a_wrong_filter(client, supervisor, day):
    assert client.get(JOURNAL, {"at_to": day}).status_code == 302


@time_machine.travel(NOON, tick=False)
def test_the_usual_periods_are_links_and_the_form_keeps_the_other_filters(client, supervisor):
    page = client.get(PAYMENTS, {"state": "hanging", "created_at_from": "2026-10-01", "created_at_to": "2026-10-31"})

    drawn = page.content.decode()
    assert "created_at_from=2026-11-14&amp;created_at_to=2026-11-20" in drawn  # past 7 days
    assert '<input type="hidden" name="state" value="hanging">' in drawn
    assert 'value="2026-10-31"' in drawn
    chosen = next(spec for spec in page.context["cl"].filter_specs if spec.title == "period")
    marked = [str(each["display"]) for each in chosen.choices(page.context["cl"]) if each["selected"]]
    assert marked == ["Last month"]


# Search


def test_money_is_found_without_reading_all_of_it(client, supervisor):
    """Each condition is looked up by an index of its own table; together with OR they would not be."""
    contract = ContractFactory(city=supervisor.cities.get())
    entry = put(contract.pk, 100)
    payment = PaymentFactory(account=Account.objects.get(pk=contract.pk), amount=777, gateway_id="zz-1")

    assert shown(client, ENTRIES, q=contract.number) == [entry]
    assert shown(client, ENTRIES, q=entry.key[:-1]) == [entry]
    assert shown(client, PAYMENTS, q="777") == shown(client, PAYMENTS, q="zz-") == [payment]
    assert shown(client, PAYMENTS, q="zz-2") == shown(client, ENTRIES, q="nothing") == []
