"""The YooKassa gateway against a YooKassa that behaves."""

import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
import yookassa
from structlog.testing import capture_logs

from accounts.tests.at_once import at_once
from accounts.tests.factories import StaffFactory
from billing import gateways, receipts
from billing.gateways import PaymentState, Refused, Saved, Status
from billing.gateways.yookassa import gateway
from billing.gateways.yookassa.states import FAILURES, _title
from billing.models import Payment, Receipt
from billing.tests.factories import NOON, PaymentFactory, PaymentMethodFactory, ReceiptFactory
from billing.tests.yookassa_rows import BACK, new, paid, refund_of

pytestmark = pytest.mark.django_db


def test_a_card_is_sent_to_the_page_of_yookassa(shop):
    payment = new(amount=Decimal("1234.50"))

    state = gateway.start(payment, return_url=BACK)

    assert state == PaymentState(
        gateway_id=state.gateway_id,
        status=Status.PENDING,
        amount=Decimal("1234.50"),
        currency="RUB",
        shop=gateway.shop,
        reference=str(payment.operation),
        contract_number=payment.account.contract.number,
        pay_url=shop.payments[state.gateway_id]["confirmation"]["confirmation_url"],
    )


def test_yookassa_is_told_what_the_payment_is_for(shop):
    payment = new()

    gateway.start(payment, return_url=BACK)

    (asked,) = shop.bodies
    assert asked["capture"] is True
    assert asked["confirmation"]["return_url"] == BACK
    assert asked["description"] == f"Услуги связи, договор № {payment.account.contract.number}"
    assert asked["metadata"]["payment"] == str(payment.operation)


def test_sbp_gives_a_code_to_draw_and_the_same_link_for_a_phone(shop):
    state = gateway.start(new(method=Payment.Method.SBP), return_url=BACK)

    assert state.qr.startswith("https://qr.nspk.ru/")
    assert state.pay_url == state.qr


def test_the_same_payment_begun_twice_is_one_payment(shop):
    payment = new()

    states = [gateway.start(payment, return_url=BACK) for _ in range(2)]

    assert states[0] == states[1]
    assert len(shop.payments) == 1


def test_a_payment_begun_at_once_by_many_is_one_payment(shop):
    payment = new()

    states = at_once(8, lambda _: gateway.start(payment, return_url=BACK))

    assert len({state.gateway_id for state in states}) == len(shop.payments) == 1


def test_the_same_key_with_another_sum_is_refused_in_yookassas_words(shop):
    payment = new()
    gateway.start(payment, return_url=BACK)
    payment.amount += 1

    with pytest.raises(Refused, match="Idempotence key duplicated"):
        gateway.start(payment, return_url=BACK)


def test_a_paid_payment_has_its_moment(shop):
    state = gateway.read(paid(shop).gateway_id)

    assert state.status == Status.SUCCEEDED
    assert abs(state.paid_at - datetime.now(UTC)).total_seconds() < 60
    assert state.saved is None


def test_a_payment_that_yookassa_does_not_know_is_refused(shop):
    with pytest.raises(Refused, match="404"):
        gateway.read(str(uuid4()))


@pytest.mark.parametrize(
    ("reason", "failure"),
    [
        *FAILURES.items(),
        ("general_decline", "declined"),
        ("call_issuer", "declined"),
        ("a reason of tomorrow", "declined"),
    ],
)
def test_every_reason_has_words_for_the_subscriber(shop, reason, failure):
    number = gateway.start(new(), return_url=BACK).gateway_id
    shop.cancel(number, reason)

    state = gateway.read(number)

    assert (state.status, state.failure) == (Status.CANCELLED, failure)
    assert failure in gateways.FAILURES


# --- Saved methods


def test_a_card_that_its_owner_let_us_keep_comes_with_its_name(shop):
    payment = paid(shop, wants_saving=True)

    saved = gateway.read(payment.gateway_id).saved

    assert saved == Saved(gateway_id=shop.payments[payment.gateway_id]["payment_method"]["id"], title="Мир •• 4477")


@pytest.mark.parametrize(("network", "title"), [("Visa", "Visa •• 0004"), (None, "Карта •• 0004")])
def test_a_card_of_another_network_keeps_its_name(shop, network, title):
    number = gateway.start(new(wants_saving=True), return_url=BACK).gateway_id
    shop.pay(number, card="0004", network=network)

    assert gateway.read(number).saved.title == title


def test_saved_sbp_is_called_so(shop):
    payment = paid(shop, wants_saving=True, method=Payment.Method.SBP)

    assert gateway.read(payment.gateway_id).saved.title == "СБП"


def test_a_saved_card_is_charged_without_its_owner(shop):
    saved = gateway.read(paid(shop, wants_saving=True).gateway_id).saved
    method = PaymentMethodFactory(gateway="yookassa", gateway_id=saved.gateway_id)

    state = gateway.charge(new(method=Payment.Method.SAVED, saved_method=method), method)

    assert (state.status, state.amount, state.pay_url) == (Status.SUCCEEDED, Decimal(500), "")


def test_a_saved_card_whose_owner_took_back_his_consent_is_not_charged(shop):
    saved = gateway.read(paid(shop, wants_saving=True).gateway_id).saved
    shop.charge_reason = "permission_revoked"
    method = PaymentMethodFactory(gateway="yookassa", gateway_id=saved.gateway_id)

    state = gateway.charge(new(method=Payment.Method.SAVED, saved_method=method), method)

    assert (state.status, state.failure) == (Status.CANCELLED, "method_revoked")


def test_a_card_that_yookassa_does_not_keep_is_refused(shop):
    method = PaymentMethodFactory(gateway="yookassa")

    with pytest.raises(Refused, match="Payment method not found"):
        gateway.charge(new(method=Payment.Method.SAVED, saved_method=method), method)


# --- Refunds


def test_a_part_is_given_back_once(shop):
    refund = refund_of(paid(shop), "120.50")

    states = [gateway.refund(refund) for _ in range(2)]

    assert states[0] == states[1]
    assert [one["amount"]["value"] for one in shop.refunds.values()] == ["120.50"]


def test_a_refund_on_its_way_is_asked_about_until_it_ends(shop):
    shop.refund_status = "pending"
    refund = refund_of(paid(shop), 100)
    refund.gateway_id = gateway.refund(refund).gateway_id

    under_way = gateway.refund(refund)
    shop.finish_refund(refund.gateway_id)

    assert (under_way.status, gateway.refund(refund).status) == (Status.PENDING, Status.SUCCEEDED)
    assert shop.asked["POST /refunds"] == 1


def test_a_refund_that_the_bank_refused_says_why(shop):
    shop.refund_status = "pending"
    refund = refund_of(paid(shop), 100)
    refund.gateway_id = gateway.refund(refund).gateway_id
    shop.finish_refund(refund.gateway_id, reason="rejected_by_payee")

    state = gateway.refund(refund)

    assert (state.status, state.failure) == (Status.CANCELLED, "rejected_by_payee (refund_network)")


def test_more_than_was_paid_is_not_given_back(shop):
    payment = paid(shop)
    gateway.refund(refund_of(payment, 300))

    with pytest.raises(Refused, match="larger than the rest"):
        gateway.refund(refund_of(payment, 300))


def test_a_number_that_is_none_of_yookassas_is_not_even_sent(shop):
    payment = PaymentFactory(gateway="yookassa", gateway_id="17", state=Payment.State.SUCCEEDED)

    with pytest.raises(Refused, match="not sent"):
        gateway.refund(refund_of(payment, 300))

    assert not shop.bodies


# --- Receipts


def test_a_receipt_names_the_contract_the_sum_and_the_tax(shop, settings):
    payment = paid(shop)

    gateway.send_receipt(ReceiptFactory(payment=payment))

    sent = shop.bodies[-1]
    assert (sent["type"], sent["payment_id"], sent["send"]) == ("payment", payment.gateway_id, True)
    assert sent["customer"] == {"email": "ivanova@example.ru"}
    assert sent["settlements"] == [{"type": "cashless", "amount": {"value": "500.00", "currency": "RUB"}}]
    assert sent["items"] == [
        {
            "description": f"Услуги связи, договор № {payment.account.contract.number}",
            "quantity": "1.0",
            "amount": {"value": "500.00", "currency": "RUB"},
            "vat_code": settings.YOOKASSA_VAT_CODE,
            "payment_subject": "service",
            "payment_mode": "advance",
        }
    ]
    assert "tax_system_code" not in sent


def test_a_receipt_goes_to_a_phone_and_names_the_tax_system_where_it_must(shop, settings):
    settings.YOOKASSA_TAX_SYSTEM = 2

    gateway.send_receipt(ReceiptFactory(payment=paid(shop, contact="+79120000000")))

    assert shop.bodies[-1]["customer"] == {"phone": "79120000000"}
    assert shop.bodies[-1]["tax_system_code"] == 2


def test_a_receipt_is_asked_about_until_it_is_registered(shop):
    receipt = ReceiptFactory(payment=paid(shop))
    sent = gateway.send_receipt(receipt)
    receipt.gateway_id = sent.gateway_id
    shop.register(sent.gateway_id)

    state = gateway.send_receipt(receipt)

    assert (sent.status, state.status) == (Status.PENDING, Status.SUCCEEDED)
    assert (state.fiscal_drive, state.fiscal_document, state.fiscal_sign) == ("9288000100115785", "3986", "2617603921")
    assert state.registered_at is not None
    assert shop.asked["POST /receipts"] == 1


def test_a_receipt_sent_twice_is_registered_once(shop):
    receipt = ReceiptFactory(payment=paid(shop))

    states = [gateway.send_receipt(receipt) for _ in range(2)]

    assert states[0].gateway_id == states[1].gateway_id
    assert len(shop.receipts) == 1


def test_a_receipt_sent_again_when_its_key_is_forgotten_is_registered_once(shop):
    receipt = ReceiptFactory(payment=paid(shop))
    gateway.send_receipt(receipt)
    shop.answers.clear()

    gateway.send_receipt(receipt)

    assert len(shop.receipts) == 1


def test_a_cancelled_receipt_does_not_stand_in_the_way_of_another(shop):
    shop.receipt_status = "canceled"
    receipt = ReceiptFactory(payment=paid(shop))
    gateway.send_receipt(receipt)
    shop.receipt_status = "pending"

    states = [gateway.send_receipt(receipt) for _ in range(2)]

    assert states[0] == states[1]
    assert [one["status"] for one in shop.receipts.values()] == ["canceled", "pending"]


def test_staff_send_a_cancelled_receipt_again_and_it_is_registered(shop):
    receipt = ReceiptFactory(payment=paid(shop), next_try_at=NOON)
    receipts.send_due(now=NOON)
    (number,) = shop.receipts
    shop.receipts[number]["status"] = "canceled"
    receipts.send_due(now=NOON + timedelta(hours=1))

    receipts.retry(receipt.pk, by=StaffFactory(), now=NOON + timedelta(days=2))
    receipts.send_due(now=NOON + timedelta(days=2))
    shop.register(next(other for other in shop.receipts if other != number))
    receipts.send_due(now=NOON + timedelta(days=3))

    receipt.refresh_from_db()
    assert (receipt.state, receipt.fiscal_document) == (Receipt.State.REGISTERED, "3986")


def test_a_refund_has_a_receipt_of_its_own(shop):
    refund = refund_of(paid(shop), 100)
    refund.gateway_id = gateway.refund(refund).gateway_id
    receipt = ReceiptFactory(payment=refund.payment, refund=refund, kind=Receipt.Kind.RETURN, amount=refund.amount)

    gateway.send_receipt(receipt)

    sent = shop.bodies[-1]
    assert (sent["type"], sent["refund_id"]) == ("refund", refund.gateway_id)
    assert sent["settlements"][0]["amount"]["value"] == "100.00"


def test_a_receipt_that_the_cash_register_refused_says_so(shop):
    shop.receipt_status = "canceled"

    state = gateway.send_receipt(ReceiptFactory(payment=paid(shop)))

    assert state.status == Status.CANCELLED
    assert "cash register" in state.error


@pytest.mark.parametrize("contact", ["", "nobody@nowhere", "two words@example.ru"])
def test_a_receipt_to_nobody_is_refused_without_repeating_the_contact(shop, contact):
    payment = paid(shop)

    with pytest.raises(Refused) as refused:
        gateway.send_receipt(ReceiptFactory(payment=payment, contact=contact))

    assert "nowhere" not in str(refused.value)
    assert "example.ru" not in str(refused.value)


# --- The key to the shop, and what others may learn


def test_a_wrong_secret_is_refused_and_told_to_staff(shop, settings):
    settings.YOOKASSA_SECRET_KEY = "test_stale"

    with capture_logs() as logs, pytest.raises(Refused, match="401"):
        gateway.start(new(), return_url=BACK)

    (line,) = logs
    assert (line["log_level"], line["status"]) == ("error", 401)
    assert "test_stale" not in str(line)


def test_logs_carry_neither_the_secret_nor_a_card_nor_a_contact(shop, settings, caplog):
    caplog.set_level(logging.DEBUG)
    payment = paid(shop, wants_saving=True, contact="+79120000000")
    gateway.read(payment.gateway_id)

    gateway.send_receipt(ReceiptFactory(payment=payment))

    assert "POST /v3/receipts" in caplog.text  # urllib3 tells of each request, at this level
    for secret in (settings.YOOKASSA_SECRET_KEY, "Basic", "4477", "79120000000"):
        assert secret not in caplog.text


def test_the_sdks_configuration_for_the_whole_process_is_neither_used_nor_changed(shop):
    yookassa.Configuration.configure("666", "somebody_elses", api_url="http://127.0.0.1:9/v3")

    try:
        state = gateway.start(new(), return_url=BACK)
        assert yookassa.Configuration.account_id == "666"
    finally:
        yookassa.Configuration.account_id = yookassa.Configuration.secret_key = None

    assert state.shop == gateway.shop


def test_a_method_without_a_name_is_called_by_its_kind():
    method = yookassa.domain.models.payment_data.payment_data.ResponsePaymentData({"type": "sberbank", "id": "1"})

    assert _title(method) == "sberbank"
