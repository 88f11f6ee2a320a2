"""A promised payment's life: given, kept, broken, paid since."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import transaction

from accounts import journal
from accounts.models import Contract
from accounts.tests.at_once import at_once
from accounts.tests.factories import ContractFactory
from billing import ledger, promises
from billing.models import Account, EntryKind, PromisedPayment
from billing.promises import PromiseRefused
from billing.tests.factories import NOON, PromisedPaymentFactory, account_of, put
from billing.tests.test_promise_terms import contract_with_fee, noon
from notifications.models import Notice

State = PromisedPayment.State
DEBT, ACTIVE = Contract.State.SUSPENDED_FOR_DEBT, Contract.State.ACTIVE
pytestmark = pytest.mark.django_db


def grant(contract, *, operation=None, now=NOON):
    return promises.grant(contract.pk, operation=operation or uuid4(), now=now)


def notices(contract):
    return list(Notice.objects.filter(contract=contract).order_by("pk").values_list("kind", flat=True))


def in_need() -> Contract:
    return contract_with_fee(balance=-70, state=DEBT)


def state_of(contract):
    return Contract.objects.get(pk=contract.pk).state


# Given


def test_it_lends_what_was_quoted_and_moves_no_money():
    contract = in_need()

    promise = grant(contract)

    assert (promise.amount, promise.state, promise.due_at) == (70, State.OPEN, datetime(2026, 11, 25, 20, tzinfo=UTC))
    assert promise.terms["missing"] == "70.00"
    assert Account.objects.get(pk=contract.pk).balance == -70
    assert notices(contract) == ["promise_granted"]


def test_a_second_promise_is_refused_while_one_is_open():
    contract = in_need()
    grant(contract)

    with pytest.raises(PromiseRefused, match="already"):
        grant(contract)


def test_the_same_operation_is_the_same_promise():
    contract, operation = in_need(), uuid4()

    first, again = grant(contract, operation=operation), grant(contract, operation=operation)

    assert first.pk == again.pk
    assert PromisedPayment.objects.count() == 1


def test_an_operation_of_another_contract_is_refused():
    promise = PromisedPaymentFactory()

    with pytest.raises(PromiseRefused, match="grown old"):
        grant(in_need(), operation=promise.operation)


def test_what_the_page_would_refuse_is_refused():
    with pytest.raises(PromiseRefused, match="Nothing is missing"):
        grant(ContractFactory())


def test_a_contract_that_ended_meanwhile_is_refused():
    contract = in_need()
    Contract.objects.filter(pk=contract.pk).update(state=Contract.State.TERMINATED, ended_on=NOON.date())

    with pytest.raises(PromiseRefused, match="has ended"):
        grant(contract)


# Kept


def test_it_is_kept_as_soon_as_the_balance_reaches_zero():
    contract = in_need()
    promise = grant(contract)

    put(contract.pk, "69.99")
    promise.refresh_from_db()
    assert promise.state == State.OPEN

    put(contract.pk, "0.01", now=NOON + timedelta(hours=1))
    promise.refresh_from_db()
    assert (promise.state, promise.closed_at) == (State.KEPT, NOON + timedelta(hours=1))
    assert notices(contract) == ["promise_granted", "promise_kept"]


def test_before_the_charge_it_is_kept_by_what_the_charge_needs():
    contract = contract_with_fee(balance=100)
    promise = grant(contract, now=noon(2026, 11, 28))

    put(contract.pk, 399)
    promise.refresh_from_db()
    assert promise.state == State.OPEN

    put(contract.pk, 1)
    promise.refresh_from_db()
    assert promise.state == State.KEPT


def test_after_the_charge_it_is_kept_by_zero():
    contract = contract_with_fee(balance=100)
    promise = grant(contract, now=noon(2026, 11, 28))
    ledger.post(contract.pk, kind=EntryKind.MONTH, amount=Decimal(-500), key=f"month:{contract.pk}:2026-12", now=NOON)

    put(contract.pk, 400)

    promise.refresh_from_db()
    assert promise.state == State.KEPT


def test_zero_before_the_charge_that_it_was_taken_for_does_not_end_it():
    contract = contract_with_fee(balance=-70, month=(2026, 10), state=DEBT)
    promise = grant(contract)

    put(contract.pk, 70)

    promise.refresh_from_db()
    assert promise.state == State.OPEN


def test_money_that_goes_keeps_nothing():
    contract = contract_with_fee(balance=100)
    promise = grant(contract, now=noon(2026, 11, 28))

    put(contract.pk, -10)

    promise.refresh_from_db()
    assert promise.state == State.OPEN


# Over


def test_before_its_term_it_stays():
    contract = in_need()
    promise = grant(contract)

    assert promises.close_due(now=promise.due_at - timedelta(seconds=1)) == 0


def test_at_the_term_below_zero_it_is_broken_and_the_service_stops():
    contract = contract_with_fee(balance=-70)
    promise = grant(contract)

    assert promises.close_due(now=promise.due_at) == 1

    promise.refresh_from_db()
    assert (promise.state, promise.closed_at, state_of(contract)) == (State.BROKEN, promise.due_at, DEBT)
    assert notices(contract) == ["promise_granted", "promise_broken"]
    assert [entry.action for entry in journal.of(contract)] == ["suspended_for_debt"]


def test_at_the_term_with_zero_it_is_kept():
    contract = contract_with_fee(balance=100)
    promise = grant(contract, now=noon(2026, 11, 28))

    promises.close_due(now=promise.due_at)

    promise.refresh_from_db()
    assert (promise.state, state_of(contract)) == (State.KEPT, ACTIVE)


def test_the_credit_that_a_contract_allows_may_stay_used():
    contract = contract_with_fee(balance=-70)
    promise = grant(contract)
    account_of(contract, credit_limit=70)

    promises.close_due(now=promise.due_at)

    promise.refresh_from_db()
    assert promise.state == State.KEPT


def test_a_broken_one_is_paid_since_when_zero_is_reached():
    contract = contract_with_fee(balance=-70)
    promise = grant(contract)
    promises.close_due(now=promise.due_at)

    put(contract.pk, 69)
    promise.refresh_from_db()
    assert promise.repaid_at is None

    put(contract.pk, 1, now=promise.due_at + timedelta(days=1))
    promise.refresh_from_db()
    assert (promise.state, promise.repaid_at) == (State.BROKEN, promise.due_at + timedelta(days=1))


def test_the_day_before_its_last_a_reminder_says_once_how_much_to_pay():
    contract = contract_with_fee(balance="-70.50")
    promise = grant(contract)  # until the end of the 25th

    counts = [promises.remind(now=now) for now in (noon(2026, 11, 23), noon(2026, 11, 24), noon(2026, 11, 24))]

    assert counts == [0, 1, 0]
    assert Notice.objects.get(kind="promise_ends_tomorrow").facts == {"pay": "70.50", "until": "2026-11-25"}
    assert promise.state == State.OPEN


# At once


@pytest.mark.django_db(transaction=True)
def test_closing_and_paying_at_once_end_it_once():
    contract = contract_with_fee(balance=-70)
    promise = grant(contract)

    at_once(
        10,
        lambda number: put(contract.pk, 70) if number == 0 else promises.close_due(now=promise.due_at),
    )
    promises.close_due(now=promise.due_at)

    promise.refresh_from_db()
    assert (promise.state == State.KEPT) != (promise.repaid_at is not None)
    assert len(notices(contract)) == 2


@pytest.mark.django_db(transaction=True)
def test_a_locked_account_is_left_to_the_next_run():
    contract = contract_with_fee(balance=-70)
    promise = grant(contract)

    with transaction.atomic():
        Account.objects.lock(contract.pk)
        closed = at_once(1, lambda _number: promises.close_due(now=promise.due_at))

    assert closed == [0]
    assert promises.close_due(now=promise.due_at) == 1


@pytest.mark.django_db(transaction=True)
def test_one_operation_on_two_contracts_at_once_belongs_to_one():
    contracts, operation = [in_need(), in_need()], uuid4()

    answers = at_once(2, lambda number: grant(contracts[number], operation=operation))

    assert sorted(type(answer).__name__ for answer in answers) == ["PromiseRefused", "PromisedPayment"]


def test_settling_costs_one_query_where_nothing_is_open(django_assert_num_queries):
    account = account_of(balance=5)

    with django_assert_num_queries(1):
        promises.settle(account, before=Decimal(0), now=NOON)
