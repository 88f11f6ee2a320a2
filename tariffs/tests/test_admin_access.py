"""Network engineers see what the network was told, and have what it refused tried again."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts import journal, roles
from accounts.tests.factories import CityFactory, StaffFactory
from mark_portal import staff_counters
from tariffs import provisioning
from tariffs.models import AccessChange
from tariffs.tests.factories import served

LIST = reverse("admin:tariffs_accesschange_changelist")
pytestmark = pytest.mark.django_db


def waiting(*, minutes=10, **fields) -> AccessChange:
    now = timezone.now()
    return AccessChange.objects.create(
        contract=served(),
        number=1,
        is_on=False,
        reason="debt",
        created_at=now - timedelta(minutes=minutes),
        next_try_at=now + timedelta(minutes=5),
        attempts=3,
        error="no such port",
        **fields,
    )


@pytest.fixture
def engineer(client):
    user = StaffFactory(role=roles.NETWORK_ENGINEER, in_cities=[CityFactory()])
    client.force_login(user, backend="accounts.backends.StaffBackend")
    return user


def page(client, **query):
    return client.get(LIST, query).content.decode()


def test_the_list_shows_what_was_refused_and_why(client, engineer):
    change = waiting()

    shown = page(client)

    assert change.contract.number in shown
    assert "no such port" in shown
    assert "for debt" in shown


def test_it_is_sifted_by_state(client, engineer):
    stuck, fresh, sent = waiting(), waiting(minutes=1), waiting(sent_at=timezone.now())

    def found(state):
        shown = page(client, state=state)
        return [change for change in (stuck, fresh, sent) if change.contract.number in shown]

    assert [found("stuck"), found("waiting"), found("sent"), found("nonsense")] == [
        [stuck],
        [stuck, fresh],
        [sent],
        [stuck, fresh, sent],
    ]


def test_an_engineer_has_it_tried_again(client, engineer):
    change = waiting()

    answer = client.post(LIST, {"action": "try_again", "_selected_action": [change.pk]}, follow=True)

    assert "1 change goes again" in answer.content.decode()
    change.refresh_from_db()
    assert change.next_try_at <= timezone.now()
    assert journal.of(change.contract)[0].actor == engineer


def test_what_was_accepted_stays_accepted(client, engineer):
    change = waiting(sent_at=timezone.now())

    answer = client.post(LIST, {"action": "try_again", "_selected_action": [change.pk]}, follow=True)

    assert "Nothing here waits" in answer.content.decode()


@pytest.mark.parametrize("role", [roles.OPERATOR, roles.SUPPORT_AGENT, roles.ACCOUNTANT])
def test_others_only_read(client, role):
    client.force_login(StaffFactory(role=role, in_cities=[CityFactory()]), backend="accounts.backends.StaffBackend")
    change = waiting()
    before = change.next_try_at

    client.post(LIST, {"action": "try_again", "_selected_action": [change.pk]})

    change.refresh_from_db()
    assert change.next_try_at == before
    assert "try_again" not in page(client)


def test_the_list_of_states_shows_the_speed(client, engineer):
    contract = served(speed_down=100, speed_up=50)
    provisioning.compare(now=timezone.now())

    shown = client.get(reverse("admin:tariffs_accessstate_changelist")).content.decode()

    assert contract.number in shown
    assert "100 / 50" in shown


def test_the_first_page_counts_what_is_stuck(engineer):
    waiting(), waiting(minutes=1)

    (counter,) = [each for each in staff_counters.of(engineer, now=timezone.now()) if "accesschange" in each.url]

    assert (counter.count, counter.tone) == (1, "alarm")


def test_the_list_is_flat(client, engineer, django_assert_max_num_queries):
    for _ in range(20):
        waiting()
    client.get(LIST)

    with django_assert_max_num_queries(10):
        client.get(LIST)
