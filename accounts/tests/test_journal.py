"""The audit journal as its readers see it."""

from datetime import UTC, datetime

import pytest
from django.utils.translation import override

from accounts import journal
from accounts.models import ConnectionRequest
from accounts.tests.factories import CityFactory, ConnectionRequestFactory, ContractFactory, StaffFactory

NOON = datetime(2026, 12, 1, 8, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def changes_in_russian(target, changes):
    entry = journal.record(None, "changed", target, changes=changes, now=NOON)
    with override("ru"):
        return journal.changes_of(entry)


def test_a_changed_field_is_called_as_in_its_form():
    changes = changes_in_russian(ContractFactory(), {"flat": ["12", "12а"]})

    assert changes == [("квартира или офис", "12 → 12а")]


def test_a_choice_is_told_by_its_name():
    taken, connected = ConnectionRequest.State.TAKEN, ConnectionRequest.State.CONNECTED

    changes = changes_in_russian(ConnectionRequestFactory(), {"state": [taken, connected]})

    assert changes == [("состояние", "в работе → подключение оформлено")]


def test_yes_no_and_nothing_are_words():
    changes = changes_in_russian(CityFactory(), {"is_served": [True, False], "name_en": ["", "Glazov"]})

    assert [text for _name, text in changes] == ["да → нет", "— → Glazov"]


def test_roles_are_told_by_their_names():
    changes = changes_in_russian(StaffFactory(), {"groups": [["operator"], ["operator", "accountant"]]})

    assert changes == [("роли", "оператор → оператор, бухгалтер")]


def test_a_particular_of_an_action_is_told_without_an_arrow():
    changes = changes_in_russian(ContractFactory(), {"sessions_ended": 2})

    assert changes == [("завершено сеансов", "2")]


def test_a_field_that_is_no_more_keeps_its_bare_name():
    changes = changes_in_russian(ContractFactory(), {"forgotten": ["a", "b"]})

    assert changes == [("forgotten", "a → b")]
