"""The admin's own pages: the first page's counters, completing of names."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import roles
from accounts.models import ConnectionRequest
from accounts.tests.factories import CityFactory, ContractFactory, HouseFactory, StaffFactory

NOW = datetime.now(UTC)
COMPLETE = reverse("admin:autocomplete")
OF_HOUSE = {"app_label": "accounts", "model_name": "contract", "field_name": "house", "term": ""}

pytestmark = pytest.mark.django_db


@pytest.fixture
def cities():
    return [CityFactory(), CityFactory(slug="votkinsk", name="Воткинск", name_en="Votkinsk")]


def sign_in(client, role, cities):
    client.force_login(StaffFactory(role=role, in_cities=cities), backend="accounts.backends.StaffBackend")


def ask_for(city, minutes, phone):
    ConnectionRequest.objects.create(
        name="Ольга", phone=phone, city=city, created_at=NOW, deadline_at=NOW + timedelta(minutes=minutes)
    )


def test_the_first_page_counts_what_waits_in_the_own_cities(client, cities):
    izhevsk, votkinsk = cities
    ask_for(izhevsk, 60, "+79120000001")
    ask_for(None, -60, "+79120000002")
    ask_for(votkinsk, -60, "+79120000003")
    sign_in(client, roles.OPERATOR, [izhevsk])

    counters = client.get(reverse("admin:index")).context["counters"]

    assert [(counter.label, counter.count, counter.tone) for counter in counters[:2]] == [
        ("Open connection requests", 2, "attention"),
        ("Overdue connection requests", 1, "alarm"),
    ]


def test_every_counter_leads_to_a_list_with_as_many_rows(client, cities):
    ask_for(cities[0], -60, "+79120000001")
    ask_for(cities[0], 60, "+79120000002")
    sign_in(client, roles.SUPERVISOR, cities)

    counters = client.get(reverse("admin:index")).context["counters"]

    assert all(client.get(counter.url).context["cl"].result_count == counter.count for counter in counters)


def test_a_role_without_a_queue_has_no_counters(client, cities):
    sign_in(client, roles.CATALOGUE_MANAGER, cities)

    assert client.get(reverse("admin:index")).context["counters"] == []


def test_whoever_sees_two_cities_is_told_which_one(client, cities):
    HouseFactory(street__city=cities[0], number="12")
    sign_in(client, roles.OPERATOR, cities)

    found = client.get(COMPLETE, OF_HOUSE).json()["results"]

    assert [row["text"] for row in found] == ["Пушкинская улица, 12 · Izhevsk"]


def test_whoever_sees_one_city_is_spared_it(client, cities):
    HouseFactory(street__city=cities[0], number="12")
    sign_in(client, roles.OPERATOR, cities[:1])

    assert client.get(COMPLETE, OF_HOUSE).json()["results"][0]["text"] == "Пушкинская улица, 12"


LISTS = ["accounts_contract", "accounts_subscriber", "billing_account", "accounts_house", "accounts_street"]


@pytest.mark.parametrize("name", [*LISTS, "autocomplete"])
def test_a_list_asks_as_many_questions_for_forty_rows_as_for_two(client, cities, name):
    sign_in(client, roles.SUPERVISOR, cities)
    url = COMPLETE if name == "autocomplete" else reverse(f"admin:{name}_changelist")
    query = OF_HOUSE if name == "autocomplete" else {}
    ContractFactory.create_batch(2)
    client.get(url, query)
    few = questions(client, url, query)
    ContractFactory.create_batch(38)

    assert questions(client, url, query) == few


def questions(client, url, query) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url, query).status_code == 200
    return len(captured)
