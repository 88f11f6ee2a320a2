"""The demo's bank behind the gateway protocol: keys, refunds, receipts, signatures."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from accounts.tests.at_once import at_once
from accounts.tests.factories import StaffFactory
from billing import gateways
from billing.gateways import Forged, Notification, Refused, Status, Unknown
from billing.gateways.sandbox import bank, notices
from billing.models import BankPayment, Payment, Refund
from billing.tests.factories import NOON, PaymentFactory, PaymentMethodFactory, ReceiptFactory

pytestmark = pytest.mark.django_db

sandbox = gateways.get("sandbox")


def paid(**fields):
    payment = PaymentFactory(**fields)
    state = sandbox.start(payment, return_url="http://testserver/back/")
    bank.confirm(UUID(state.gateway_id), card="4477", now=NOON)
    Payment.objects.filter(pk=payment.pk).update(gateway_id=state.gateway_id)
    payment.refresh_from_db()
    return payment


def refund_of(payment, amount):
    return Refund.objects.create(
        operation=uuid4(),
        payment=payment,
        amount=Decimal(amount),
        reason="A mistake",
        author=StaffFactory(),
        created_at=NOON,
        state=Refund.State.SENDING,
    )


# --- Payments


def test_the_same_key_is_the_same_payment():
    payment = PaymentFactory()

    states = [sandbox.start(payment, return_url="http://testserver/") for _each in range(2)]

    assert states[0] == states[1]


def test_the_bank_repeats_what_it_was_told():
    payment = PaymentFactory(amount=Decimal("12.34"))

    state = sandbox.start(payment, return_url="http://testserver/")

    assert (state.status, state.amount, state.currency) == (Status.PENDING, Decimal("12.34"), "RUB")
    assert (state.reference, state.contract_number) == (str(payment.operation), payment.account.contract.number)


@pytest.mark.parametrize("number", ["17", "", "x" * 100, "5f6a3c1e-8d2b-4f7a-9c0d-1e2f3a4b5c6d"])
def test_a_number_that_the_bank_does_not_know_is_refused(number):
    with pytest.raises(Refused, match="knows no payment"):
        sandbox.read(number)


def test_what_is_decided_stays_decided():
    payment = paid()

    assert not bank.decline(UUID(payment.gateway_id), failure="declined", now=NOON)
    assert sandbox.read(payment.gateway_id).status == Status.SUCCEEDED


def test_a_late_confirmation_comes_after_thirty_seconds():
    number = UUID(sandbox.start(PaymentFactory(), return_url="http://testserver/").gateway_id)
    bank.confirm_late(number, card="4477", now=NOON)

    states = [bank.read(str(number), now=NOON + timedelta(seconds=seconds)) for seconds in (29, 30)]

    assert [state.status for state in states] == [Status.PENDING, Status.SUCCEEDED]
    assert states[1].paid_at == NOON + timedelta(seconds=30)


@pytest.mark.parametrize(
    ("ending", "status", "failure"),
    [
        ("4477", Status.SUCCEEDED, ""),
        ("0002", Status.CANCELLED, "insufficient_funds"),
        ("0119", Status.CANCELLED, "card_expired"),
        ("0341", Status.CANCELLED, "method_revoked"),
        ("0077", Status.PENDING, ""),
    ],
)
def test_the_ending_of_a_saved_card_tells_how_a_charge_ends(ending, status, failure):
    card = PaymentMethodFactory(title=f"Мир •• {ending}")

    state = sandbox.charge(PaymentFactory(saved_method=card), card)

    assert (state.status, state.failure) == (status, failure)
    assert not failure or failure in gateways.FAILURES


def test_a_charge_whose_answer_was_lost_is_found_by_its_key():
    card = PaymentMethodFactory(title="Мир •• 0408")
    payment = PaymentFactory(saved_method=card)
    with pytest.raises(Unknown):
        sandbox.charge(payment, card)

    state = sandbox.charge(payment, card)

    assert state.status == Status.SUCCEEDED
    assert BankPayment.objects.count() == 1


# --- Refunds


def test_parts_are_given_back_up_to_what_was_paid_and_no_kopeck_more():
    payment = paid(amount=Decimal(500))
    for part in ("200", "299.99"):
        assert sandbox.refund(refund_of(payment, part)).status == Status.SUCCEEDED

    with pytest.raises(Refused, match="more than was paid"):
        sandbox.refund(refund_of(payment, "0.02"))

    assert BankPayment.objects.get().refunded == Decimal("499.99")


def test_a_refund_asked_twice_is_given_once_and_its_key_fits_no_other_sum():
    refund = refund_of(paid(), "100")

    first, second = sandbox.refund(refund), sandbox.refund(refund)

    assert first == second
    assert BankPayment.objects.get().refunded == 100
    refund.amount = Decimal(101)
    with pytest.raises(Refused, match="another sum"):
        sandbox.refund(refund)


def test_nothing_is_given_back_of_what_was_not_paid():
    payment = PaymentFactory()
    Payment.objects.filter(pk=payment.pk).update(
        gateway_id=sandbox.start(payment, return_url="http://testserver/").gateway_id
    )
    payment.refresh_from_db()

    with pytest.raises(Refused, match="no such paid payment"):
        sandbox.refund(refund_of(payment, "1"))


@pytest.mark.django_db(transaction=True)
def test_refunds_at_once_never_give_more_than_was_paid():
    payment = paid(amount=Decimal(500))
    refunds = [refund_of(payment, "100") for _each in range(10)]

    results = at_once(10, lambda n: sandbox.refund(refunds[n]))

    assert sum(isinstance(result, Refused) for result in results) == 5
    assert BankPayment.objects.get().refunded == 500


# --- Receipts


def test_a_receipt_is_registered_when_it_is_asked_about_again():
    receipt = ReceiptFactory()

    first = sandbox.send_receipt(receipt)
    receipt.gateway_id = first.gateway_id
    second, third = sandbox.send_receipt(receipt), sandbox.send_receipt(receipt)

    assert (first.status, second.status) == (Status.PENDING, Status.SUCCEEDED)
    assert second.registered_at
    assert (len(second.fiscal_drive), len(second.fiscal_sign)) == (16, 10)
    assert (second.fiscal_drive + second.fiscal_document + second.fiscal_sign).isdigit()
    assert third.fiscal_sign == second.fiscal_sign


# --- Notifications


def message_of(payment):
    return notices.message(BankPayment.objects.get(pk=payment.gateway_id), now=NOON)


def notification(body, signature=None):
    headers = {} if signature is None else {bank.SIGNATURE: signature}
    return Notification("POST", headers, body, "127.0.0.1")


def test_a_signed_message_names_its_payment():
    payment = paid()
    body = message_of(payment)

    assert sandbox.verify(notification(body, bank.sign(body))) == payment.gateway_id


@pytest.mark.parametrize("signature", [None, "", "x", "я", "\udcff", "0" * 64])
def test_a_message_with_a_wrong_signature_is_forged(signature):
    with pytest.raises(Forged):
        sandbox.verify(notification(message_of(paid()), signature))


def test_a_signature_fits_one_body_alone():
    body = message_of(paid())

    with pytest.raises(Forged):
        sandbox.verify(notification(body + b" ", bank.sign(body)))


def test_with_an_empty_secret_nothing_is_believed(settings):
    settings.SANDBOX_SECRET = ""
    body = message_of(paid())

    with pytest.raises(Forged, match="no secret"):
        sandbox.verify(notification(body, bank.sign(body)))


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"null", b'{"payment": 1}', b'{"payment": {"number": 1}}', b"\xff", b"[" * 60_000],
)
def test_signed_rubbish_is_forged_as_well(body):
    with pytest.raises(Forged, match="names no payment"):
        sandbox.verify(notification(body, bank.sign(body)))
