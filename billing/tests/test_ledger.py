"""The ledger's promises, kept by PostgreSQL."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection

from accounts.tests.factories import ContractFactory
from billing import ledger
from billing.models import Account, EntryKind, LedgerEntry

NOON = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    return Account.objects.get(contract=ContractFactory())


def post(account, amount="100.00", key="payment:1"):
    return ledger.post(account.pk, kind=EntryKind.TOP_UP, amount=Decimal(amount), key=key, now=NOON)


def test_every_contract_has_an_empty_account(account):
    assert account.balance == 0


def test_the_balance_is_the_sum_of_the_entries(account):
    post(account, "100.00", "payment:1")
    post(account, "-30.50", "month:1")

    account.refresh_from_db()

    assert account.balance == Decimal("69.50")


def test_repeating_a_key_with_the_same_content_changes_nothing(account):
    first = post(account)

    again = post(account)

    account.refresh_from_db()
    assert (again.pk, account.balance) == (first.pk, Decimal("100.00"))


def test_repeating_a_key_with_another_amount_is_an_error(account):
    post(account)

    with pytest.raises(ledger.KeyTaken):
        post(account, "200.00")


def test_a_key_of_another_account_is_an_error(account):
    post(account)
    other = Account.objects.get(contract=ContractFactory())

    with pytest.raises(ledger.KeyTaken):
        post(other)


@pytest.mark.parametrize("amount", ["0", "0.001", "10.005"])
def test_only_whole_kopecks_are_posted(account, amount):
    with pytest.raises(ValueError, match="kopecks"):
        post(account, amount)


@pytest.mark.parametrize("statement", ["UPDATE billing_ledgerentry SET amount = 1", "DELETE FROM billing_ledgerentry"])
def test_the_database_refuses_to_rewrite_the_ledger(account, statement):
    post(account)

    with pytest.raises(IntegrityError, match="append-only"), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_database_refuses_a_balance_written_by_hand(account):
    with pytest.raises(IntegrityError, match="ledger entries only"):
        Account.objects.filter(pk=account.pk).update(balance=5)


def test_a_bulk_insert_moves_every_balance(account):
    other = Account.objects.get(contract=ContractFactory())
    entries = [
        LedgerEntry(account=owner, kind=EntryKind.MONTH, amount=-5, key=f"month:{owner.pk}:{n}", at=NOON)
        for owner in (account, other)
        for n in range(3)
    ]

    LedgerEntry.objects.bulk_create(entries)

    assert list(Account.objects.values_list("balance", flat=True)) == [-15, -15]
