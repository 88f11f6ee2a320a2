"""Corrections by staff."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from accounts.models import JournalEntry
from accounts.tests.at_once import at_once
from accounts.tests.factories import ContractFactory, StaffFactory
from billing import adjustments
from billing.models import Account, Adjustment, LedgerEntry

NOON = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
def account(db):
    return Account.objects.get(contract=ContractFactory())


def propose(account, amount="-100.00", *, author=None, operation=None):
    return adjustments.propose(
        account.pk,
        operation=operation or uuid4(),
        amount=Decimal(amount),
        reason="cable fault",
        author=author or StaffFactory(),
        now=NOON,
    )


def balance_of(account) -> Decimal:
    return Account.objects.get(pk=account.pk).balance


@pytest.mark.parametrize("amount", ["5000.00", "-5000.00", "0.01"])
def test_up_to_the_limit_it_is_posted_at_once(account, amount):
    propose(account, amount)

    assert balance_of(account) == Decimal(amount)


@pytest.mark.parametrize("amount", ["5000.01", "-5000.01"])
def test_above_the_limit_it_waits(account, amount):
    adjustment = propose(account, amount)

    assert (adjustment.state, balance_of(account)) == (Adjustment.State.WAITING, 0)


def test_another_person_signs_and_it_is_posted_with_the_reason(account):
    adjustment = propose(account, "6000")
    second = StaffFactory()

    adjustments.approve(adjustment.pk, by=second, now=NOON)

    entry = LedgerEntry.objects.get()
    assert (entry.amount, entry.title, entry.author) == (6000, "cable fault", second)


def test_nobody_signs_their_own(account):
    author = StaffFactory()
    adjustment = propose(account, "6000", author=author)

    with pytest.raises(adjustments.AdjustmentRefused, match="another person"):
        adjustments.approve(adjustment.pk, by=author, now=NOON)

    assert balance_of(account) == 0


def test_the_database_refuses_two_signatures_of_one_person(account):
    adjustment = propose(account, "6000")

    with pytest.raises(IntegrityError, match="two_hands_are_two_people"), transaction.atomic():
        Adjustment.objects.filter(pk=adjustment.pk).update(second=adjustment.author)


@pytest.mark.parametrize("decide", [adjustments.approve, adjustments.reject])
def test_a_decided_one_is_not_decided_again(account, decide):
    adjustment = propose(account, "6000")
    adjustments.reject(adjustment.pk, by=StaffFactory(), now=NOON)

    with pytest.raises(adjustments.AdjustmentRefused, match="decided already"):
        decide(adjustment.pk, by=StaffFactory(), now=NOON)

    assert balance_of(account) == 0


def test_a_form_sent_twice_is_one_adjustment(account):
    author, operation = StaffFactory(), uuid4()

    first = propose(account, author=author, operation=operation)
    again = propose(account, author=author, operation=operation)

    assert (again, balance_of(account)) == (first, -100)


def test_each_step_is_in_the_journal(account):
    adjustment = propose(account, "6000")
    adjustments.approve(adjustment.pk, by=StaffFactory(), now=NOON)

    actions = list(JournalEntry.objects.order_by("pk").values_list("action", "city__slug"))

    assert actions == [("adjustment_proposed", "izhevsk"), ("adjustment_approved", "izhevsk")]


@pytest.mark.django_db(transaction=True)
def test_eight_signatures_at_once_post_it_once():
    account = Account.objects.get(contract=ContractFactory())
    adjustment, seconds = propose(account, "6000"), StaffFactory.create_batch(8)

    at_once(8, lambda number: adjustments.approve(adjustment.pk, by=seconds[number], now=NOON))

    assert balance_of(account) == 6000


@pytest.mark.django_db(transaction=True)
def test_one_form_sent_eight_times_at_once_is_one_adjustment():
    account, author, operation = Account.objects.get(contract=ContractFactory()), StaffFactory(), uuid4()

    at_once(8, lambda _number: propose(account, author=author, operation=operation))

    assert (Adjustment.objects.count(), balance_of(account)) == (1, -100)
