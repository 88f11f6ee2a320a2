"""The queue of «Подключиться»: who waits, who calls, how long it took."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError
from phonenumber_field.phonenumber import PhoneNumber

from accounts import connections, journal, limits
from accounts.models import ConnectionRequest
from accounts.tests.at_once import at_once
from accounts.tests.factories import CityFactory, ConnectionRequestFactory, StaffFactory

TEN = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)  # 10:00 in Samara, a Tuesday
State = ConnectionRequest.State

pytestmark = pytest.mark.django_db


def submit(phone="+79123456789", *, name="Анна", network="192.0.2.0/24", now=TEN, city=None):
    phone = PhoneNumber.from_string(phone)
    return connections.submit(name=name, phone=phone, city=city, network=network, now=now)


def test_a_request_waits_in_the_queue_with_a_deadline_in_working_time():
    submit(now=TEN + timedelta(hours=7), city=CityFactory())

    request = ConnectionRequest.objects.get()

    assert (request.state, request.deadline_at) == (State.NEW, datetime(2026, 11, 25, 6, 0, tzinfo=UTC))


def test_the_promise_is_the_deadline():
    assert submit() == TEN + timedelta(hours=2)


def test_a_second_request_with_an_open_phone_changes_nothing():
    submit(name="Анна")

    submit(name="Пётр", now=TEN + timedelta(minutes=5))

    assert ConnectionRequest.objects.values_list("name", "created_at").get() == ("Анна", TEN)


def test_a_second_request_with_an_open_phone_is_answered_as_any_other():
    submit()

    assert submit(now=TEN + timedelta(minutes=5)) == TEN + timedelta(hours=2, minutes=5)


def test_a_phone_may_ask_again_when_its_request_is_closed():
    operator = StaffFactory()
    request = ConnectionRequestFactory(phone="+79123456789", taken_by=operator)
    connections.close(request.pk, state=State.UNREACHABLE, by=operator, now=TEN)

    submit()

    assert ConnectionRequest.objects.open().count() == 1


def test_a_network_sends_twenty_requests_an_hour():
    for number in range(connections.BY_NETWORK.ceiling):
        submit(f"+791234567{number:02d}")

    with pytest.raises(limits.LimitReached):
        submit("+79123456789")


def test_another_network_is_not_held_back():
    for number in range(connections.BY_NETWORK.ceiling):
        submit(f"+791234567{number:02d}")

    submit("+79123456789", network="198.51.100.0/24")

    assert ConnectionRequest.objects.count() == connections.BY_NETWORK.ceiling + 1


def test_all_networks_together_send_three_hundred_an_hour():
    for _number in range(300):
        limits.take(connections.OVERALL, "", now=TEN)

    with pytest.raises(limits.LimitReached):
        submit()


def test_an_operator_takes_a_request():
    request, operator = ConnectionRequestFactory(), StaffFactory()

    connections.take(request.pk, by=operator, now=TEN)

    request.refresh_from_db()
    assert (request.state, request.taken_by, request.taken_at) == (State.TAKEN, operator, TEN)


def test_the_second_operator_hears_who_was_first():
    request = ConnectionRequestFactory(taken_by=StaffFactory(name="Ольга"))

    with pytest.raises(connections.RequestNotOpen, match="Ольга has taken"):
        connections.take(request.pk, by=StaffFactory(), now=TEN)


def test_closing_keeps_the_working_time_it_took():
    operator = StaffFactory()
    request = ConnectionRequestFactory(taken_by=operator)

    connections.close(
        request.pk, state=State.CONNECTED, by=operator, now=TEN + timedelta(days=1, minutes=20), note="Да"
    )

    request.refresh_from_db()
    assert (request.state, request.minutes_taken, request.note) == (State.CONNECTED, 9 * 60 + 20, "Да")


def test_only_the_operator_who_took_it_closes_a_request():
    request = ConnectionRequestFactory(taken_by=StaffFactory(name="Ольга"))

    with pytest.raises(connections.RequestNotOpen, match="Ольга"):
        connections.close(request.pk, state=State.REFUSED, by=StaffFactory(), now=TEN)


def test_a_request_is_taken_before_it_is_closed():
    request = ConnectionRequestFactory()

    with pytest.raises(connections.RequestNotOpen, match="Take it first"):
        connections.close(request.pk, state=State.REFUSED, by=StaffFactory(), now=TEN)


def test_a_closed_request_stays_closed():
    operator = StaffFactory(name="Ольга")
    request = ConnectionRequestFactory(taken_by=operator)
    connections.close(request.pk, state=State.REFUSED, by=operator, now=TEN)

    with pytest.raises(connections.RequestNotOpen, match="closed already by Ольга: refused by the person"):
        connections.take(request.pk, by=operator, now=TEN)


def test_a_request_cannot_be_closed_as_new():
    with pytest.raises(ValueError, match="outcome"):
        connections.close(ConnectionRequestFactory().pk, state=State.NEW, by=StaffFactory(), now=TEN)


def test_a_colleague_puts_a_taken_request_back():
    request = ConnectionRequestFactory(taken_by=StaffFactory())

    connections.put_back(request.pk, by=StaffFactory(), now=TEN)

    request.refresh_from_db()
    assert (request.state, request.taken_by) == (State.NEW, None)


def test_a_request_that_nobody_took_cannot_be_put_back():
    with pytest.raises(connections.RequestNotOpen):
        connections.put_back(ConnectionRequestFactory().pk, by=StaffFactory(), now=TEN)


def test_every_step_is_in_the_journal():
    request, operator = ConnectionRequestFactory(), StaffFactory()

    connections.take(request.pk, by=operator, now=TEN)
    connections.put_back(request.pk, by=operator, now=TEN)
    connections.take(request.pk, by=operator, now=TEN)
    connections.close(request.pk, state=State.CONNECTED, by=operator, now=TEN)

    actions = journal.of(request).order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["request_taken", "request_put_back", "request_taken", "request_closed"]


def test_the_database_refuses_a_taken_request_without_an_operator():
    with pytest.raises(IntegrityError, match="has_its_operator"):
        ConnectionRequestFactory(state=State.TAKEN)


def test_a_promise_survives_the_way_through_the_address():
    assert connections.read_promise(connections.sign_promise(TEN)) == TEN


@pytest.mark.parametrize("signed", ["", "soon", "1764000000", connections.sign_promise])
def test_an_altered_promise_is_not_believed(signed):
    if callable(signed):
        signed = signed(TEN) + "x"

    assert connections.read_promise(signed) is None


def test_an_old_promise_is_not_repeated():
    with time_machine.travel(TEN - timedelta(days=2)):
        signed = connections.sign_promise(TEN)

    with time_machine.travel(TEN):
        assert connections.read_promise(signed) is None


@pytest.mark.django_db(transaction=True)
def test_of_two_operators_at_once_one_takes_the_request():
    request, operators = ConnectionRequestFactory(), [StaffFactory(), StaffFactory()]

    results = at_once(2, lambda number: connections.take(request.pk, by=operators[number], now=TEN))

    assert sorted(type(result).__name__ for result in results) == ["NoneType", "RequestNotOpen"]


@pytest.mark.django_db(transaction=True)
def test_of_two_outcomes_at_once_one_is_kept():
    operator = StaffFactory()
    request = ConnectionRequestFactory(taken_by=operator)

    results = at_once(
        2, lambda number: connections.close(request.pk, state=connections.OUTCOMES[number], by=operator, now=TEN)
    )

    assert sorted(type(result).__name__ for result in results) == ["NoneType", "RequestNotOpen"]


@pytest.mark.django_db(transaction=True)
def test_twenty_same_phones_at_once_make_one_request():
    results = at_once(20, lambda number: submit(network=f"198.51.{number}.0/24"))

    assert (set(results), ConnectionRequest.objects.count()) == ({TEN + timedelta(hours=2)}, 1)
