"""Payments that a network of terminals has taken: one number, one credit; taken back on the same day only."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import Contract
from accounts.tests.at_once import at_once
from accounts.tests.factories import ContractFactory
from billing import crediting, terminals
from billing.models import Account, EntryKind, LedgerEntry, Payment, Receipt
from billing.terminals import Refusal, TerminalRefused
from billing.tests.factories import NOON, PaymentFactory, account_of, put
from notifications.models import Notice

pytestmark = pytest.mark.django_db


def pay(number, *, txn="1", amount=500, gateway="osmp", now=NOON):
    return terminals.pay(
        number, gateway=gateway, number=txn, amount=Decimal(amount), paid_at=now - timedelta(minutes=5), now=now
    )


def refused(call, *args, **kwargs):
    with pytest.raises(TerminalRefused) as refusal:
        call(*args, **kwargs)
    return refusal.value.reason


def balance(contract):
    return Account.objects.get(pk=contract.pk).balance


def test_a_payment_is_credited_and_the_subscriber_is_told():
    contract = ContractFactory()

    taken = pay(contract.number)

    assert (taken.is_new, balance(contract)) == (True, 500)
    assert LedgerEntry.objects.get().key == f"payment:{taken.payment.pk}"
    assert Notice.objects.get().kind == "payment_credited"


def test_the_payment_keeps_the_payers_moment_and_ours():
    payment = pay(ContractFactory().number).payment

    assert (payment.paid_at, payment.created_at) == (NOON - timedelta(minutes=5), NOON)


def test_the_terminal_has_given_the_receipt():
    pay(ContractFactory().number)

    assert Receipt.objects.get().state == Receipt.State.BY_AGENT


def test_the_same_payment_again_is_the_first_one():
    contract = ContractFactory()
    first = pay(contract.number)

    again = pay(contract.number, now=NOON + timedelta(days=9))

    assert (again.is_new, again.payment.pk, balance(contract)) == (False, first.payment.pk, 500)


def test_the_same_number_with_another_sum_is_refused():
    contract = ContractFactory()
    pay(contract.number)

    assert refused(pay, contract.number, amount=501) == Refusal.OTHER_DATA
    assert balance(contract) == 500


@pytest.mark.parametrize("other", ["a real one", "999999999999"])
def test_the_same_number_for_another_contract_is_refused(other):
    pay(ContractFactory().number)
    number = ContractFactory().number if other == "a real one" else other

    assert refused(pay, number) == Refusal.OTHER_DATA


def test_two_networks_may_use_one_number():
    contract = ContractFactory()

    pay(contract.number)
    pay(contract.number, gateway="sber")

    assert balance(contract) == 1000


@pytest.mark.parametrize("state", [Contract.State.SUSPENDED_FOR_DEBT, Contract.State.SUSPENDED_BY_WISH])
def test_a_suspended_contract_takes_money(state):
    contract = ContractFactory(state=state)

    pay(contract.number)

    assert balance(contract) == 500


def test_a_terminated_contract_does_not():
    contract = ContractFactory(state=Contract.State.TERMINATED, ended_on="2026-11-01")

    assert refused(pay, contract.number) == Refusal.TERMINATED
    assert balance(contract) == 0


def test_a_payment_taken_before_the_end_is_still_confirmed():
    contract = ContractFactory()
    first = pay(contract.number).payment
    Contract.objects.filter(pk=contract.pk).update(state=Contract.State.TERMINATED, ended_on="2026-11-20")

    assert pay(contract.number).payment.pk == first.pk


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("0", Refusal.TOO_SMALL),
        ("0.99", Refusal.TOO_SMALL),
        ("100000.01", Refusal.TOO_BIG),
        ("9" * 20, Refusal.TOO_BIG),
    ],
)
def test_a_sum_beyond_the_limits_is_refused(amount, reason):
    assert refused(pay, ContractFactory().number, amount=amount) == reason


@pytest.mark.parametrize("amount", ["1", "100000"])
def test_the_limits_themselves_are_taken(amount):
    assert pay(ContractFactory().number, amount=amount).is_new


# --- Taking back ----------------------------------------------------------------------------------------------------
def cancel(payment, *, gateway="osmp", now=NOON):
    return terminals.cancel(payment.pk, gateway=gateway, now=now)


def test_a_cancelled_payment_leaves_the_account_and_stays_visible():
    contract = ContractFactory()
    payment = pay(contract.number).payment

    cancel(payment)

    payment.refresh_from_db()
    assert balance(contract) == 0
    assert (payment.state, payment.failure) == (Payment.State.CANCELLED, "reversed")
    assert LedgerEntry.objects.get(key=f"payment:{payment.pk}:cancelled").kind == EntryKind.PAYOUT
    assert Notice.objects.filter(kind="payment_reversed").count() == 1


def test_cancelling_again_changes_nothing():
    contract = ContractFactory()
    payment = pay(contract.number).payment
    cancel(payment)
    put(contract.pk, 700)

    again = cancel(payment)

    assert (again.is_new, balance(contract)) == (False, 700)


def test_a_cancelled_number_is_not_paid_again():
    contract = ContractFactory()
    cancel(pay(contract.number).payment)

    assert refused(pay, contract.number) == Refusal.REVERSED


def test_spent_money_cannot_be_taken_back():
    contract = ContractFactory()
    payment = pay(contract.number).payment
    put(contract.pk, "-0.01")

    assert refused(cancel, payment) == Refusal.SPENT
    assert balance(contract) == Decimal("499.99")


def test_a_payment_is_cancelled_until_midnight_of_its_day():
    evening, midnight = NOON + timedelta(hours=11, minutes=59), NOON + timedelta(hours=12)
    first, second = pay(ContractFactory().number).payment, pay(ContractFactory().number, txn="2").payment

    cancel(first, now=evening)

    assert refused(cancel, second, now=midnight) == Refusal.TOO_LATE


def test_another_networks_payment_does_not_exist():
    taken = pay(ContractFactory().number, gateway="sber").payment
    card = PaymentFactory(state=Payment.State.SUCCEEDED)

    assert refused(cancel, taken) == Refusal.NO_PAYMENT
    assert refused(cancel, card) == Refusal.NO_PAYMENT
    assert refused(terminals.payment_of, "osmp", "1") == Refusal.NO_PAYMENT


def test_every_refusal_has_its_words():
    assert set(terminals.WORDS) == set(Refusal)


def test_every_gateway_has_its_title():
    for title in terminals.TITLES.values():
        assert str(title)


# --- At once --------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_fifty_repeats_at_once_give_one_credit():
    contract = ContractFactory()

    taken = at_once(50, lambda _n: pay(contract.number))

    assert len({one.payment.pk for one in taken}) == 1
    assert [one.is_new for one in taken].count(True) == 1
    assert balance(contract) == 500


@pytest.mark.django_db(transaction=True)
def test_one_number_for_two_contracts_at_once_is_one_credit():
    contracts = [ContractFactory(), ContractFactory()]

    answers = at_once(20, lambda n: pay(contracts[n % 2].number))

    refusals = [answer for answer in answers if isinstance(answer, TerminalRefused)]
    assert {refusal.reason for refusal in refusals} == {Refusal.OTHER_DATA}
    assert len(refusals) == 10
    assert sum(balance(contract) for contract in contracts) == 500


@pytest.mark.django_db(transaction=True)
def test_twenty_cancellations_at_once_take_the_money_once():
    contract = ContractFactory()
    payment = pay(contract.number).payment
    put(contract.pk, 5000)

    taken = at_once(20, lambda _n: cancel(payment))

    assert [one.is_new for one in taken].count(True) == 1
    assert balance(contract) == 5000


@pytest.mark.django_db(transaction=True)
def test_cancelling_and_repeating_at_once_never_credits_twice():
    contract = ContractFactory()
    payment = pay(contract.number).payment

    at_once(20, lambda n: cancel(payment) if n % 2 else pay(contract.number))

    assert balance(contract) == 0


def test_an_unforeseen_conflict_is_not_taken_for_a_repeat(monkeypatch):
    from django.db import IntegrityError

    def fail(*_args, **_kwargs):
        raise IntegrityError("something else")

    monkeypatch.setattr(crediting, "take", fail)

    with pytest.raises(IntegrityError):
        pay(ContractFactory().number)


def test_a_payment_pays_a_debt():
    account = account_of(balance=-300)

    pay(account.contract.number)

    assert balance(account) == 200
