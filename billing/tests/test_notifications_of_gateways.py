"""What comes to /pay/<gateway>/: genuine, repeated, forged; each written down, credited once or not at all."""

import hashlib
import hmac
import json
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import OperationalError
from django.test import Client

from accounts.tests.at_once import at_once
from billing import gateway_messages, gateways, payments
from billing.gateways import Notification, Unknown
from billing.gateways.sandbox import bank, notices
from billing.models import Account, BankPayment, GatewayMessage, LedgerEntry, Payment
from billing.tests.factories import NOON, account_of
from billing.tests.test_opening_payments import open_one

Verdict = GatewayMessage.Verdict
ADDRESS = "/pay/sandbox/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    """As a gateway comes: without a session, past no CSRF check of the test client."""
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


def under_way(*, is_paid):
    payment = payments.start(open_one(account_of().pk).pk, now=NOON)
    if is_paid:
        bank.confirm(UUID(payment.gateway_id), card="4477", now=NOON)
    return payment


def message_of(payment, **changes):
    row = BankPayment.objects.get(pk=payment.gateway_id)
    content = json.loads(notices.message(row, now=NOON))
    content["payment"] |= changes
    return json.dumps(content).encode()


def send(client, body, signature=None, **extra):
    headers = {bank.SIGNATURE: bank.sign(body) if signature is None else signature}
    return client.post(ADDRESS, body, content_type="application/json", headers=headers, **extra)


def credited():
    return sum(Account.objects.values_list("balance", flat=True))


# --- Genuine ones


def test_a_genuine_notification_credits(client):
    payment = under_way(is_paid=True)

    answer = send(client, message_of(payment))

    assert (answer.status_code, credited()) == (200, 500)
    message = GatewayMessage.objects.get()
    assert (message.verdict, message.payment_id, message.network_address) == (
        Verdict.ACCEPTED,
        payment.pk,
        "127.0.0.1",
    )
    assert payment.gateway_id in message.body


def test_a_repeated_one_is_answered_and_credits_nothing_more(client):
    body = message_of(under_way(is_paid=True))

    answers = [send(client, body).status_code for _each in range(5)]

    assert (answers, credited()) == ([200] * 5, 500)
    assert GatewayMessage.objects.filter(verdict=Verdict.REPEATED).count() == 4


def test_one_that_is_quicker_than_the_answer_to_our_own_request_credits(client):
    payment = under_way(is_paid=True)
    body = message_of(payment)
    Payment.objects.update(state=Payment.State.NEW, gateway_id="")

    answer = send(client, body)

    assert (answer.status_code, credited()) == (200, 500)
    assert GatewayMessage.objects.get().payment_id == payment.pk


def test_a_declined_payment_is_closed_by_its_notification(client):
    payment = under_way(is_paid=False)
    bank.decline(UUID(payment.gateway_id), failure="fraud", now=NOON)

    send(client, message_of(payment))

    payment.refresh_from_db()
    assert (payment.state, payment.failure) == (Payment.State.CANCELLED, "fraud")


def test_when_the_gateway_cannot_be_asked_it_must_tell_again(client, monkeypatch):
    body = message_of(under_way(is_paid=True))
    monkeypatch.setattr(gateways.get("sandbox"), "read", fail_with(Unknown("HTTP 500")))

    first = send(client, body)
    monkeypatch.undo()
    second = send(client, body)

    assert (first.status_code, second.status_code, credited()) == (503, 200, 500)
    assert "HTTP 500" in GatewayMessage.objects.last().reason


def fail_with(error):
    def fail(*_args, **_kwargs):
        raise error

    return fail


class LockTimeout(Exception):
    pgcode = "55P03"


@pytest.fixture
def lost_races(monkeypatch):
    """PostgreSQL lets another transaction win so many times before it lets us learn."""
    monkeypatch.setattr("mark_portal.middleware.connection", type("NoTestsTransaction", (), {"in_atomic_block": False}))
    learn, left = payments.learn, []

    def lose(*args, **kwargs):
        if not left:
            return learn(*args, **kwargs)
        left.pop()
        error = OperationalError("canceling statement due to lock timeout")
        raise error from LockTimeout()

    monkeypatch.setattr(payments, "learn", lose)
    return left


def test_an_account_that_is_locked_for_a_moment_is_tried_again(client, lost_races):
    body = message_of(under_way(is_paid=True))
    lost_races += [1, 1]

    assert send(client, body).status_code == 200
    assert credited() == 500


def test_an_account_that_stays_locked_makes_the_gateway_tell_again(client, lost_races):
    body = message_of(under_way(is_paid=True))
    lost_races += [1] * 3

    first, second = send(client, body), send(client, body)

    assert (first.status_code, second.status_code, credited()) == (503, 200, 500)


# --- Forged ones: each is written down, none credits


def other_gateways_signature(body):
    return hmac.new(b"test_only-for-tests", body, hashlib.sha256).hexdigest()


def unsigned(client, body):
    return client.post(ADDRESS, body, content_type="application/json")


def signed_with_an_empty_secret(client, body):
    return send(client, body, hmac.new(b"", body, hashlib.sha256).hexdigest())


def signed_for_another_gateway(client, body):
    return send(client, body, other_gateways_signature(body))


def signed_for_another_body(client, body):
    return send(client, body.replace(b"500", b"100"), bank.sign(body))


def by_get(client, body):
    return client.get(ADDRESS, {"message": body}, headers={bank.SIGNATURE: bank.sign(body)})


def by_put(client, body):
    return client.put(ADDRESS, body, headers={bank.SIGNATURE: bank.sign(body)})


def rubbish(client, _body):
    return client.post(ADDRESS, b"rubbish", content_type="text/plain")


def a_hundred_thousand_characters(client, body):
    return send(client, body + b" " * 100_000)


def broken_utf8(client, _body):
    return client.post(ADDRESS, b"\xff\xfe\xed\xa0\x80\x00", content_type="application/x-www-form-urlencoded")


def a_broken_upload(client, _body):
    return client.post(ADDRESS, b"--broken", content_type="multipart/form-data; boundary=x")


def nothing(client, _body):
    return client.post(ADDRESS)


FORGED = {
    unsigned: 403,
    signed_with_an_empty_secret: 403,
    signed_for_another_gateway: 403,
    signed_for_another_body: 403,
    by_get: 405,
    by_put: 405,
    rubbish: 403,
    a_hundred_thousand_characters: 413,
    broken_utf8: 403,
    a_broken_upload: 403,
    nothing: 403,
}


@pytest.mark.parametrize(("forge", "status"), FORGED.items(), ids=[forge.__name__ for forge in FORGED])
def test_a_forged_notification_credits_nothing_and_is_written_down(client, forge, status):
    payment = under_way(is_paid=True)

    answer = forge(client, message_of(payment))

    message = GatewayMessage.objects.get()
    payment.refresh_from_db()
    assert (answer.status_code, credited(), payment.state) == (status, 0, Payment.State.PENDING)
    assert (message.verdict, message.payment) == (Verdict.REFUSED, None)
    assert message.reason
    assert len(message.body) <= 10_000


# --- Genuine signatures, but the gateway's own word says another thing


def of_a_smaller_sum(payment):
    BankPayment.objects.filter(pk=payment.gateway_id).update(amount=Decimal("1.00"))


def of_another_contract(payment):
    BankPayment.objects.filter(pk=payment.gateway_id).update(contract_number="999999")


def of_another_payment(payment):
    BankPayment.objects.filter(pk=payment.gateway_id).update(reference=str(uuid4()))


def in_another_currency(_payment, monkeypatch):
    monkeypatch.setattr(bank, "CURRENCY", "KZT")


def for_another_shop(_payment, monkeypatch):
    monkeypatch.setattr(bank, "SHOP", "another")


UNTRUE = [
    of_a_smaller_sum,
    of_another_contract,
    of_another_payment,
    in_another_currency,
    for_another_shop,
]


@pytest.mark.parametrize("lie", UNTRUE)
def test_a_word_that_does_not_fit_credits_nothing_and_closes_the_payment(client, lie, monkeypatch):
    payment = under_way(is_paid=True)
    body = message_of(payment)
    lie(*(payment, monkeypatch)[: lie.__code__.co_argcount])

    answer = send(client, body)

    payment.refresh_from_db()
    message = GatewayMessage.objects.get()
    assert (answer.status_code, credited()) == (200, 0)  # a repeat would change nothing
    assert (payment.state, payment.failure) == (Payment.State.CANCELLED, "mismatch")
    assert (message.verdict, message.payment_id) == (Verdict.REFUSED, payment.pk)
    assert "Mismatch" in message.reason


def test_what_the_notification_says_does_not_count(client):
    payment = under_way(is_paid=False)
    body = message_of(payment, status="succeeded", amount="100000.00")

    answer = send(client, body)

    payment.refresh_from_db()
    assert (answer.status_code, credited(), payment.state) == (200, 0, Payment.State.PENDING)


def test_another_payments_number_credits_that_one_as_its_own_word_says(client):
    paid, unpaid = under_way(is_paid=True), under_way(is_paid=False)
    body = message_of(unpaid, number=paid.gateway_id)

    send(client, body)

    assert {p.pk: p.state for p in Payment.objects.all()} == {paid.pk: "succeeded", unpaid.pk: "pending"}


def test_a_second_payment_under_our_name_does_not_touch_the_first(client):
    payment = under_way(is_paid=False)
    twin = BankPayment.objects.create(
        idempotence_key=uuid4(),
        amount=500,
        reference=str(payment.operation),
        contract_number=payment.account.contract.number,
        method="card",
        return_url="http://testserver/",
        created_at=NOON,
        status="succeeded",
        paid_at=NOON,
    )
    body = message_of(payment, number=str(twin.number))

    send(client, body)

    payment.refresh_from_db()
    assert (payment.state, credited()) == (Payment.State.PENDING, 0)
    assert "number" in GatewayMessage.objects.get().reason


@pytest.mark.parametrize("reference", ["", "an order of another site", "5f6a3c1e-8d2b-4f7a-9c0d-1e2f3a4b5c6d"])
def test_a_payment_of_another_site_is_written_down_and_not_repeated(client, reference):
    payment = under_way(is_paid=True)
    body = message_of(payment)
    Payment.objects.update(gateway_id="another")
    BankPayment.objects.update(reference=reference)

    answer = send(client, body)

    assert (answer.status_code, credited()) == (200, 0)
    assert "NotOurs" in GatewayMessage.objects.get().reason


def test_a_number_that_the_gateway_does_not_know_is_written_down(client):
    body = message_of(under_way(is_paid=True), number=str(uuid4()))

    answer = send(client, body)

    assert (answer.status_code, credited()) == (200, 0)
    assert "Refused" in GatewayMessage.objects.get().reason


@pytest.mark.parametrize("name", ["osmp-2", "nonsense", "gateways"])
def test_a_gateway_that_is_not_switched_on_has_no_address(client, name):
    assert client.post(f"/pay/{name}/").status_code == 404


def test_a_gateway_that_was_switched_off_has_no_address_any_more(client, settings):
    settings.PAYMENT_GATEWAYS = ["yookassa"]

    assert client.post(ADDRESS).status_code == 404


# --- What is kept of them


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"a\0b", "a\ufffdb"),
        (b"\xff", "\ufffd"),
        (b"x" * 20_000, "x" * 10_000),
        (b"card=2200123412341234&x", "card=220012******1234&x"),
        (b"2200 1234 1234 1234", "2200 12** **** 1234"),
        (b'{"amount": "500.00"}', '{"amount": "500.00"}'),
    ],
)
def test_a_message_is_made_harmless(body, kept):
    assert gateway_messages.harmless(body) == kept


def test_a_flood_from_one_network_does_not_fill_the_table_but_a_payment_among_it_counts(client):
    for _each in range(gateway_messages.BY_NETWORK.ceiling + 5):
        unsigned(client, b"{}")

    send(client, message_of(under_way(is_paid=True)))

    assert GatewayMessage.objects.filter(verdict=Verdict.REFUSED).count() == gateway_messages.BY_NETWORK.ceiling
    assert (GatewayMessage.objects.filter(verdict=Verdict.ACCEPTED).count(), credited()) == (1, 500)


def test_messages_are_forgotten_after_four_hundred_days():
    for days in (399, 401):
        gateway_messages.record(
            "sandbox",
            Notification("POST", {}, str(days).encode(), None),
            verdict=Verdict.REFUSED,
            now=NOON - timedelta(days=days),
        )

    assert gateway_messages.forget_old(now=NOON) == 1
    assert GatewayMessage.objects.get().body == "399"


# --- At once


@pytest.mark.django_db(transaction=True)
def test_a_hundred_notifications_at_once_credit_one_time():
    payment = under_way(is_paid=True)
    body = message_of(payment)

    answers = at_once(100, lambda _n: send(Client(), body).status_code)

    assert set(answers) == {200}
    assert (credited(), LedgerEntry.objects.count()) == (500, 1)
