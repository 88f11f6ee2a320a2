"""Operators open contracts, print passwords, check passports."""

import re
from datetime import date

import pytest
from django.urls import reverse

from accounts import roles
from accounts.models import Contract, JournalEntry, Subscriber, User
from accounts.tests.factories import (
    CityFactory,
    ContractFactory,
    HouseFactory,
    StaffFactory,
    SubscriberFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

ADD = reverse("admin:accounts_contract_add")
PASSPORT = "9408123456"


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def votkinsk():
    return CityFactory(slug="votkinsk", name="Воткинск", name_en="Votkinsk")


@pytest.fixture
def operator(client, city):
    user = StaffFactory(role=roles.OPERATOR, in_cities=[city])
    client.force_login(user, backend="accounts.backends.StaffBackend")
    return user


def with_passport() -> Subscriber:
    subscriber = SubscriberFactory()
    subscriber.set_passport(PASSPORT)
    subscriber.save()
    return subscriber


def add_contract(client, house, **changes):
    data = {
        "city": house.street.city_id,
        "house": house.pk,
        "flat": "7",
        "subscriber": with_passport().pk,
        "started_on": "2026-11-01",
    }
    return client.post(ADD, data | changes)


def url(name: str, contract: Contract) -> str:
    return reverse(f"admin:accounts_contract_{name}", args=[contract.pk])


def shown(client, contract) -> str:
    page = client.post(url("credentials", contract)).content.decode()
    return re.search(r"data-password>([^<]+)<", page)[1]


def test_a_new_contract_prints_a_password_that_signs_in(client, operator):
    response = add_contract(client, HouseFactory())

    contract = Contract.objects.get()
    assert response["Location"] == url("credentials", contract)
    password = shown(client, contract)
    client.logout()
    entered = client.post("/login/", {"city": "izhevsk", "login": contract.number, "password": password})
    assert entered["Location"] == "/cabinet/"


def test_the_sheet_is_shown_once(client, operator):
    add_contract(client, HouseFactory())
    contract = Contract.objects.get()
    shown(client, contract)

    again = client.post(url("credentials", contract))

    assert again.status_code == 410
    assert "data-password" not in again.content.decode()


def test_the_sheet_is_never_cached(client, operator):
    add_contract(client, HouseFactory())

    assert "no-store" in client.post(url("credentials", Contract.objects.get()))["Cache-Control"]


def test_a_house_of_another_city_is_refused(client, operator, votkinsk):
    operator.cities.add(votkinsk)
    house = HouseFactory(street__city=votkinsk)

    response = add_contract(client, house, city=CityFactory().pk)

    assert "another city" in response.content.decode()
    assert not Contract.objects.exists()


def test_an_operator_cannot_open_a_contract_in_a_city_not_given(client, operator, votkinsk):
    response = add_contract(client, HouseFactory(street__city=votkinsk))

    assert response.status_code == 200
    assert not Contract.objects.exists()


@pytest.mark.parametrize("name", ["change", "history", "credentials", "identity", "terminate"])
def test_contracts_of_other_cities_do_not_exist_for_an_operator(client, operator, votkinsk, name):
    other = ContractFactory(house__street__city=votkinsk)

    response = client.get(url(name, other))

    assert response.status_code == 404 or response["Location"] == reverse("admin:index")


def test_the_list_and_the_autocomplete_show_only_the_given_cities(client, operator, votkinsk):
    mine, other = ContractFactory(), ContractFactory(house__street__city=votkinsk, subscriber__name="Foreign Person")

    page = client.get(reverse("admin:accounts_contract_changelist")).content.decode()
    people = client.get(
        reverse("admin:autocomplete"),
        {"app_label": "accounts", "model_name": "contract", "field_name": "subscriber", "term": ""},
    ).json()

    assert mine.number in page
    assert other.number not in page
    assert "Foreign Person" not in str(people)


def test_the_journal_tells_old_and_new_but_no_secret(client, operator):
    subscriber = with_passport()
    client.post(
        reverse("admin:accounts_subscriber_change", args=[subscriber.pk]),
        {"kind": "person", "name": "Анна Сергеевна Петрова", "passport": "9408 654321"},
    )

    entry = JournalEntry.objects.get()
    assert entry.changes["name"] == ["Мария Петровна Иванова", "Анна Сергеевна Петрова"]
    assert entry.changes["passport"] == ["•••", "•••"]
    assert "654321" not in str(JournalEntry.objects.values())


def test_a_passport_never_returns_to_a_page(client, operator):
    subscriber = with_passport()

    page = client.get(reverse("admin:accounts_subscriber_change", args=[subscriber.pk])).content.decode()

    assert PASSPORT not in page
    assert PASSPORT[4:] not in page


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"kind": "person", "name": "A"}, "cannot be reissued"),
        ({"kind": "person", "name": "A", "passport": "12345"}, "series of 4 digits"),
        ({"kind": "legal", "name": "A", "inn": "7707083894"}, "check digits"),
        ({"kind": "legal", "name": "A", "inn": "18310"}, "10 digits"),
        ({"kind": "person", "name": "A", "passport": PASSPORT}, "already on file"),
    ],
)
def test_a_subscriber_without_a_right_document_is_refused(client, operator, data, message):
    with_passport()

    response = client.post(reverse("admin:accounts_subscriber_add"), data)

    assert message in response.content.decode()
    assert Subscriber.objects.count() == 1


def test_the_passport_check_says_yes_and_lets_the_password_be_reissued(client, operator):
    contract = ContractFactory(subscriber=with_passport())
    UserFactory(contract=contract)

    page = client.post(url("identity", contract), {"document": "94 08 123456"})
    reissued = client.post(url("identity", contract), {"reissue": "1"})

    assert "Yes" in page.content.decode()
    assert PASSPORT[4:] not in page.content.decode()
    assert reissued["Location"] == url("credentials", contract)
    assert User.objects.get(contract=contract).check_password(shown(client, contract))


def test_the_passport_check_says_no_and_offers_nothing(client, operator):
    contract = ContractFactory(subscriber=with_passport())
    UserFactory(contract=contract)

    page = client.post(url("identity", contract), {"document": "94 08 000000"})
    client.post(url("identity", contract), {"reissue": "1"})

    assert "No:" in page.content.decode()
    assert "reissue" not in page.content.decode()
    assert not JournalEntry.objects.filter(action="password_reissued").exists()


def test_the_sixth_check_is_refused(client, operator):
    contract = ContractFactory(subscriber=with_passport())

    answers = [client.post(url("identity", contract), {"document": "1"}).status_code for _try in range(6)]

    assert answers == [422] * 5 + [429]


def test_termination_wants_a_reason_and_a_sensible_date(client, operator):
    contract = ContractFactory(started_on=date(2024, 3, 1))

    refused = client.post(url("terminate", contract), {"ended_on": "2024-02-01", "reason": "moved"})
    done = client.post(url("terminate", contract), {"ended_on": "2026-11-01", "reason": "moved"})

    contract.refresh_from_db()
    assert (refused.status_code, done.status_code) == (422, 302)
    assert contract.is_terminated


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (roles.OPERATOR, True),
        (roles.SUPERVISOR, True),
        (roles.SUPPORT_AGENT, False),
        (roles.NETWORK_ENGINEER, False),
        (roles.ACCOUNTANT, False),
        (roles.CATALOGUE_MANAGER, False),
    ],
)
def test_only_operators_and_supervisors_open_contracts(client, city, role, allowed):
    client.force_login(StaffFactory(role=role, in_cities=[city]), backend="accounts.backends.StaffBackend")

    response = add_contract(client, HouseFactory())

    assert response.status_code == (302 if allowed else 403)
    assert Contract.objects.exists() is allowed


def test_nobody_without_a_city_sees_a_contract(client):
    ContractFactory()
    client.force_login(StaffFactory(role=roles.OPERATOR), backend="accounts.backends.StaffBackend")

    page = client.get(reverse("admin:accounts_contract_changelist"))

    assert page.context["cl"].result_count == 0
