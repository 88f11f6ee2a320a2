"""Opening a payment: what is refused and why, and the same form sent twice."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from accounts.models import Contract
from accounts.tests.at_once import at_once
from billing import contacts, payments
from billing.models import Payment
from billing.tests.factories import NOON, PaymentMethodFactory, account_of

Method = Payment.Method

pytestmark = pytest.mark.django_db


def open_one(contract_id, **changes):
    given = {
        "operation": uuid4(),
        "amount": Decimal("500.00"),
        "gateway": "sandbox",
        "method": Method.CARD,
        "contact": "ivanova@example.ru",
        "now": NOON,
    }
    return payments.open_payment(contract_id, **given | changes)


def test_an_opened_payment_waits_to_be_begun():
    account = account_of()

    payment = open_one(account.pk, contact=" 8 912 345-67-89 ")

    payment.refresh_from_db()
    assert (payment.state, payment.amount, payment.gateway_id) == (Payment.State.NEW, 500, "")
    assert payment.contact == "+79123456789"
    assert payment.next_check_at > NOON  # should the page die now, the task begins it


def test_a_form_sent_twice_is_one_payment():
    account, operation = account_of(), uuid4()

    first = open_one(account.pk, operation=operation)
    second = open_one(account.pk, operation=operation)

    assert first == second == Payment.objects.get()


def test_the_operation_of_another_contract_is_refused():
    payment = open_one(account_of().pk)

    with pytest.raises(payments.PaymentRefused, match="another payment"):
        open_one(account_of().pk, operation=payment.operation)

    assert Payment.objects.count() == 1


@pytest.mark.parametrize("amount", ["1", "0.01", "100000.01", "-5", "0", "1e9", "1e30"])
def test_a_sum_outside_of_the_limits_is_refused(amount, settings):
    settings.TOP_UP_LEAST = 2

    with pytest.raises(payments.PaymentRefused, match=r"From .*2.* to .*100") as refusal:
        open_one(account_of().pk, amount=Decimal(amount))

    assert refusal.value.field == "amount"


@pytest.mark.parametrize("amount", ["1", "100000", "99999.99"])
def test_a_sum_at_the_limits_is_taken(amount):
    assert open_one(account_of().pk, amount=Decimal(amount)).amount == Decimal(amount)


@pytest.mark.parametrize("amount", ["10.001", "NaN", "Infinity", "-Infinity", "sNaN"])
def test_parts_of_a_kopeck_and_no_numbers_are_refused(amount):
    with pytest.raises(payments.PaymentRefused, match="whole kopecks"):
        open_one(account_of().pk, amount=Decimal(amount))


@pytest.mark.parametrize("contact", ["", "ivanova@", "+7 912", "+1 202 555 0123", "+7 701 234 5678", "x" * 300])
def test_a_contact_that_takes_no_receipt_is_refused(contact):
    with pytest.raises(payments.PaymentRefused, match="e-mail") as refusal:
        open_one(account_of().pk, contact=contact)

    assert refusal.value.field == "contact"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("ivanova@example.ru", "ivanova@example.ru"),
        ("89123456789", "+79123456789"),
        ("+7 (3412) 918-111", "+73412918111"),
        ("9123456789", "+79123456789"),
    ],
)
def test_a_contact_is_kept_in_one_form(written, kept):
    assert contacts.normal(written) == kept


def test_an_endless_e_mail_is_refused():
    with pytest.raises(contacts.UnfitContact):
        contacts.normal("a@" + "b" * 60 + ("." + "c" * 60) * 4 + ".ru")


def test_a_terminated_contract_takes_no_payments():
    account = account_of()
    Contract.objects.filter(pk=account.pk).update(state=Contract.State.TERMINATED, ended_on=NOON.date())

    with pytest.raises(payments.PaymentRefused, match="terminated"):
        open_one(account.pk)

    assert payments.refusal(Contract.objects.get(pk=account.pk))


@pytest.mark.parametrize(
    "changes",
    [
        {"gateway": "osmp", "method": Method.TERMINAL},
        {"gateway": "sandbox", "method": Method.TERMINAL},
        {"gateway": "nonsense"},
        {"method": Method.SAVED},
    ],
)
def test_a_way_to_pay_that_is_not_offered_is_refused(changes):
    with pytest.raises(payments.PaymentRefused) as refusal:
        open_one(account_of().pk, **changes)

    assert refusal.value.field == "method"


def test_a_saved_card_of_ones_own_is_taken():
    card = PaymentMethodFactory()

    payment = open_one(card.account_id, method=Method.SAVED, saved_method=card)

    assert payment.saved_method == card


@pytest.mark.parametrize("changes", [{"forgotten_at": NOON}, {"gateway": "yookassa"}, {"account": None}])
def test_a_removed_card_one_of_another_gateway_and_a_strangers_are_refused(changes):
    own = account_of()
    card = PaymentMethodFactory(**{"account": own} | {k: v for k, v in changes.items() if v})
    payer = account_of() if "account" in changes else own

    with pytest.raises(payments.PaymentRefused, match="not saved any more"):
        open_one(payer.pk, method=Method.SAVED, saved_method=card)


def test_more_than_twenty_an_hour_are_refused_and_the_next_hour_is_free():
    account = account_of()
    for _each in range(20):
        open_one(account.pk)

    with pytest.raises(payments.PaymentRefused, match=r"in 60 min"):
        open_one(account.pk)

    assert open_one(account.pk, now=NOON + timedelta(hours=1))
    assert open_one(account.pk, now=NOON, is_automatic=True)


@pytest.mark.django_db(transaction=True)
def test_twenty_clicks_at_once_open_one_payment():
    account, operation = account_of(), uuid4()

    opened = at_once(20, lambda _number: open_one(account.pk, operation=operation))

    assert {payment.pk for payment in opened} == {Payment.objects.get().pk}
