"""The queue of connection requests in the admin."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.urls import reverse

from accounts import connections, roles
from accounts.models import ConnectionRequest
from accounts.tests.factories import CityFactory, ConnectionRequestFactory, StaffFactory

TEN = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)  # 10:00 in Samara, a Tuesday
LIST = "/admin/accounts/connectionrequest/"
State = ConnectionRequest.State

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _eleven_oclock():
    with time_machine.travel(TEN + timedelta(hours=1), tick=False):
        yield


@pytest.fixture
def operator(client):
    return signed_in(client, roles.OPERATOR, name="Ольга")


def signed_in(client, role, **fields):
    user = StaffFactory(role=role, in_cities=[CityFactory()], **fields)
    client.force_login(user, "accounts.backends.StaffBackend")
    return user


def votkinsk():
    return CityFactory(slug="votkinsk", name="Воткинск", name_en="Votkinsk")


def text(client, url=LIST):
    return client.get(url).content.decode().replace("\N{NO-BREAK SPACE}", " ")


def names(client, query=""):
    return [row.name for row in client.get(LIST + query).context["cl"].result_list]


def post(client, step, request, **data):
    response = client.post(reverse(f"admin:accounts_connectionrequest_{step}", args=[request.pk]), data)
    request.refresh_from_db()
    return response


def said(response):
    return " ".join(map(str, get_messages(response.wsgi_request)))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["overdue", "new", "mine", "closed"]),
        ("?queue=open", ["overdue", "new", "mine"]),
        ("?queue=overdue", ["overdue"]),
        ("?queue=mine", ["mine"]),
        ("?queue=closed", ["closed"]),
    ],
)
def test_the_queue_shows_what_is_asked_for_the_most_urgent_first(client, operator, query, found):
    ConnectionRequestFactory(name="closed", taken_by=operator)
    connections.close(ConnectionRequest.objects.get().pk, state=State.CONNECTED, by=operator, now=TEN)
    ConnectionRequestFactory(name="mine", taken_by=operator, deadline_at=TEN + timedelta(hours=5))
    ConnectionRequestFactory(name="new", deadline_at=TEN + timedelta(hours=4))
    ConnectionRequestFactory(name="overdue", deadline_at=TEN)

    assert names(client, query) == found


def test_other_cities_are_not_seen_but_requests_without_a_city_are(client, operator):
    ConnectionRequestFactory(name="ours")
    ConnectionRequestFactory(name="theirs", city=votkinsk())
    ConnectionRequestFactory(name="nobody's", city=None)

    assert sorted(names(client)) == ["nobody's", "ours"]


@pytest.mark.parametrize("step", ["take", "put_back", "close"])
def test_a_request_of_another_city_cannot_be_touched(client, operator, step):
    request = ConnectionRequestFactory(city=votkinsk())

    assert post(client, step, request, state="connected").status_code == 404


def test_the_deadline_says_how_much_working_time_is_left(client, operator):
    ConnectionRequestFactory(deadline_at=TEN + timedelta(hours=2, minutes=20))

    assert "1 h 20 min left" in text(client)


def test_an_overdue_request_is_marked(client, operator):
    ConnectionRequestFactory(deadline_at=TEN + timedelta(minutes=20))

    assert "overdue by 40 min" in text(client)


def test_a_deadline_missed_after_hours_is_just_overdue(client, operator):
    ConnectionRequestFactory(deadline_at=TEN + timedelta(hours=8))

    with time_machine.travel(TEN + timedelta(hours=9)):
        assert '<strong class="overdue">overdue</strong>' in text(client)


def test_a_closed_request_shows_the_time_it_took(client, operator):
    request = ConnectionRequestFactory(taken_by=operator)
    connections.close(request.pk, state=State.CONNECTED, by=operator, now=TEN + timedelta(minutes=80))

    assert "1 h 20 min" in text(client)


@pytest.mark.parametrize(
    "typed",
    ["анна", "8 (912) 345-67-89", "89123456789", "+7 912 345", "912345", "345-67", "6789", "8912", "79123"],
)
def test_a_request_is_found_by_name_or_by_any_part_of_the_phone(client, operator, typed):
    ConnectionRequestFactory(name="Анна", phone="+79123456789")
    ConnectionRequestFactory(name="Пётр", phone="+79990000000")

    assert [row.name for row in client.get(LIST, {"q": typed}).context["cl"].result_list] == ["Анна"]


def test_the_list_asks_as_many_queries_for_many_rows_as_for_one(
    client, operator, django_assert_max_num_queries, django_assert_num_queries
):
    ConnectionRequestFactory(taken_by=StaffFactory())
    with django_assert_max_num_queries(12) as few:
        client.get(LIST)

    ConnectionRequestFactory.create_batch(20, taken_by=StaffFactory())

    with django_assert_num_queries(len(few)):
        client.get(LIST)


def test_an_operator_takes_a_request_from_its_page(client, operator):
    request = ConnectionRequestFactory()
    page = text(client, f"{LIST}{request.pk}/change/")

    response = post(client, "take", request)

    assert f"{LIST}{request.pk}/take/" in page
    assert (response.status_code, request.state, request.taken_by) == (302, State.TAKEN, operator)


def test_the_second_operator_reads_who_was_first(client, operator):
    request = ConnectionRequestFactory(taken_by=StaffFactory(name="Ирина"))

    response = post(client, "take", request)

    assert "Ирина has taken this request." in said(response)


def test_an_operator_closes_with_an_outcome_and_a_note(client, operator):
    request = ConnectionRequestFactory(taken_by=operator)
    page = text(client, f"{LIST}{request.pk}/change/")

    post(client, "close", request, state="unreachable", note="Три звонка")

    assert all(f'value="{outcome}"' in page for outcome in connections.OUTCOMES)
    assert (request.state, request.note, request.minutes_taken) == (State.UNREACHABLE, "Три звонка", 60)


@pytest.mark.parametrize("data", [{}, {"state": "new"}, {"state": "connected", "note": "А" * 2001}])
def test_a_bad_outcome_or_note_is_refused_with_a_message(client, operator, data):
    request = ConnectionRequestFactory(taken_by=operator)

    response = post(client, "close", request, **data)

    assert (request.state, bool(said(response))) == (State.TAKEN, True)


def test_the_page_of_a_colleagues_request_offers_only_to_put_it_back(client, operator):
    request = ConnectionRequestFactory(taken_by=StaffFactory())

    page = text(client, f"{LIST}{request.pk}/change/")

    assert ("put-back/" in page, "close/" in page, "take/" in page) == (True, False, False)


def test_a_request_left_by_a_colleague_goes_back_to_the_queue(client, operator):
    request = ConnectionRequestFactory(taken_by=StaffFactory())

    post(client, "put_back", request)

    assert (request.state, request.taken_by) == (State.NEW, None)


def test_a_closed_request_offers_nothing(client, operator):
    request = ConnectionRequestFactory(taken_by=operator)
    connections.close(request.pk, state=State.CONNECTED, by=operator, now=TEN)

    page = text(client, f"{LIST}{request.pk}/change/")

    assert not any(step in page for step in ("put-back/", "close/", "take/"))


@pytest.mark.parametrize("step", ["take", "put_back", "close"])
def test_a_step_needs_post(client, operator, step):
    url = reverse(f"admin:accounts_connectionrequest_{step}", args=[ConnectionRequestFactory().pk])

    assert client.get(url).status_code == 405


def test_requests_are_neither_added_by_hand_nor_deleted(client, operator):
    request = ConnectionRequestFactory()

    statuses = [client.get(LIST + path).status_code for path in ("add/", f"{request.pk}/delete/")]

    assert statuses == [403, 403]


def test_fields_cannot_be_changed_past_the_buttons(client, operator):
    request = ConnectionRequestFactory()

    response = client.post(f"{LIST}{request.pk}/change/", {"name": "Другая", "state": "connected"})

    assert (response.status_code, ConnectionRequest.objects.get().name) == (403, "Анна")


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (roles.OPERATOR, 302),
        (roles.SUPPORT_AGENT, 302),
        (roles.SUPERVISOR, 302),
        (roles.NETWORK_ENGINEER, 403),
        (roles.ACCOUNTANT, 403),
        (roles.CATALOGUE_MANAGER, 403),
    ],
)
def test_only_those_who_call_may_take(client, role, status):
    signed_in(client, role)

    assert post(client, "take", ConnectionRequestFactory()).status_code == status


@pytest.mark.parametrize("role", [roles.NETWORK_ENGINEER, roles.ACCOUNTANT, roles.CATALOGUE_MANAGER])
def test_other_roles_do_not_see_the_queue(client, role):
    signed_in(client, role)

    assert client.get(LIST).status_code == 403
