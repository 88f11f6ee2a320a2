"""Fiscal receipts: sent through the gateway, retried, never doubled."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from accounts.models import JournalEntry
from accounts.tests.at_once import at_once
from accounts.tests.factories import StaffFactory
from billing import gateways, receipts
from billing.gateways import NotOffered, ReceiptState, Refused, Status, Unknown
from billing.models import Payment, Receipt, Refund
from billing.tests.factories import NOON, PaymentFactory, ReceiptFactory

State = Receipt.State
pytestmark = pytest.mark.django_db
FISCAL = {"fiscal_drive": "9960440300000001", "fiscal_document": "1734", "fiscal_sign": "1234567890"}


class CashRegister:
    """A gateway that registers each key once and answers as it is told: states, or exceptions to raise."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []  # (key, were we in a transaction)

    def send_receipt(self, receipt):
        self.asked.append((receipt.operation, transaction.get_connection().in_atomic_block))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer

    @property
    def keys(self):
        return {key for key, _in_transaction in self.asked}


REGISTERED = ReceiptState("rt-1", Status.SUCCEEDED, registered_at=NOON, **FISCAL)
PENDING = ReceiptState("rt-1", Status.PENDING)


@pytest.fixture
def answering(monkeypatch):
    """A function that puts a register with these answers in every gateway's place."""

    def answer(*answers):
        register = CashRegister(*answers)
        monkeypatch.setattr(gateways, "get", lambda _name: register)
        return register

    return answer


def waiting(**fields):
    return ReceiptFactory(**{"next_try_at": NOON} | fields)


def run(receipt, *, minutes=0):
    receipts.send_due(now=NOON + timedelta(minutes=minutes))
    receipt.refresh_from_db()
    return receipt.state


def refund_of(payment, **fields):
    return Refund.objects.create(
        operation=uuid4(),
        payment=payment,
        amount=Decimal(200),
        reason="x",
        author=StaffFactory(),
        created_at=NOON,
        state=Refund.State.SUCCEEDED,
        finished_at=NOON,
    )


def test_a_card_payments_receipt_waits_to_be_sent_to_the_payers_contact():
    receipt = receipts.create(PaymentFactory(state="succeeded", contact="+79120000000"), now=NOON)

    assert (receipt.state, receipt.contact, receipt.amount) == (State.WAITING, "+79120000000", 500)


def test_a_terminals_receipt_is_the_agents_and_is_never_sent(answering):
    register = answering(REGISTERED)
    payment = PaymentFactory(state="succeeded", method=Payment.Method.TERMINAL, gateway="osmp")

    receipt = receipts.create(payment, now=NOON)

    assert run(receipt) == State.BY_AGENT
    assert register.asked == []


def test_a_payment_has_one_receipt():
    receipt = ReceiptFactory()

    with pytest.raises(IntegrityError, match="one_receipt_per_payment"), transaction.atomic():
        ReceiptFactory(payment=receipt.payment)


def test_a_refund_has_a_receipt_of_its_own_and_asked_twice_it_is_the_same():
    payment = ReceiptFactory().payment
    refund = refund_of(payment)

    first, again = (receipts.create_return(refund, now=NOON) for _ in range(2))

    assert first == again
    assert (first.kind, first.amount, first.payment, first.state) == ("return", 200, payment, State.WAITING)


def test_a_registered_receipt_keeps_its_fiscal_numbers(answering):
    answering(REGISTERED)
    receipt = waiting()

    assert run(receipt) == State.REGISTERED
    assert {name: getattr(receipt, name) for name in FISCAL} == FISCAL
    assert (receipt.registered_at, receipt.next_try_at) == (NOON, None)


def test_one_being_registered_is_asked_about_again(answering):
    answering(PENDING, REGISTERED)
    receipt = waiting()

    assert run(receipt) == State.SENT
    assert run(receipt, minutes=1) == State.REGISTERED


def test_before_its_time_it_is_not_asked_about(answering):
    register = answering(PENDING)
    receipt = waiting()
    run(receipt)

    run(receipt, minutes=0.5)

    assert len(register.asked) == 1


def test_without_an_answer_the_same_key_is_sent_after_longer_and_longer_pauses(answering):
    register = answering(Unknown("502"))
    receipt = waiting()
    pauses = []

    for _ in range(9):
        before = receipt.next_try_at
        receipts.send_due(now=before)
        receipt.refresh_from_db()
        pauses.append((receipt.next_try_at - before) / timedelta(minutes=1))

    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert register.keys == {receipt.operation}
    assert receipt.state == State.WAITING


def test_after_so_many_attempts_it_is_given_up_loudly(answering, settings, caplog):
    settings.RECEIPT_ATTEMPTS = 3
    answering(Unknown("502"))
    receipt = waiting()

    states = [run(receipt, minutes=minutes) for minutes in (0, 5, 60)]

    assert states == [State.WAITING, State.WAITING, State.FAILED]
    assert "in the gateway's cabinet" in receipt.error
    assert any(record.levelname == "ERROR" and "receipt_failed" in record.getMessage() for record in caplog.records)


def test_one_that_never_gets_registered_is_given_up_too(answering, settings):
    settings.RECEIPT_ATTEMPTS = 2
    answering(PENDING)
    receipt = waiting()

    assert [run(receipt, minutes=minutes) for minutes in (0, 5)] == [State.SENT, State.FAILED]


def test_all_attempts_fall_into_the_life_of_a_key(settings):
    attempts = range(1, settings.RECEIPT_ATTEMPTS)

    assert sum(map(receipts._pause, attempts), timedelta()) < timedelta(hours=24)


@pytest.mark.parametrize(
    "answer",
    [Refused("wrong e-mail"), NotOffered("osmp"), ReceiptState("rt-1", Status.CANCELLED, error="wrong e-mail")],
)
def test_a_refused_receipt_fails_with_the_gateways_words(answering, answer):
    register = answering(answer)
    receipt = waiting()

    assert run(receipt) == State.FAILED
    assert receipt.error in ("wrong e-mail", "osmp")
    assert run(receipt, minutes=600) == State.FAILED
    assert len(register.asked) == 1


def test_a_gateway_that_is_switched_off_is_waited_for(settings):
    settings.PAYMENT_GATEWAYS = []
    receipt = waiting()

    assert run(receipt) == State.WAITING
    assert receipt.next_try_at == NOON + timedelta(minutes=1)


def test_a_silent_gateway_does_not_hold_the_others_receipts(monkeypatch):
    silent, working = CashRegister(Unknown("time-out")), CashRegister(REGISTERED)
    monkeypatch.setattr(gateways, "get", {"yookassa": silent, "sandbox": working}.get)
    for _ in range(3):
        waiting(payment__gateway="yookassa", next_try_at=NOON - timedelta(hours=1))
    receipt = waiting()

    assert run(receipt) == State.REGISTERED
    assert len(silent.asked) == 1


def test_a_late_answer_does_not_undo_a_registration(answering):
    answering(REGISTERED)
    receipt = waiting()
    run(receipt)

    for late in (PENDING, ReceiptState("rt-1", Status.CANCELLED, error="x")):
        receipts.learn(receipt.pk, late, now=NOON)

    receipt.refresh_from_db()
    assert (receipt.state, receipt.fiscal_document) == (State.REGISTERED, "1734")


def test_a_late_registration_mends_a_failure():
    receipt = ReceiptFactory(state=State.FAILED, error="x")

    receipts.learn(receipt.pk, REGISTERED, now=NOON)

    receipt.refresh_from_db()
    assert (receipt.state, receipt.error) == (State.REGISTERED, "")


def test_staff_send_a_failed_one_again_under_the_same_key_and_it_is_journaled(answering):
    register = answering(REGISTERED)
    receipt = ReceiptFactory(state=State.FAILED, error="wrong e-mail", attempts=20)
    accountant = StaffFactory()

    receipts.retry(receipt.pk, by=accountant, now=NOON)

    assert run(receipt) == State.REGISTERED
    assert register.keys == {receipt.operation}
    row = JournalEntry.objects.get()
    assert (row.action, row.actor, row.city.slug) == ("receipt_retried", accountant, "izhevsk")
    assert row.changes["error"] == "wrong e-mail"


@pytest.mark.parametrize("state", [State.WAITING, State.SENT, State.BY_AGENT])
def test_only_a_failed_one_is_sent_again(state):
    receipt = ReceiptFactory(state=state)

    with pytest.raises(receipts.ReceiptRefused, match="failed"):
        receipts.retry(receipt.pk, by=StaffFactory(), now=NOON)

    assert not JournalEntry.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_eight_workers_at_once_send_each_receipt_once_and_outside_transactions(answering):
    register = answering(REGISTERED)
    all_of_them = [waiting() for _ in range(5)]

    at_once(8, lambda _n: receipts.send_due(now=NOON))

    assert sorted(key for key, _ in register.asked) == sorted(receipt.operation for receipt in all_of_them)
    assert not any(in_transaction for _key, in_transaction in register.asked)
    assert set(Receipt.objects.values_list("state", flat=True)) == {State.REGISTERED}


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_before_it_could_write_the_answer_leaves_it_to_the_next_under_the_same_key(
    answering, monkeypatch
):
    register = answering(REGISTERED)
    receipt = waiting()
    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(receipts, "learn", lambda *_args, **_kwargs: (_ for _ in ()).throw(SystemExit))
        receipts.send_due(now=NOON)

    assert run(receipt, minutes=1) == State.REGISTERED
    assert [key for key, _ in register.asked] == [receipt.operation] * 2


@pytest.mark.django_db(transaction=True)
def test_eight_clicks_on_send_again_are_one():
    receipt, staff = ReceiptFactory(state=State.FAILED, error="x"), StaffFactory.create_batch(8)

    at_once(8, lambda number: receipts.retry(receipt.pk, by=staff[number], now=NOON))

    assert JournalEntry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_refund_learned_eight_times_at_once_has_one_receipt():
    refund = refund_of(ReceiptFactory().payment)

    made = at_once(8, lambda _n: receipts.create_return(refund, now=NOON))

    assert {receipt.pk for receipt in made} == {Receipt.objects.get(refund=refund).pk}
