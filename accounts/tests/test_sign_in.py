"""Who gets in, and how often one may try."""

from datetime import UTC, date, datetime, timedelta
from unittest import mock

import pytest
from django.contrib.auth import authenticate
from django.test import RequestFactory

from accounts import sign_in
from accounts.backends import StaffBackend, SubscriberBackend
from accounts.credentials import OwaspArgon2idHasher
from accounts.models import Contract, SignInLock
from accounts.tests.at_once import at_once
from accounts.tests.factories import PASSWORD, CityFactory, ContractFactory, StaffFactory, UserFactory

NOON = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)


def request_from(address: str = "10.0.0.1"):
    return RequestFactory().post("/login/", REMOTE_ADDR=address)


def enter(user=None, *, city="izhevsk", login=None, password=PASSWORD, address="10.0.0.1", now=NOON):
    login = login or user.login
    return sign_in.subscriber(request_from(address), city=city, login=login, password=password, now=now)


def fail(times: int, *, login: str, now: datetime = NOON, **where: str) -> list[sign_in.SignInRefused]:
    refusals = []
    for _try in range(times):
        with pytest.raises(sign_in.SignInRefused) as refusal:
            enter(login=login, password="wrong-password", now=now, **where)
        refusals.append(refusal.value)
    return refusals


@pytest.mark.django_db
def test_a_subscriber_signs_in_with_city_login_and_password():
    user = UserFactory()

    assert enter(user) == user


@pytest.mark.django_db
def test_the_same_login_in_another_city_is_another_subscriber():
    here = UserFactory()
    votkinsk = CityFactory(slug="votkinsk", name="Воткинск")
    there = UserFactory(contract__house__street__city=votkinsk, login=here.login)

    assert enter(city="votkinsk", login=here.login) == there


@pytest.mark.django_db
def test_letter_case_of_the_login_does_not_matter():
    user = UserFactory(login="ivanov")

    assert enter(login="IVANOV") == user


@pytest.mark.django_db
def test_staff_cannot_enter_the_cabinet_nor_subscribers_the_admin():
    staff, subscriber = StaffFactory(), UserFactory()

    assert SubscriberBackend().authenticate(None, city="izhevsk", login=staff.login, password=PASSWORD) is None
    assert StaffBackend().authenticate(None, username=subscriber.login, password=PASSWORD) is None
    assert authenticate(None, username=staff.login, password=PASSWORD) == staff


@pytest.mark.django_db
def test_unknown_wrong_and_terminated_get_the_same_answer():
    user = UserFactory()
    gone = UserFactory(contract=ContractFactory(state=Contract.State.TERMINATED, ended_on=date(2026, 11, 1)))

    unknown = fail(1, login="nobody")[0]
    wrong = fail(1, login=user.login)[0]
    with pytest.raises(sign_in.SignInRefused) as terminated:
        enter(gone)

    answers = {(str(answer), answer.tries_left) for answer in (unknown, wrong, terminated.value)}
    assert answers == {
        ("City, login or password do not match. Check the keyboard layout and Caps Lock. 4 tries left.", 4)
    }


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["unknown", "wrong", "terminated", "inactive"])
def test_every_refusal_costs_one_hash(state):
    login = "nobody"
    if state == "wrong":
        login = UserFactory().login
    elif state == "terminated":
        gone = ContractFactory(state=Contract.State.TERMINATED, ended_on=date(2026, 11, 1))
        login = UserFactory(contract=gone).login
    elif state == "inactive":
        login = UserFactory(is_active=False).login

    with (
        mock.patch.object(OwaspArgon2idHasher, "encode", autospec=True, side_effect=OwaspArgon2idHasher.encode) as made,
        mock.patch.object(OwaspArgon2idHasher, "verify", autospec=True, side_effect=OwaspArgon2idHasher.verify) as read,
    ):
        fail(1, login=login)

    assert made.call_count + read.call_count == 1


@pytest.mark.django_db
def test_five_failures_lock_even_the_right_password_and_name_the_phone():
    user = UserFactory()

    last = fail(5, login=user.login)[-1]
    with pytest.raises(sign_in.SignInRefused, match="918-111") as locked:
        enter(user)

    assert (last.tries_left, last.locked_until) == (0, NOON + timedelta(minutes=15))
    assert str(locked.value) == str(last)


@pytest.mark.django_db
def test_a_login_that_does_not_exist_locks_just_the_same():
    known = fail(6, login=UserFactory().login)
    unknown = fail(6, login="nobody")

    assert [(str(a), a.tries_left) for a in known] == [(str(a), a.tries_left) for a in unknown]


@pytest.mark.django_db
def test_the_lock_ends_after_fifteen_minutes():
    user = UserFactory()
    fail(5, login=user.login)

    assert enter(user, now=NOON + timedelta(minutes=15)) == user


@pytest.mark.django_db
def test_a_neighbour_network_is_not_locked_with_it():
    user = UserFactory()
    fail(5, login=user.login, address="10.0.0.1")

    assert enter(user, address="10.0.1.1") == user


@pytest.mark.django_db
def test_a_guesser_with_many_networks_meets_the_ceiling_of_the_login():
    user = UserFactory()
    for network in range(4):
        fail(5, login=user.login, address=f"10.1.{network}.1")

    with pytest.raises(sign_in.SignInRefused):
        enter(user, address="10.2.0.1")


@pytest.mark.django_db
def test_a_network_that_tries_many_logins_meets_its_own_ceiling():
    user = UserFactory()
    with mock.patch.object(OwaspArgon2idHasher, "encode", return_value="argon2$x"):
        for number in range(100):
            fail(1, login=f"guess{number}")

    with pytest.raises(sign_in.SignInRefused):
        enter(user)


@pytest.mark.django_db
def test_success_forgets_the_failures():
    user = UserFactory()
    fail(4, login=user.login)

    enter(user)

    assert fail(1, login=user.login)[0].tries_left == 4


@pytest.mark.django_db
def test_staff_see_the_lock():
    fail(5, login="nobody")

    locks = SignInLock.objects.in_force(now=NOON)

    assert [lock.subject for lock in locks] == ["izhevsk/nobody · 10.0.0.0/24"]


@pytest.mark.django_db(transaction=True)
def test_two_hundred_wrong_passwords_at_once_cost_at_most_five_checks():
    user = UserFactory()

    with mock.patch.object(
        OwaspArgon2idHasher, "verify", autospec=True, side_effect=OwaspArgon2idHasher.verify
    ) as checks:
        answers = at_once(200, lambda _number: enter(user, password="wrong-password"))

    assert {type(answer) for answer in answers} == {sign_in.SignInRefused}
    assert 1 <= checks.call_count <= 5
