"""Posting at the same moment, on real connections."""

from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.tests.at_once import at_once
from accounts.tests.factories import ContractFactory
from billing import ledger
from billing.models import Account, EntryKind, LedgerEntry

NOON = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db(transaction=True)


def post(contract, key, amount="10.00"):
    return ledger.post(contract.pk, kind=EntryKind.TOP_UP, amount=Decimal(amount), key=key, now=NOON)


def test_fifty_postings_of_one_key_make_one_entry():
    contract = ContractFactory()

    entries = at_once(50, lambda _number: post(contract, "payment:1"))

    assert len({entry.pk for entry in entries}) == LedgerEntry.objects.count() == 1
    assert Account.objects.get(pk=contract.pk).balance == 10


def test_fifty_different_keys_all_count():
    contract = ContractFactory()

    at_once(50, lambda number: post(contract, f"payment:{number}"))

    assert Account.objects.get(pk=contract.pk).balance == 500


def test_one_key_on_two_accounts_belongs_to_one_of_them():
    contracts = [ContractFactory(), ContractFactory()]

    answers = at_once(2, lambda number: post(contracts[number], "payment:1"))

    assert sorted(type(answer).__name__ for answer in answers) == ["KeyTaken", "LedgerEntry"]
    assert LedgerEntry.objects.count() == 1


def test_the_audit_finds_no_difference_where_there_is_none():
    post(ContractFactory(), "payment:1")
    out = StringIO()

    call_command("audit_ledger", stdout=out)

    assert out.getvalue() == "1 accounts, no difference\n"


def test_the_audit_names_a_difference_and_fails():
    contract = ContractFactory()
    post(contract, "payment:1")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE billing_account DISABLE TRIGGER only_the_ledger_moves_a_balance")
        cursor.execute("UPDATE billing_account SET balance = 11")
        cursor.execute("ALTER TABLE billing_account ENABLE TRIGGER only_the_ledger_moves_a_balance")
    err = StringIO()

    with pytest.raises(CommandError, match="1 accounts differ"):
        call_command("audit_ledger", stderr=err)

    assert err.getvalue() == f"contract {contract.number}: balance 11.00, entries 10.00\n"
