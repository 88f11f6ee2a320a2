"""The admin in Russian: names of ours inside sentences of Django's, and names that are kept in the database."""

import pytest
from django.conf import settings
from django.urls import reverse

from accounts import roles
from accounts.tests.factories import CityFactory, StaffFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def russian(client):
    supervisor = StaffFactory(role=roles.SUPERVISOR, in_cities=[CityFactory()])
    client.force_login(supervisor, backend="accounts.backends.StaffBackend")
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "ru"
    return lambda name, **query: client.get(reverse(f"admin:{name}"), query).content.decode()


def test_a_list_is_headed_by_what_it_lists(russian):
    page = russian("accounts_connectionrequest_changelist")

    assert "<h1>Заявки на подключение</h1>" in page


def test_a_new_record_is_named_in_the_case_that_its_name_is_in(russian):
    page = russian("accounts_subscriber_add")

    assert "<h1>Добавить: абонент</h1>" in page


def test_roles_are_offered_and_filtered_by_their_russian_names(russian):
    form, rows = russian("accounts_user_add"), russian("accounts_user_changelist").lower()

    assert all("сетевой инженер" in page and roles.NETWORK_ENGINEER not in page for page in (form, rows))


def test_the_journal_is_filtered_by_actions_in_russian(russian):
    page = russian("accounts_journalentry_changelist")

    assert "Договор расторгнут" in page
    assert ">contract_terminated<" not in page


def test_what_a_password_must_be_is_said_in_our_words(russian):
    page = russian("accounts_user_add")

    assert "Нужно не меньше 10\u00a0символов." in page
    assert "Одних цифр мало: нужны и буквы." in page
