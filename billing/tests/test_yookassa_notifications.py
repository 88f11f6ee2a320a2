"""Notifications of YooKassa at /pay/yookassa/: unsigned, so they only say which payment to ask about."""

import json
from decimal import Decimal
from ipaddress import ip_network
from uuid import uuid4

import pytest

from billing import payments
from billing.gateways import Forged, Notification
from billing.gateways.yookassa import gateway
from billing.gateways.yookassa.notifications import comes_from_yookassa
from billing.models import GatewayMessage, LedgerEntry, Payment
from billing.tests.factories import NOON
from billing.tests.yookassa_rows import new, paid, refund_of
from billing.tests.yookassa_server import Fault

pytestmark = pytest.mark.django_db

THEIRS, STRANGERS = "185.71.76.5", "203.0.113.9"
NUMBER = "2419a771-000f-5000-9000-1edaf29243f2"


def about(number, event="payment.succeeded", **fields) -> dict:
    return {"type": "notification", "event": event, "object": {"id": number, "status": "succeeded", **fields}}


def tell(client, content, *, address=THEIRS, **headers):
    body = content if isinstance(content, str | bytes) else json.dumps(content)
    return client.post("/pay/yookassa/", body, content_type="application/json", REMOTE_ADDR=address, **headers)


def begun(shop, **fields) -> Payment:
    return payments.start(new(**fields).pk, now=NOON)


def heard(body, *, method="POST", address=THEIRS) -> str:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return gateway.verify(Notification(method, {}, data, address))


def credited() -> list[Decimal]:
    return [entry.amount for entry in LedgerEntry.objects.all()]


# --- What a notification must look like


def test_a_notification_names_the_payment():
    assert heard(about(NUMBER)) == NUMBER


def test_a_notification_about_a_refund_names_its_payment():
    assert heard(about(str(uuid4()), "refund.succeeded", payment_id=NUMBER)) == NUMBER


@pytest.mark.parametrize("address", ["185.71.76.0", "77.75.156.11", "2a02:5180:0:1509::7", "::ffff:185.71.77.31"])
def test_yookassas_own_networks_are_believed(address):
    assert comes_from_yookassa(address)


@pytest.mark.parametrize("address", ["185.71.76.32", "127.0.0.1", "::1", "2a02:5180:0:150a::7", "0.0.0.0", "", None])
def test_other_networks_are_not(address):
    with pytest.raises(Forged, match="network"):
        heard(about(NUMBER), address=address)


def test_the_networks_can_be_changed(settings):
    settings.YOOKASSA_NETWORKS = [ip_network("198.51.100.0/24")]

    assert comes_from_yookassa("198.51.100.7")
    assert not comes_from_yookassa(THEIRS)


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD"])
def test_only_post_is_a_notification(method):
    with pytest.raises(Forged, match="not POST"):
        heard(about(NUMBER), method=method)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\x00",
        b"payment=1",
        b"[" * 100_000,
        b"[]",
        b"null",
        {},
        {"type": "notification", "event": "payment.succeeded"},
        {"type": "notification", "event": ["payment.succeeded"], "object": {"id": NUMBER}},
        {"type": "notification", "event": "payment.succeeded", "object": [NUMBER]},
        {"type": "letter", "event": "payment.succeeded", "object": {"id": NUMBER}},
        about(NUMBER, "payout.succeeded"),
        about(None),
        about({"id": NUMBER}),
        about("17"),
        about(f"{NUMBER}/../../refunds"),
        about(f"{NUMBER}\n"),
    ],
    ids=repr,
)
def test_garbage_is_forged(body):
    with pytest.raises(Forged):
        heard(body)


# --- What follows from one


def test_a_notification_credits_a_paid_payment_once(client, shop):
    payment = begun(shop)
    shop.pay(payment.gateway_id)

    answers = [tell(client, about(payment.gateway_id)) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert credited() == [Decimal(500)]


def test_a_notification_quicker_than_the_answer_to_our_own_request_credits_too(client, shop):
    payment = new()
    shop.next(Fault.ERROR_AFTER)
    payments.start(payment.pk, now=NOON)
    (number,) = shop.payments
    shop.pay(number)

    tell(client, about(number))

    assert credited() == [Decimal(500)]
    payment.refresh_from_db()
    assert payment.gateway_id == number


def test_a_notification_that_a_payment_was_paid_is_not_believed_while_yookassa_says_otherwise(client, shop):
    payment = begun(shop)

    answer = tell(client, about(payment.gateway_id, amount={"value": "100000.00", "currency": "RUB"}))

    assert answer.status_code == 200
    assert credited() == []


@pytest.mark.parametrize("address", [STRANGERS, "127.0.0.1"])
def test_a_stranger_credits_nothing_though_the_payment_is_paid(client, shop, address):
    payment = begun(shop)
    shop.pay(payment.gateway_id)

    answer = tell(client, about(payment.gateway_id), address=address)

    assert answer.status_code == 403
    assert credited() == []
    (message,) = GatewayMessage.objects.all()
    assert (message.verdict, message.network_address) == (GatewayMessage.Verdict.REFUSED, address)
    assert shop.asked["GET /payments"] == 0


def test_an_address_in_a_header_is_not_believed_without_a_proxy_of_ours(client, shop):
    payment = begun(shop)
    shop.pay(payment.gateway_id)

    answer = tell(client, about(payment.gateway_id), address=STRANGERS, HTTP_X_FORWARDED_FOR=THEIRS)

    assert answer.status_code == 403
    assert credited() == []


def test_behind_our_proxy_only_the_address_that_it_saw_is_believed(client, shop, settings):
    settings.TRUSTED_PROXIES = 1
    payment = begun(shop)
    shop.pay(payment.gateway_id)

    forged = tell(client, about(payment.gateway_id), address="127.0.0.1", HTTP_X_FORWARDED_FOR=f"{THEIRS}, {STRANGERS}")
    genuine = tell(client, about(payment.gateway_id), address="127.0.0.1", HTTP_X_FORWARDED_FOR=f"1.2.3.4, {THEIRS}")

    assert (forged.status_code, genuine.status_code) == (403, 200)
    assert credited() == [Decimal(500)]


@pytest.mark.parametrize(
    "distortion",
    [
        {"amount": {"value": "1.00", "currency": "RUB"}},
        {"amount": {"value": "500.00", "currency": "KZT"}},
        {"recipient": {"account_id": "100501", "gateway_id": "2001"}},
        {"metadata": {"payment": str(uuid4()), "contract": "100001"}},
        {"metadata": None},
    ],
    ids=["smaller sum", "other currency", "other shop", "other payment", "no name"],
)
def test_what_yookassa_itself_says_must_be_about_our_payment(client, shop, distortion):
    payment = begun(shop)
    shop.pay(payment.gateway_id)
    shop.distort = lambda state: state.update(distortion)

    answer = tell(client, about(payment.gateway_id))

    assert answer.status_code == 200
    assert credited() == []
    assert GatewayMessage.objects.get().verdict == GatewayMessage.Verdict.REFUSED


def test_another_payments_number_credits_that_one_and_not_ours(client, shop):
    ours, other = begun(shop), begun(shop, amount=Decimal(10))
    shop.pay(other.gateway_id)

    tell(client, about(other.gateway_id, metadata={"payment": str(ours.operation)}))

    assert credited() == [Decimal(10)]
    ours.refresh_from_db()
    assert ours.state == Payment.State.PENDING


def test_a_number_that_yookassa_does_not_know_credits_nothing(client, shop):
    answer = tell(client, about(NUMBER))

    assert answer.status_code == 200
    assert GatewayMessage.objects.get().verdict == GatewayMessage.Verdict.REFUSED


def test_while_yookassa_cannot_be_asked_it_is_to_tell_again(client, shop):
    payment = begun(shop)
    shop.pay(payment.gateway_id)
    shop.next(Fault.ERROR_BEFORE)

    answers = [tell(client, about(payment.gateway_id)).status_code for _ in range(2)]

    assert answers == [503, 200]
    assert credited() == [Decimal(500)]


def test_a_notification_about_a_refund_credits_nothing_again(client, shop):
    payment = begun(shop)
    shop.pay(payment.gateway_id)
    tell(client, about(payment.gateway_id))
    refund = gateway.refund(refund_of(payment, 100))

    answer = tell(client, about(refund.gateway_id, "refund.succeeded", payment_id=payment.gateway_id))

    assert answer.status_code == 200
    assert credited() == [Decimal(500)]


def test_a_get_request_credits_nothing(client, shop):
    number = paid(shop).gateway_id

    answer = client.get("/pay/yookassa/", about(number), REMOTE_ADDR=THEIRS)

    assert answer.status_code == 405
    assert credited() == []
