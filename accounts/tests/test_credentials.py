"""Passwords: made, shown once, reissued, changed."""

from datetime import UTC, date, datetime, timedelta

import pytest

from accounts import contracts, credentials, journal, limits
from accounts.models import CredentialSheet, JournalEntry, Session, User
from accounts.tests.at_once import at_once
from accounts.tests.factories import (
    PASSWORD,
    ContractFactory,
    HouseFactory,
    StaffFactory,
    SubscriberFactory,
    UserFactory,
)

NOON = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
PASSPORT = "9408123456"


@pytest.fixture
def author(db):
    return StaffFactory()


@pytest.fixture
def contract(author):
    subscriber = SubscriberFactory()
    subscriber.set_passport(PASSPORT)
    subscriber.save()
    return contracts.open_contract(
        subscriber=subscriber, house=HouseFactory(), flat="7", started_on=date(2026, 12, 1), author=author, now=NOON
    )


def session_of(user: User) -> Session:
    return Session.objects.create(
        session_key=f"key-of-{user.pk}", session_data="", expire_date=NOON + timedelta(days=9), user=user
    )


def test_a_readable_password_has_no_letters_that_look_alike():
    passwords = {credentials.readable_password() for _number in range(200)}

    assert len(passwords) == 200
    assert not set("ilo01") & set("".join(passwords))


def test_a_new_contract_has_a_number_a_login_and_a_password_that_works(contract, author):
    password = credentials.show_once(contract, viewer=author, now=NOON)

    user = User.objects.get(contract=contract)
    assert user.login == contract.number
    assert user.check_password(password)


def test_the_password_is_shown_once(contract, author):
    credentials.show_once(contract, viewer=author, now=NOON)

    with pytest.raises(credentials.SheetGone):
        credentials.show_once(contract, viewer=author, now=NOON)


def test_the_password_is_shown_to_its_author_only(contract):
    with pytest.raises(credentials.SheetGone):
        credentials.show_once(contract, viewer=StaffFactory(), now=NOON)


def test_a_password_that_waited_too_long_is_not_shown(contract, author):
    with pytest.raises(credentials.SheetGone):
        credentials.show_once(contract, viewer=author, now=NOON + timedelta(minutes=30))


def test_the_waiting_password_is_not_readable_in_the_database(contract, author):
    sealed = bytes(CredentialSheet.objects.get().password_sealed)

    password = credentials.show_once(contract, viewer=author, now=NOON)

    assert password.encode() not in sealed


@pytest.mark.parametrize(("typed", "answer"), [("94 08 123456", True), ("9408 000000", False), ("", False)])
def test_the_passport_check_answers_yes_or_no_and_journals_it(contract, author, typed, answer):
    confirmed = credentials.confirm_identity(contract, typed, actor=author, now=NOON)

    assert confirmed is answer
    assert journal.of(contract)[0].action == ("identity_confirmed" if answer else "identity_not_confirmed")
    assert PASSPORT not in str(list(JournalEntry.objects.values()))


def test_nobody_may_guess_a_passport(contract, author):
    for _try in range(5):
        credentials.confirm_identity(contract, "9408000000", actor=author, now=NOON)

    with pytest.raises(limits.LimitReached):
        credentials.confirm_identity(contract, PASSPORT, actor=StaffFactory(), now=NOON)


def test_a_password_is_not_reissued_without_the_check(contract, author):
    with pytest.raises(credentials.IdentityNotConfirmed):
        credentials.reissue(contract, actor=author, now=NOON)


@pytest.mark.parametrize("minutes", [10, 11])
def test_an_old_check_does_not_count(contract, author, minutes):
    credentials.confirm_identity(contract, PASSPORT, actor=author, now=NOON)

    with pytest.raises(credentials.IdentityNotConfirmed):
        credentials.reissue(contract, actor=author, now=NOON + timedelta(minutes=minutes))


def test_somebody_elses_check_does_not_count(contract, author):
    credentials.confirm_identity(contract, PASSPORT, actor=StaffFactory(), now=NOON)

    with pytest.raises(credentials.IdentityNotConfirmed):
        credentials.reissue(contract, actor=author, now=NOON)


def test_a_reissued_password_works_and_the_old_one_and_every_session_end(contract, author):
    old = credentials.show_once(contract, viewer=author, now=NOON)
    session_of(contract.user)
    credentials.confirm_identity(contract, PASSPORT, actor=author, now=NOON)

    credentials.reissue(contract, actor=author, now=NOON)

    new = credentials.show_once(contract, viewer=author, now=NOON)
    user = User.objects.get(contract=contract)
    assert (user.check_password(new), user.check_password(old)) == (True, False)
    assert not Session.objects.exists()


def test_one_check_gives_one_reissue(contract, author):
    credentials.confirm_identity(contract, PASSPORT, actor=author, now=NOON)
    credentials.reissue(contract, actor=author, now=NOON)

    with pytest.raises(credentials.IdentityNotConfirmed):
        credentials.reissue(contract, actor=author, now=NOON + timedelta(minutes=1))


def test_a_changed_password_ends_the_other_sessions(db):
    user = UserFactory()
    kept = session_of(user)
    Session.objects.create(session_key="other", session_data="", expire_date=NOON + timedelta(days=9), user=user)

    ended = credentials.change(user, current=PASSWORD, new="new-password-77", keep=kept.session_key, now=NOON)

    assert ended == 1
    assert list(Session.objects.all()) == [kept]


def test_the_current_password_cannot_be_guessed_from_an_open_browser(db):
    user = UserFactory()
    for _try in range(5):
        with pytest.raises(credentials.WrongPassword):
            credentials.change(user, current="wrong-password", new="new-password-77", keep=None, now=NOON)

    with pytest.raises(limits.LimitReached):
        credentials.change(user, current=PASSWORD, new="new-password-77", keep=None, now=NOON)


def test_a_terminated_contract_ends_its_sessions(contract, author):
    session_of(contract.user)

    contracts.terminate(contract, actor=author, reason="moved away", ended_on=date(2026, 12, 1), now=NOON)

    contract.refresh_from_db()
    assert contract.is_terminated
    assert not Session.objects.exists()


@pytest.mark.parametrize("ended_on", [date(2026, 11, 30), date(2026, 12, 2)])
def test_a_contract_ends_between_its_start_and_today(contract, author, ended_on):
    with pytest.raises(contracts.TerminationRefused):
        contracts.terminate(contract, actor=author, reason="moved away", ended_on=ended_on, now=NOON)


@pytest.mark.django_db(transaction=True)
def test_contracts_opened_at_once_get_different_numbers():
    author, subscriber, house = StaffFactory(), SubscriberFactory(), HouseFactory()

    opened = at_once(
        8,
        lambda _number: contracts.open_contract(
            subscriber=subscriber, house=house, flat="", started_on=date(2026, 12, 1), author=author, now=NOON
        ),
    )

    assert len({contract.number for contract in opened}) == 8


@pytest.mark.django_db(transaction=True)
def test_a_password_asked_for_twice_at_once_is_shown_once():
    author, contract = StaffFactory(), ContractFactory()
    credentials.issue(UserFactory(contract=contract), contract, author=author, now=NOON)

    shown = at_once(8, lambda _number: credentials.show_once(contract, viewer=author, now=NOON))

    assert sum(isinstance(answer, str) for answer in shown) == 1
