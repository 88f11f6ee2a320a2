"""Signing in and out in a browser."""

from datetime import date

import pytest
from django.urls import reverse

from accounts.models import Contract, Session
from accounts.tests.factories import PASSWORD, CityFactory, ContractFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

LOGIN = reverse("accounts:login")


@pytest.fixture
def user():
    return UserFactory()


def sign_in(client, user, **changes):
    return client.post(LOGIN, {"city": "izhevsk", "login": user.login, "password": PASSWORD, **changes})


def test_a_subscriber_comes_to_the_cabinet(client, user):
    response = sign_in(client, user)

    assert (response.status_code, response["Location"]) == (302, "/cabinet/")


def test_the_page_asked_for_comes_after_signing_in(client, user):
    asked = client.get("/cabinet/billing/?kind=month")

    response = sign_in(client, user, next="/cabinet/billing/?kind=month")

    assert asked["Location"] == "/login/?next=%2Fcabinet%2Fbilling%2F%3Fkind%3Dmonth"
    assert response["Location"] == "/cabinet/billing/?kind=month"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil"])
def test_nobody_is_sent_to_another_site(client, user, target):
    assert sign_in(client, user, next=target)["Location"] == "/cabinet/"


def test_a_wrong_password_names_the_likely_causes_and_the_tries_left(client, user):
    response = sign_in(client, user, password="wrong-password")

    assert response.status_code == 422
    assert "keyboard layout and Caps Lock. 4 tries left" in response.content.decode()


def test_after_the_fifth_failure_the_page_shows_whom_to_call(client, user):
    answers = [sign_in(client, user, password="wrong-password") for _try in range(6)]

    assert [answer.status_code for answer in answers] == [422] * 4 + [429] * 2
    assert "+7 (3412) 918-111" in answers[-1].content.decode()


def test_the_password_never_returns_to_the_page(client, user):
    response = sign_in(client, user, password="my-wrong-secret-1")

    assert "my-wrong-secret-1" not in response.content.decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"city": "atlantis"},
        {"city": ""},
        {"city": ["izhevsk", "votkinsk"]},
        {"login": ""},
        {"login": "x" * 100_000},
        {"password": ""},
        {"password": "x" * 100_000},
    ],
)
def test_bad_input_is_refused_with_a_message(client, user, changes):
    response = sign_in(client, user, **changes)

    assert response.status_code == 422
    assert "error" in response.content.decode()


@pytest.mark.parametrize("field", ["city", "login", "password", "next", "other"])
def test_a_nul_byte_is_refused(client, user, field):
    assert sign_in(client, user, **{field: "a\0b"}).status_code == 400


def test_the_city_is_remembered_for_the_next_time(client, user):
    CityFactory(slug="votkinsk", name="Воткинск")
    sign_in(client, user)
    client.post(reverse("accounts:logout"))

    page = client.get(LOGIN)

    assert page.context["form"]["city"].value() == "izhevsk"


def test_signing_out_ends_the_session(client, user):
    sign_in(client, user)

    client.post(reverse("accounts:logout"))

    assert client.get("/cabinet/").status_code == 302
    assert not Session.objects.filter(user=user).exists()


def test_signing_out_is_not_a_link(client):
    assert client.get(reverse("accounts:logout")).status_code == 405


def test_the_session_key_changes_when_somebody_signs_in(client, user):
    client.get(LOGIN)
    session = client.session
    session["before"] = 1
    session.save()
    before = session.session_key

    sign_in(client, user)

    assert client.session.session_key != before


def test_a_contract_terminated_meanwhile_is_shut_out(client, user):
    sign_in(client, user)
    Contract.objects.update(state=Contract.State.TERMINATED, ended_on=date(2026, 11, 1))

    assert client.get("/cabinet/").status_code == 302


def test_staff_are_told_that_the_cabinet_is_not_theirs(client):
    client.force_login(StaffFactory(), backend="accounts.backends.StaffBackend")

    assert client.get("/cabinet/").status_code == 403


def test_one_subscriber_never_sees_another(client, user):
    other = UserFactory(contract=ContractFactory(subscriber__name="Secret Neighbour"))
    sign_in(client, user)

    pages = [client.get(path).content.decode() for path in ("/cabinet/", "/cabinet/billing/", "/cabinet/profile/")]

    assert not any(other.contract.number in page or "Secret Neighbour" in page for page in pages)
