"""The YooKassa gateway against a YooKassa that misbehaves: every fault in every call, and what it costs nobody."""

import time
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.tests.at_once import at_once
from billing import payments
from billing.gateways import Refused, Unknown
from billing.gateways.yookassa import gateway
from billing.models import LedgerEntry, Payment
from billing.tests.factories import NOON, PaymentMethodFactory, ReceiptFactory
from billing.tests.yookassa_rows import BACK, new, paid, refund_of
from billing.tests.yookassa_server import Fault

pytestmark = pytest.mark.django_db

SILENT = [fault for fault in Fault if fault != Fault.SLOW]


def starting(shop):
    payment = new()
    return lambda: gateway.start(payment, return_url=BACK)


def charging(shop):
    saved = gateway.read(paid(shop, wants_saving=True).gateway_id).saved
    method = PaymentMethodFactory(gateway="yookassa", gateway_id=saved.gateway_id)
    payment = new(method=Payment.Method.SAVED, saved_method=method)
    return lambda: gateway.charge(payment, method)


def reading(shop):
    number = paid(shop).gateway_id
    return lambda: gateway.read(number)


def refunding(shop):
    refund = refund_of(paid(shop), 100)
    return lambda: gateway.refund(refund)


def asking_about_a_refund(shop):
    refund = refund_of(paid(shop), 100)
    refund.gateway_id = gateway.refund(refund).gateway_id
    return lambda: gateway.refund(refund)


def sending_a_receipt(shop):
    receipt = ReceiptFactory(payment=paid(shop))
    return lambda: gateway.send_receipt(receipt)


def asking_about_a_receipt(shop):
    receipt = ReceiptFactory(payment=paid(shop))
    receipt.gateway_id = gateway.send_receipt(receipt).gateway_id
    return lambda: gateway.send_receipt(receipt)


CALLS = [
    starting,
    charging,
    reading,
    refunding,
    asking_about_a_refund,
    sending_a_receipt,
    asking_about_a_receipt,
]
ASKING = (reading, asking_about_a_refund, asking_about_a_receipt)  # these make nothing
every_call = pytest.mark.parametrize("prepared", CALLS, ids=lambda call: call.__name__)


@pytest.fixture
def impatient(settings):
    @contextmanager
    def patience(seconds: float):
        usual, settings.YOOKASSA_TIMEOUT = settings.YOOKASSA_TIMEOUT, seconds
        yield
        settings.YOOKASSA_TIMEOUT = usual

    return patience


def count(shop) -> int:
    return len(shop.payments) + len(shop.refunds) + len(shop.receipts)


@every_call
@pytest.mark.parametrize("fault", SILENT, ids=lambda fault: fault.name)
def test_no_clear_answer_means_unknown_and_asking_again_does_it_once(shop, impatient, prepared, fault):
    call = prepared(shop)
    expected = count(shop) + (prepared not in ASKING)
    times = 1 if prepared == sending_a_receipt else 2  # asked again it looks first whether there is one
    shop.next(*[fault] * times, to="" if prepared in ASKING else "POST")

    with impatient(0.3 if fault in (Fault.SILENT, Fault.TRICKLE) else 20):
        for _ in range(times):
            with pytest.raises(Unknown):
                call()

    assert call() == call()
    assert count(shop) == expected


@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.BROKEN_JSON, Fault.NO_STATUS, Fault.DROPPED_BEFORE])
def test_a_receipt_is_not_sent_while_it_is_unclear_whether_there_is_one(shop, fault):
    call = sending_a_receipt(shop)
    shop.next(fault, to="GET")

    with pytest.raises(Unknown):
        call()

    assert shop.asked["POST /receipts"] == 0


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.TRICKLE])
def test_no_page_waits_longer_than_the_patience_in_all(shop, impatient, fault):
    call = starting(shop)
    shop.next(fault)
    began = time.monotonic()

    with impatient(0.5), pytest.raises(Unknown):
        call()

    assert 0.5 <= time.monotonic() - began < 20  # the server itself would need a minute


@every_call
def test_a_slow_answer_is_waited_for(shop, prepared):
    call = prepared(shop)
    shop.next(Fault.SLOW)

    assert call().gateway_id


@every_call
def test_nobody_listening_means_unknown(shop, settings, prepared):
    call = prepared(shop)
    settings.YOOKASSA_API_URL = "http://127.0.0.1:9/v3"

    with pytest.raises(Unknown):
        call()


@every_call
def test_a_stale_secret_means_refused(shop, settings, prepared):
    call = prepared(shop)
    settings.YOOKASSA_SECRET_KEY = "test_stale"

    with pytest.raises(Refused, match="401"):
        call()


def test_many_pages_wait_side_by_side_and_not_one_after_another(shop, impatient):
    payment_numbers = [paid(shop).gateway_id for _ in range(20)]
    shop.next(*[Fault.SILENT] * 20)
    began = time.monotonic()

    with impatient(1):
        answers = at_once(20, lambda each: gateway.read(payment_numbers[each]))

    assert all(isinstance(answer, Unknown) for answer in answers)
    assert time.monotonic() - began < 15


# --- The same, as the portal lives through it


@pytest.mark.parametrize("fault", [Fault.ERROR_AFTER, Fault.DROPPED_AFTER, Fault.SILENT, Fault.BROKEN_JSON])
def test_a_payment_begun_behind_a_broken_answer_is_found_again_and_credited_once(shop, impatient, fault):
    payment = new(next_check_at=NOON)
    shop.next(fault)

    with impatient(0.3 if fault == Fault.SILENT else 20):
        unclear = payments.start(payment.pk, now=NOON)
    begun = payments.start(payment.pk, now=NOON + timedelta(minutes=1))
    shop.pay(begun.gateway_id)
    for minute in (2, 3):
        payments.reread(payment.pk, now=NOON + timedelta(minutes=minute))

    assert (unclear.state, begun.state) == (Payment.State.NEW, Payment.State.PENDING)
    assert len(shop.payments) == 1
    assert [entry.amount for entry in LedgerEntry.objects.all()] == [Decimal(500)]


@pytest.mark.parametrize(
    ("what", "distortion"),
    [
        ("sum", {"amount": {"value": "499.99", "currency": "RUB"}}),
        ("currency", {"amount": {"value": "500.00", "currency": "KZT"}}),
        ("shop", {"recipient": {"account_id": "100501", "gateway_id": "2001"}}),
        ("shop", {"recipient": {}}),
        ("contract", {"metadata": {"contract": "999999"}}),
        ("name", {"metadata": {}}),
        ("number", {"id": "2419a771-000f-5000-9000-1edaf29243f2"}),
    ],
)
def test_a_payment_that_looks_otherwise_than_ours_is_not_credited(shop, what, distortion):
    payment = new()
    begun = payments.start(payment.pk, now=NOON)
    shop.pay(begun.gateway_id)
    ours = shop.payments[begun.gateway_id]["metadata"]
    shop.distort = lambda state: state.update(
        distortion | ({"metadata": ours | distortion["metadata"]} if distortion.get("metadata") else {})
    )

    with pytest.raises(payments.Mismatch, match=what):
        payments.learn(payment.pk, gateway.read(begun.gateway_id), now=NOON)

    assert not LedgerEntry.objects.exists()
