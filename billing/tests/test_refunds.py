"""Money given back to the payer by staff."""

from datetime import timedelta
from decimal import Decimal
from threading import Lock
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import JournalEntry
from accounts.tests.at_once import at_once
from accounts.tests.factories import StaffFactory
from billing import gateways, refunds
from billing.gateways import NotOffered, RefundState, Refused, Status, Unknown
from billing.models import Account, EntryKind, LedgerEntry, Payment, Receipt, Refund
from billing.tests.factories import NOON, PaymentFactory, RefundFactory, account_of, put
from notifications.models import Notice

SIX_HOURS = timedelta(hours=6)


class Bank:
    """A gateway's side of refunds: gives back once a key, and can lose its answer or change its mind."""

    def __init__(self):
        self.given, self.asked, self.lock = {}, 0, Lock()
        self.answers = []  # what happens to the next questions; then all goes well

    def refund(self, refund):
        with self.lock:
            self.asked += 1
            answer = self.answers.pop(0) if self.answers else Status.SUCCEEDED
            if isinstance(answer, Refused | NotOffered):
                raise answer
            self.given[refund.operation] = refund.amount
        if isinstance(answer, BaseException):
            raise answer
        return RefundState(gateway_id=str(refund.operation), status=answer, failure="no money")


@pytest.fixture
def bank(monkeypatch):
    bank = Bank()
    monkeypatch.setattr(gateways, "get", lambda _name: bank)
    return bank


def a_payment(amount=500, *, balance=None, **fields):
    account = account_of(balance=amount if balance is None else balance)
    return PaymentFactory(account=account, amount=Decimal(amount), state=Payment.State.SUCCEEDED, **fields)


@pytest.fixture
def payment(db):
    return a_payment()


def propose(payment, amount=100, *, author=None, operation=None):
    return refunds.propose(
        payment.pk,
        operation=operation or uuid4(),
        amount=Decimal(amount),
        reason="paid twice",
        author=author or StaffFactory(),
        now=NOON,
    )


def balance_of(payment) -> Decimal:
    return Account.objects.get(pk=payment.account_id).balance


def state_of(refund) -> str:
    return Refund.objects.get(pk=refund.pk).state


def test_up_to_the_limit_the_account_pays_at_once_under_the_refunds_key(payment):
    author = StaffFactory()

    refund = propose(payment, 100, author=author)

    entry = LedgerEntry.objects.get(key=refund.key)
    assert (refund.state, balance_of(payment)) == (Refund.State.SENDING, 400)
    assert (entry.kind, entry.amount, entry.title, entry.author) == (EntryKind.PAYOUT, -100, "paid twice", author)


def test_above_the_limit_it_waits_and_moves_no_money(db, bank):
    payment = a_payment(9000)

    refund = propose(payment, "5000.01")
    refunds.send_due(now=NOON)

    assert (state_of(refund), balance_of(payment), bank.asked) == (Refund.State.WAITING, 9000, 0)


def test_another_person_signs_and_the_account_pays(db):
    payment, second = a_payment(9000), StaffFactory()
    refund = propose(payment, 6000)

    signed = refunds.approve(refund.pk, by=second, now=NOON)

    assert (signed.state, signed.second, balance_of(payment)) == (Refund.State.SENDING, second, 3000)
    assert LedgerEntry.objects.get(key=refund.key).author == second


@pytest.mark.parametrize("decide", [refunds.approve, refunds.reject])
def test_nobody_signs_their_own(db, decide):
    payment, author = a_payment(9000), StaffFactory()
    refund = propose(payment, 6000, author=author)

    with pytest.raises(refunds.RefundRefused, match="another person"):
        decide(refund.pk, by=author, now=NOON)

    assert balance_of(payment) == 9000


@pytest.mark.parametrize("decide", [refunds.approve, refunds.reject])
def test_a_decided_one_is_not_decided_again(db, decide):
    payment = a_payment(9000)
    refund = propose(payment, 6000)
    refunds.reject(refund.pk, by=StaffFactory(), now=NOON)

    with pytest.raises(refunds.RefundRefused, match="decided already"):
        decide(refund.pk, by=StaffFactory(), now=NOON)

    assert (state_of(refund), balance_of(payment)) == (Refund.State.REJECTED, 9000)


def test_money_spent_while_it_waited_is_not_given_back(db):
    payment = a_payment(9000)
    refund = propose(payment, 6000)
    put(payment.account_id, -4000)

    with pytest.raises(refunds.RefundRefused, match=r"5,000\.00"):
        refunds.approve(refund.pk, by=StaffFactory(), now=NOON)

    assert (state_of(refund), balance_of(payment)) == (Refund.State.WAITING, 5000)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": Payment.State.PENDING}, "Only a credited payment"),
        ({"state": Payment.State.CANCELLED}, "Only a credited payment"),
        ({"state": Payment.State.SUCCEEDED, "method": "terminal", "gateway": "osmp"}, "terminal's owner"),
        ({"state": Payment.State.SUCCEEDED, "gateway": "sold"}, "switched off"),
    ],
)
def test_what_cannot_be_given_back_at_all(db, fields, words):
    payment = PaymentFactory(account=account_of(balance=500), **fields)

    with pytest.raises(refunds.RefundRefused, match=words):
        propose(payment)

    assert (refunds.refundable(payment), Refund.objects.count()) == (0, 0)


def test_no_more_than_is_left_of_the_payment(db):
    payment = a_payment(500, balance=2000)
    propose(payment, 300)

    with pytest.raises(refunds.RefundRefused, match=r"Only 200\.00"):
        propose(payment, "200.01")

    assert refunds.refundable(payment) == 200


def test_one_that_waits_for_a_signature_is_counted(db):
    payment = a_payment(6000, balance=20000)
    propose(payment, 6000)

    with pytest.raises(refunds.RefundRefused, match="in full already"):
        propose(payment, 1)


def test_the_account_does_not_go_below_zero(db):
    payment = a_payment(500, balance=80)

    with pytest.raises(refunds.RefundRefused, match=r"holds 80\.00"):
        propose(payment, 81)

    assert refunds.refundable(payment) == 80


def test_nothing_is_given_back_from_a_debt(db):
    payment = a_payment(500, balance=-80)

    assert (refunds.refundable(payment), refunds.refusal(payment, Decimal(1))[:18]) == (0, "The account holds ")


def test_a_form_sent_twice_is_one_refund(payment):
    author, operation = StaffFactory(), uuid4()

    first = propose(payment, author=author, operation=operation)
    again = propose(payment, author=author, operation=operation)

    assert (again, balance_of(payment)) == (first, 400)


def test_the_gateway_gives_back_and_the_subscriber_is_told_with_a_receipt(payment, bank):
    refund = propose(payment)

    refunds.send_due(now=NOON)

    refund.refresh_from_db()
    receipt = Receipt.objects.get(refund=refund)
    assert (refund.state, refund.finished_at, bank.given) == (Refund.State.SUCCEEDED, NOON, {refund.operation: 100})
    assert (receipt.kind, receipt.amount, receipt.contact) == ("return", 100, payment.contact)
    assert Notice.objects.get().kind == "refund_given"
    assert balance_of(payment) == 400


def test_a_finished_one_is_not_sent_again(payment, bank):
    propose(payment)
    refunds.send_due(now=NOON)

    refunds.send_due(now=NOON + SIX_HOURS)

    assert bank.asked == 1


@pytest.mark.parametrize("answer", [Refused("insufficient funds"), NotOffered("no refunds"), Status.CANCELLED])
def test_a_refused_one_returns_to_the_account_and_staff_see_why(payment, bank, answer):
    bank.answers = [answer]
    refund = propose(payment)

    refunds.send_due(now=NOON)

    refund.refresh_from_db()
    assert (refund.state, balance_of(payment), bool(refund.failure)) == (Refund.State.FAILED, 500, True)
    assert LedgerEntry.objects.get(key=f"refund:{refund.pk}:returned").amount == 100
    assert JournalEntry.objects.filter(action="refund_failed").exists()
    assert not Notice.objects.exists()


def test_what_was_refused_may_be_proposed_again(payment, bank):
    bank.answers = [Refused("insufficient funds")]
    propose(payment, 500)
    refunds.send_due(now=NOON)

    again = propose(payment, 500)
    refunds.send_due(now=NOON)

    assert (state_of(again), balance_of(payment)) == (Refund.State.SUCCEEDED, 0)


@pytest.mark.parametrize("answer", [Unknown("HTTP 500"), Status.PENDING])
def test_no_clear_answer_is_asked_for_again_under_the_same_key(payment, bank, answer):
    bank.answers = [answer]
    refund = propose(payment)

    refunds.send_due(now=NOON)
    at_first = state_of(refund)
    refunds.send_due(now=NOON + timedelta(minutes=1))

    assert (at_first, state_of(refund)) == (Refund.State.SENDING, Refund.State.SUCCEEDED)
    assert (bank.asked, bank.given, balance_of(payment)) == (2, {refund.operation: 100}, 400)


def test_a_silent_gateway_is_asked_more_and_more_rarely(payment, bank):
    bank.answers = [Unknown("silence")] * 12
    refund, pauses, now = propose(payment), [], NOON

    for _ in range(12):
        refunds.send_due(now=now)
        refund.refresh_from_db()
        pauses.append((refund.next_try_at - now).total_seconds() / 60)
        now = refund.next_try_at

    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360]


def left_to_staff(payment, bank):
    """A refund that the gateway has not answered for longer than it keeps a key."""
    bank.answers = [Unknown("silence")] * 20
    refund = propose(payment)
    refunds.send_due(now=NOON)
    refunds.send_due(now=NOON + timedelta(hours=24))
    return refund


def test_with_a_key_that_the_gateway_has_forgotten_it_is_not_asked_again(payment, bank):
    refund = left_to_staff(payment, bank)

    refund.refresh_from_db()
    assert (refund.is_unanswered, bank.asked, balance_of(payment)) == (True, 1, 400)


def test_a_refund_that_the_gateway_has_a_number_for_is_asked_about_as_long_as_it_takes(payment, bank):
    bank.answers = [Status.PENDING]
    refund = propose(payment)
    refunds.send_due(now=NOON)

    refunds.send_due(now=NOON + timedelta(days=3))

    assert state_of(refund) == Refund.State.SUCCEEDED


def test_one_never_sent_because_no_worker_lived_is_sent_late(payment, bank):
    refund = propose(payment)

    refunds.send_due(now=NOON + timedelta(days=3))

    assert state_of(refund) == Refund.State.SUCCEEDED


@pytest.mark.parametrize(("is_given", "state", "balance"), [(True, "succeeded", 400), (False, "failed", 500)])
def test_staff_say_what_they_saw_at_the_gateway(payment, bank, is_given, state, balance):
    refund = left_to_staff(payment, bank)

    refunds.settle(refund.pk, is_given=is_given, by=StaffFactory(), now=NOON)

    assert (state_of(refund), balance_of(payment)) == (state, balance)
    assert JournalEntry.objects.filter(action="refund_settled", actor__isnull=False).count() == 1


def test_nobody_settles_what_the_gateway_still_answers(payment, bank):
    refund = propose(payment)

    with pytest.raises(refunds.RefundRefused, match="anybody's word"):
        refunds.settle(refund.pk, is_given=False, by=StaffFactory(), now=NOON)

    assert balance_of(payment) == 400


def test_a_worker_killed_between_the_gateway_and_the_database_gives_back_once(payment, bank):
    bank.answers = [SystemExit("killed")]
    refund = propose(payment)

    with pytest.raises(SystemExit):
        refunds.send_due(now=NOON)
    refunds.send_due(now=NOON + timedelta(minutes=1))

    assert (bank.asked, bank.given, state_of(refund)) == (2, {refund.operation: 100}, Refund.State.SUCCEEDED)
    assert (balance_of(payment), Receipt.objects.count()) == (400, 1)


def test_a_gateway_switched_off_meanwhile_is_waited_for(payment, monkeypatch, settings):
    refund = propose(payment)
    settings.PAYMENT_GATEWAYS = []

    refunds.send_due(now=NOON)

    refund.refresh_from_db()
    assert (refund.state, refund.attempts) == (Refund.State.SENDING, 1)


def test_each_step_is_in_the_journal_of_the_city(db, bank):
    refund = propose(a_payment(9000), 6000)
    refunds.approve(refund.pk, by=StaffFactory(), now=NOON)
    refunds.send_due(now=NOON)

    steps = list(JournalEntry.objects.order_by("pk").values_list("action", "city__slug"))

    assert steps == [(f"refund_{step}", "izhevsk") for step in ("proposed", "approved", "succeeded")]


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"amount": 0}, "a_refund_gives_money"),
        ({"reason": ""}, "a_refund_has_a_reason"),
        ({"state": "failed"}, "a_finished_refund_has_its_time"),
        ({"finished_at": NOON}, "a_finished_refund_has_its_time"),
    ],
)
def test_the_database_refuses_an_impossible_refund(db, fields, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        RefundFactory(**fields)


def test_the_database_refuses_two_signatures_of_one_person(db):
    refund = RefundFactory()

    with pytest.raises(IntegrityError, match="a_refund_has_two_people"), transaction.atomic():
        Refund.objects.filter(pk=refund.pk).update(second=refund.author)


STEPS = st.lists(
    st.tuples(st.sampled_from(["propose", "approve", "reject", "send", "spend"]), st.integers(1, 9000)), max_size=14
)
ANSWERS = st.lists(st.sampled_from([Status.SUCCEEDED, Status.PENDING, Status.CANCELLED, "unknown", "refused"]))


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, answers=ANSWERS)
def test_whatever_happens_no_kopeck_appears_or_is_lost(db, bank, steps, answers):
    bank.given, bank.asked = {}, 0
    bank.answers = [{"unknown": Unknown(), "refused": Refused("no")}.get(answer, answer) for answer in answers]
    with transaction.atomic():
        _play(steps, bank)
        transaction.set_rollback(True)


def _play(steps, bank):
    payment, second, spent, now = a_payment(9000), StaffFactory(), 0, NOON
    for number, (step, amount) in enumerate(steps):
        now += SIX_HOURS
        try:
            if step == "propose":
                propose(payment, amount)
            elif step == "send":
                refunds.send_due(now=now)
            elif step == "spend" and balance_of(payment) >= amount:
                put(payment.account_id, -amount)
                spent += amount
            elif step in ("approve", "reject") and Refund.objects.exists():
                pks = list(Refund.objects.order_by("pk").values_list("pk", flat=True))
                getattr(refunds, step)(pks[number % len(pks)], by=second, now=now)
        except refunds.RefundRefused:
            pass
        assert balance_of(payment) >= 0
    away = Refund.objects.filter(state__in=["sending", "succeeded"])
    returned = sum(refund.amount for refund in away)
    assert balance_of(payment) == 9000 - spent - returned
    assert returned <= 9000
    assert {refund.operation for refund in away if refund.state == "succeeded"} <= set(bank.given)


@pytest.mark.django_db(transaction=True)
def test_refunds_of_one_payment_at_once_never_exceed_it():
    payment, authors = a_payment(500, balance=5000), StaffFactory.create_batch(8)

    results = at_once(8, lambda number: propose(payment, 200, author=authors[number]))

    assert sum(isinstance(result, Refund) for result in results) == 2
    assert balance_of(payment) == 4600


@pytest.mark.django_db(transaction=True)
def test_refunds_of_two_payments_at_once_do_not_overdraw_the_account():
    account, authors = account_of(balance=500), StaffFactory.create_batch(8)
    payments = PaymentFactory.create_batch(8, account=account, amount=Decimal(300), state=Payment.State.SUCCEEDED)

    at_once(8, lambda number: propose(payments[number], 300, author=authors[number]))

    assert balance_of(payments[0]) == 200


@pytest.mark.django_db(transaction=True)
def test_eight_approvals_at_once_debit_once():
    payment = a_payment(9000)
    refund, seconds = propose(payment, 6000), StaffFactory.create_batch(8)

    results = at_once(8, lambda number: refunds.approve(refund.pk, by=seconds[number], now=NOON))

    assert sum(isinstance(result, Refund) for result in results) == 1
    assert balance_of(payment) == 3000


@pytest.mark.django_db(transaction=True)
def test_eight_workers_at_once_give_back_each_refund_once(bank):
    payment, author = a_payment(500), StaffFactory()
    for _ in range(5):
        propose(payment, 100, author=author)

    at_once(8, lambda _number: refunds.send_due(now=NOON))

    assert (bank.asked, len(bank.given), Receipt.objects.count()) == (5, 5, 5)
    assert set(Refund.objects.values_list("state", flat=True)) == {Refund.State.SUCCEEDED}


@pytest.mark.django_db(transaction=True)
def test_one_form_sent_eight_times_at_once_is_one_refund():
    payment, author, operation = a_payment(), StaffFactory(), uuid4()

    at_once(8, lambda _number: propose(payment, author=author, operation=operation))

    assert (Refund.objects.count(), balance_of(payment)) == (1, 400)


@pytest.mark.django_db(transaction=True)
def test_approvals_of_several_refunds_at_once_do_not_overdraw_the_account():
    account, seconds = account_of(balance=9000), StaffFactory.create_batch(8)
    paid = PaymentFactory.create_batch(8, account=account, amount=Decimal(6000), state=Payment.State.SUCCEEDED)
    waiting = [propose(payment, 6000) for payment in paid]

    at_once(8, lambda number: refunds.approve(waiting[number].pk, by=seconds[number], now=NOON))

    assert balance_of(paid[0]) == 3000
