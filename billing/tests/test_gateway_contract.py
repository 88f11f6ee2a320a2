"""What every gateway owes the portal, asked of each that is switched on: the protocol of `billing/gateways`."""

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import pytest
from django.conf import settings
from django.utils import timezone

from accounts.tests.at_once import at_once
from billing import gateways, payments
from billing.gateways import FAILURES, Forged, Notification, NotOffered, PaymentState, Refused, Status
from billing.gateways.sandbox import bank
from billing.models import LedgerEntry, Payment, Receipt, Refund
from billing.tests.factories import NOON, PaymentFactory, PaymentMethodFactory, ReceiptFactory, RefundFactory

pytestmark = pytest.mark.django_db

BACK = "http://testserver/cabinet/billing/top-up/1/"
TERMINALS = ("osmp", "sber")
ONLINE = [name for name in settings.PAYMENT_GATEWAYS if name not in TERMINALS]

every_gateway = pytest.mark.parametrize("name", ONLINE)


@pytest.fixture
def payer(shop) -> dict[str, Callable[[str], None]]:
    """How a payment is paid, or declined, at each gateway."""
    return {
        "sandbox": lambda number: bank.confirm(UUID(number), now=timezone.now(), card="4477"),
        "yookassa": shop.pay,
    }


@pytest.fixture
def decliner(shop) -> dict[str, Callable[[str], None]]:
    return {
        "sandbox": lambda number: bank.decline(UUID(number), failure="insufficient_funds", now=timezone.now()),
        "yookassa": lambda number: shop.cancel(number, "insufficient_funds"),
    }


def new(name: str, **fields) -> Payment:
    return PaymentFactory(gateway=name, gateway_id="", state=Payment.State.NEW, **fields)


def begun(name: str, **fields) -> tuple[Payment, PaymentState]:
    payment = new(name, **fields)
    return payment, gateways.get(name).start(payment, return_url=BACK)


def credited(name: str, payer, **fields) -> Payment:
    payment, state = begun(name, **fields)
    payer[name](state.gateway_id)
    return payments.learn(payment.pk, gateways.get(name).read(state.gateway_id), now=NOON)


def test_every_gateway_is_asked_here():
    assert {"sandbox", "yookassa"} <= set(ONLINE)


@every_gateway
def test_it_says_what_it_is_and_what_it_offers(name):
    gateway = gateways.get(name)

    assert gateway.name == name
    assert gateway.shop
    assert set(gateway.methods) <= set(Payment.Method) - {Payment.Method.SAVED, Payment.Method.TERMINAL}
    assert gateway in gateways.offered()


@every_gateway
@pytest.mark.parametrize("method", [Payment.Method.CARD, Payment.Method.SBP])
def test_a_begun_payment_is_ours_waits_and_can_be_paid(name, payer, method):
    payment, state = begun(name, method=method, amount=Decimal("1234.56"))

    assert (state.status, state.amount, state.currency) == (Status.PENDING, Decimal("1234.56"), "RUB")
    assert (state.shop, state.reference) == (gateways.get(name).shop, str(payment.operation))
    assert state.contract_number == payment.account.contract.number
    assert 0 < len(state.gateway_id) <= Payment._meta.get_field("gateway_id").max_length
    assert state.pay_url.startswith(("https://", settings.SITE_URL))
    assert bool(state.qr) == (method == Payment.Method.SBP)


@every_gateway
def test_begun_again_it_is_the_same_payment(name, payer):
    payment, state = begun(name)

    assert gateways.get(name).start(payment, return_url=BACK) == state


@every_gateway
@pytest.mark.django_db(transaction=True)
def test_begun_by_many_at_once_it_is_the_same_payment(name, payer):
    payment = new(name)

    states = at_once(6, lambda _: gateways.get(name).start(payment, return_url=BACK))

    assert len({state.gateway_id for state in states}) == 1


@every_gateway
def test_a_payment_is_read_as_it_is_until_it_is_paid(name, payer):
    payment, state = begun(name)

    waiting = gateways.get(name).read(state.gateway_id)
    payer[name](state.gateway_id)
    paid = gateways.get(name).read(state.gateway_id)

    assert (waiting.status, paid.status) == (Status.PENDING, Status.SUCCEEDED)
    assert (paid.amount, paid.reference, paid.gateway_id) == (Decimal(500), str(payment.operation), state.gateway_id)
    assert paid.paid_at is not None
    assert paid.saved is None  # nobody allowed it


@every_gateway
def test_a_declined_payment_says_why_in_our_words(name, decliner):
    _payment, state = begun(name)
    decliner[name](state.gateway_id)

    declined = gateways.get(name).read(state.gateway_id)

    assert (declined.status, declined.failure) == (Status.CANCELLED, "insufficient_funds")
    assert declined.failure in FAILURES


@every_gateway
@pytest.mark.parametrize("number", ["5f6a3c1e-8d2b-4f7a-9c0d-1e2f3a4b5c6d", "17", "no such"])
def test_a_payment_it_does_not_know_is_refused(name, payer, number):
    with pytest.raises(Refused):
        gateways.get(name).read(number)


@every_gateway
def test_a_card_is_kept_with_leave_and_charged_once(name, payer):
    _payment, state = begun(name, wants_saving=True)
    payer[name](state.gateway_id)
    saved = gateways.get(name).read(state.gateway_id).saved
    method = PaymentMethodFactory(gateway=name, gateway_id=saved.gateway_id, title=saved.title)
    payment = new(name, method=Payment.Method.SAVED, saved_method=method)

    charged = [gateways.get(name).charge(payment, method) for _ in range(2)]

    assert saved.title == "Мир •• 4477"
    assert charged[0] == charged[1]
    assert (charged[0].status, charged[0].reference) == (Status.SUCCEEDED, str(payment.operation))
    assert (charged[0].amount, charged[0].shop) == (payment.amount, gateways.get(name).shop)


@every_gateway
def test_from_the_first_click_to_the_receipt_of_a_refund(name, payer):
    gateway, payment = gateways.get(name), credited(name, payer)
    refund = RefundFactory(payment=payment, amount=Decimal("120.50"), state=Refund.State.SENDING)

    given = [gateway.refund(refund) for _ in range(2)]
    refund.gateway_id = given[0].gateway_id
    income = gateway.send_receipt(payment.receipts.get())
    back = gateway.send_receipt(
        ReceiptFactory(payment=payment, refund=refund, kind=Receipt.Kind.RETURN, amount=refund.amount)
    )

    assert [entry.amount for entry in LedgerEntry.objects.all()] == [Decimal(500)]
    assert given[0] == given[1]
    assert given[0].status == Status.SUCCEEDED
    assert income.gateway_id
    assert back.gateway_id not in ("", income.gateway_id)


@every_gateway
def test_more_than_was_paid_is_never_given_back(name, payer):
    gateway, payment = gateways.get(name), credited(name, payer)
    gateway.refund(RefundFactory(payment=payment, amount=Decimal(400)))

    with pytest.raises(Refused):
        gateway.refund(RefundFactory(payment=payment, amount=Decimal(101)))


@every_gateway
def test_an_unpaid_payment_is_not_given_back(name, payer):
    payment, state = begun(name)
    payment.gateway_id = state.gateway_id

    with pytest.raises(Refused):
        gateways.get(name).refund(RefundFactory(payment=payment, amount=Decimal(1)))


@every_gateway
def test_a_receipt_sent_twice_is_one_receipt(name, payer):
    receipt = credited(name, payer).receipts.get()

    states = [gateways.get(name).send_receipt(receipt) for _ in range(2)]

    assert states[0] == states[1]


@pytest.mark.parametrize("name", settings.PAYMENT_GATEWAYS)
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"\xff", b"null", b'{"payment": {"number": "1"}}'])
@pytest.mark.parametrize("address", ["203.0.113.9", None])
def test_nobody_is_believed_who_only_claims_to_be_it(name, body, address):
    with pytest.raises((Forged, NotOffered)):
        gateways.get(name).verify(Notification("POST", {}, body, address))


@pytest.mark.parametrize("name", TERMINALS)
def test_a_terminal_offers_nothing_to_choose_on_a_page(name):
    assert gateways.get(name).methods == ()
    with pytest.raises(NotOffered):
        gateways.get(name).start(new(name), return_url=BACK)


def test_a_gateway_that_is_switched_off_is_not_found(settings):
    settings.PAYMENT_GATEWAYS = ["yookassa"]

    with pytest.raises(LookupError):
        gateways.get("sandbox")
