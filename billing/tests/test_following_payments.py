"""From an opened payment to its end: begun, asked about, given up; whatever the gateway does."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from accounts.tests.at_once import at_once
from billing import gateways, payments
from billing.gateways import Refused, Status, Unknown
from billing.gateways.sandbox import bank
from billing.models import Account, BankPayment, GatewayMessage, LedgerEntry, Payment, PaymentMethod, Receipt
from billing.tests.factories import NOON, PaymentFactory, PaymentMethodFactory, account_of
from billing.tests.test_opening_payments import open_one
from notifications.models import Notice

State = Payment.State
DAY = timedelta(hours=24)

pytestmark = pytest.mark.django_db


@pytest.fixture
def silent(monkeypatch):
    """A gateway that answers nothing; it counts what it was asked."""
    asked = []

    def say_nothing(*args, **kwargs):
        asked.append(args)
        raise Unknown("HTTP 500")

    for verb in ("start", "charge", "read"):
        monkeypatch.setattr(gateways.get("sandbox"), verb, say_nothing)
    return asked


def begun(**changes):
    payment = payments.start(open_one(account_of().pk, **changes).pk, now=NOON)
    return payment, UUID(payment.gateway_id)


def balance_of(payment):
    return Account.objects.get(pk=payment.account_id).balance


# --- The usual way


def test_a_begun_payment_waits_for_the_payer_at_the_bank(settings):
    payment, number = begun()

    assert payment.state == State.PENDING
    assert payment.pay_url == f"{settings.SITE_URL}/sandbox-bank/{number}/"
    assert BankPayment.objects.get().return_url == f"{settings.SITE_URL}/cabinet/billing/top-up/{payment.operation}/"


def test_a_payment_by_sbp_has_what_its_qr_code_holds():
    payment, _number = begun(method=Payment.Method.SBP)

    assert payment.qr == payment.pay_url != ""


def test_a_confirmed_payment_is_credited_with_a_receipt_and_a_notice():
    payment, number = begun()
    bank.confirm(number, card="4477", now=NOON)

    payment = payments.reread(payment.pk, now=NOON)

    assert (payment.state, balance_of(payment)) == (State.SUCCEEDED, 500)
    assert payment.next_check_at is None
    entry = LedgerEntry.objects.get()
    assert (entry.key, entry.title) == (payment.key, payment.paid_by)
    assert Receipt.objects.get().amount == 500
    assert Notice.objects.get().about == payment.key


def test_a_declined_payment_says_why_and_brings_nothing():
    payment, number = begun()
    bank.decline(number, failure="insufficient_funds", now=NOON)

    payment = payments.reread(payment.pk, now=NOON)

    assert (payment.state, payment.failure, balance_of(payment)) == (State.CANCELLED, "insufficient_funds", 0)


def test_a_card_is_kept_only_when_the_payer_agreed():
    for wants_saving in (False, True):
        payment, number = begun(wants_saving=wants_saving)
        bank.confirm(number, card="4477", now=NOON)
        payments.reread(payment.pk, now=NOON)

    card = PaymentMethod.objects.get()
    assert (card.title, card.account_id) == ("Мир •• 4477", payment.account_id)


def test_a_saved_card_is_charged_without_the_payer():
    card = PaymentMethodFactory()
    payment = open_one(card.account_id, method=Payment.Method.SAVED, saved_method=card)

    payment = payments.start(payment.pk, now=NOON)

    assert (payment.state, balance_of(payment)) == (State.SUCCEEDED, 500)


def test_a_declined_charge_keeps_the_gateways_number():
    card = PaymentMethodFactory(title="Мир •• 0119")
    payment = open_one(card.account_id, method=Payment.Method.SAVED, saved_method=card)

    payment = payments.start(payment.pk, now=NOON)

    assert (payment.state, payment.failure) == (State.CANCELLED, "card_expired")
    assert payment.gateway_id == str(BankPayment.objects.get().number)


def test_beginning_twice_begins_once():
    payment, number = begun()

    again = payments.start(payment.pk, now=NOON)

    assert again.gateway_id == str(number) == str(BankPayment.objects.get().number)


# --- A gateway that does not answer


def test_a_silent_gateway_leaves_the_payment_new_and_is_asked_again(silent):
    payment = open_one(account_of().pk)

    payment = payments.start(payment.pk, now=NOON)

    assert (payment.state, len(silent)) == (State.NEW, 1)
    assert NOON < payment.next_check_at <= NOON + timedelta(minutes=1)


def test_the_answer_to_a_charge_may_be_lost_but_the_charge_counts_once():
    card = PaymentMethodFactory(title=f"Мир •• {bank.SILENT_ENDING}")
    payment = open_one(card.account_id, method=Payment.Method.SAVED, saved_method=card)
    first = payments.start(payment.pk, now=NOON)

    payments.recheck_hanging(now=NOON + timedelta(minutes=1))

    payment.refresh_from_db()
    assert (first.state, payment.state, balance_of(payment)) == (State.NEW, State.SUCCEEDED, 500)
    assert BankPayment.objects.count() == 1


def test_the_pauses_between_questions_grow_to_an_hour(silent):
    payment = open_one(account_of().pk)
    pauses, now = [], NOON
    for _each in range(12):
        payment.refresh_from_db()
        pauses.append(payment.next_check_at - now)
        now = payment.next_check_at
        payments.recheck_hanging(now=now)

    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(seconds=15)
    assert pauses[-1] == timedelta(hours=1)
    assert len(silent) == 12


def test_a_payment_that_is_not_due_is_not_asked_about(silent):
    open_one(account_of().pk)

    asked = payments.recheck_hanging(now=NOON + timedelta(seconds=14))

    assert (asked, silent) == (0, [])


def test_after_its_first_silence_a_gateway_is_left_alone_for_the_round(silent):
    for _each in range(5):
        PaymentFactory(next_check_at=NOON)

    payments.recheck_hanging(now=NOON)

    assert len(silent) == 1
    assert Payment.objects.filter(next_check_at=NOON).count() == 4  # due at once in the next round


def test_a_gateway_that_was_switched_off_does_not_stop_the_others(settings):
    PaymentFactory(gateway="gone", next_check_at=NOON - timedelta(hours=1))
    payment, number = begun()
    bank.confirm(number, now=NOON)

    payments.recheck_hanging(now=NOON + timedelta(minutes=1))

    assert balance_of(payment) == 500


def test_the_page_of_a_payment_whose_gateway_was_switched_off_shows_what_is_known(settings):
    new, (pending, _number) = open_one(account_of().pk), begun()
    settings.PAYMENT_GATEWAYS = ["yookassa"]

    assert payments.start(new.pk, now=NOON).state == State.NEW
    assert payments.reread(pending.pk, now=NOON).state == State.PENDING


def test_a_new_payment_is_given_up_when_its_key_is_dead(silent):
    payment = open_one(account_of().pk)

    payments.recheck_hanging(now=NOON + DAY)

    payment.refresh_from_db()
    assert (payment.state, payment.failure, silent) == (State.CANCELLED, "unavailable", [])


def test_a_pending_payment_is_never_given_up_because_of_silence(silent):
    payment = PaymentFactory(next_check_at=NOON)

    payments.recheck_hanging(now=NOON + 30 * DAY)

    payment.refresh_from_db()
    assert payment.state == State.PENDING


def test_the_page_asks_a_gateway_only_so_often(silent):
    payment = PaymentFactory()

    for _each in range(payments.ASKED.ceiling + 5):
        payments.reread(payment.pk, now=NOON)

    assert len(silent) == payments.ASKED.ceiling


# --- A gateway that refuses


def test_a_payment_the_gateway_does_not_begin_is_over(monkeypatch):
    monkeypatch.setattr(gateways.get("sandbox"), "start", refuse)

    payment = payments.start(open_one(account_of().pk).pk, now=NOON)

    assert (payment.state, payment.failure, payment.gateway_id) == (State.CANCELLED, "refused", "")


def refuse(*_args, **_kwargs):
    raise Refused("no")


def test_a_payment_the_gateway_denies_is_asked_about_for_a_day():
    payment = PaymentFactory(gateway_id=str(uuid4()), next_check_at=NOON)

    payments.recheck_hanging(now=NOON + timedelta(hours=23))
    payment.refresh_from_db()
    first = payment.state
    payments.recheck_hanging(now=NOON + DAY + timedelta(hours=1))

    payment.refresh_from_db()
    assert (first, payment.state, payment.failure) == (State.PENDING, State.CANCELLED, "expired")


def test_a_refusal_that_comes_too_late_changes_nothing(monkeypatch):
    payment = open_one(account_of().pk)

    def refuse_after_another_began(*_args, **_kwargs):
        monkeypatch.undo()
        payments.start(payment.pk, now=NOON)
        raise Refused("the key is in use")

    monkeypatch.setattr(gateways.get("sandbox"), "start", refuse_after_another_began)

    assert payments.start(payment.pk, now=NOON).state == State.PENDING


def test_a_payer_who_never_came_is_the_banks_word():
    payment, _number = begun()
    BankPayment.objects.update(created_at=NOON - timedelta(days=1))

    payment = payments.reread(payment.pk, now=NOON)

    assert (payment.state, payment.failure) == (State.CANCELLED, "expired")


# --- A word about something else


def state_of(payment, **changes):
    given = {
        "gateway_id": payment.gateway_id,
        "status": Status.SUCCEEDED,
        "amount": payment.amount,
        "currency": "RUB",
        "shop": "sandbox",
        "reference": str(payment.operation),
        "contract_number": payment.account.contract.number,
    }
    return gateways.PaymentState(**given | changes)


WRONG = {
    "sum": {"amount": Decimal("499.99")},
    "currency": {"currency": "KZT"},
    "shop": {"shop": "another"},
    "name": {"reference": "f" * 32},
    "contract": {"contract_number": "999999"},
    "number": {"gateway_id": "another"},
}


@pytest.mark.parametrize("what", WRONG)
def test_a_word_about_something_else_is_not_believed(what):
    payment = PaymentFactory()

    with pytest.raises(payments.Mismatch, match=what):
        payments.learn(payment.pk, state_of(payment, **WRONG[what]), now=NOON)

    payment.refresh_from_db()
    assert (payment.state, balance_of(payment)) == (State.PENDING, 0)


def test_a_mismatch_is_closed_and_not_asked_about_for_ever():
    payment, number = begun()
    BankPayment.objects.update(amount=1)
    bank.confirm(number, now=NOON)

    payment = payments.reread(payment.pk, now=NOON)

    assert (payment.state, payment.failure, payment.next_check_at) == (State.CANCELLED, "mismatch", None)
    assert balance_of(payment) == 0
    assert GatewayMessage.objects.get().reason == "Mismatch: sum: ours is 500.00, the gateway's 1.00"


def test_a_payment_given_up_is_credited_when_it_was_paid_after_all():
    payment = PaymentFactory(state=State.CANCELLED, failure="unavailable", gateway_id="")

    payments.learn(payment.pk, state_of(payment, gateway_id="17"), now=NOON)

    payment.refresh_from_db()
    assert (payment.state, payment.failure, balance_of(payment)) == (State.SUCCEEDED, "", 500)


# --- At once


@pytest.mark.django_db(transaction=True)
def test_page_notification_and_task_at_once_credit_one_time():
    payment, number = begun()
    bank.confirm(number, now=NOON)
    state = gateways.get("sandbox").read(str(number))
    Payment.objects.update(next_check_at=NOON)
    ways = [
        lambda: payments.learn(payment.pk, state, now=NOON),
        lambda: payments.reread(payment.pk, now=NOON),
        lambda: payments.recheck_hanging(now=NOON),
    ]

    results = at_once(50, lambda n: ways[n % 3]())

    assert [result for result in results if isinstance(result, Exception)] == []
    assert (balance_of(payment), LedgerEntry.objects.count(), Receipt.objects.count()) == (500, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_beginning_at_once_begins_one_payment_at_the_bank():
    payment = open_one(account_of().pk)

    results = at_once(20, lambda _n: payments.start(payment.pk, now=NOON))

    assert {result.gateway_id for result in results} == {str(BankPayment.objects.get().number)}


@pytest.mark.django_db(transaction=True)
def test_tasks_at_once_ask_about_each_payment_one_time(monkeypatch):
    asked = []
    monkeypatch.setattr(payments, "follow", lambda payment, **_: asked.append(payment.pk))
    hanging = [PaymentFactory(next_check_at=NOON).pk for _each in range(30)]

    at_once(8, lambda _n: payments.recheck_hanging(now=NOON))

    assert sorted(asked) == hanging
