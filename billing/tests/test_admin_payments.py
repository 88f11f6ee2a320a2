"""Payments, receipts, promises and messages in the admin."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import roles
from accounts.models import JournalEntry
from accounts.tests.factories import CityFactory, ContractFactory, HouseFactory, StaffFactory, StreetFactory
from billing import gateways, payments
from billing.admin import search
from billing.admin.ledger import AccountAdmin
from billing.gateways import PaymentState, Status, Unknown
from billing.models import Account, GatewayMessage, Payment, Receipt, Refund
from billing.tests.factories import NOON, PaymentFactory, PromisedPaymentFactory, ReceiptFactory, account_of, put

pytestmark = pytest.mark.django_db
PAYMENTS, RECEIPTS = "/admin/billing/payment/", "/admin/billing/receipt/"


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(NOON, tick=False):
        yield


def sign_in(client, role=roles.ACCOUNTANT):
    user = StaffFactory(role=role, in_cities=[CityFactory()])
    client.force_login(user, "accounts.backends.StaffBackend")
    return user


@pytest.fixture
def accountant(client):
    return sign_in(client)


def in_votkinsk(**fields):
    city = CityFactory(slug="votkinsk", name="Воткинск", name_en="Votkinsk")
    return account_of(ContractFactory(house=HouseFactory(street=StreetFactory(city=city))), **fields)


def found(client, url, query):
    return list(client.get(url, {"q": query}).context["cl"].result_list)


def page(client, row):
    meta = row._meta
    response = client.get(reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[row.pk]))
    return response.content.decode().replace("\N{NO-BREAK SPACE}", " ")


def said(response):
    return " ".join(map(str, get_messages(response.wsgi_request)))


@pytest.mark.parametrize(
    ("typed", "amount"),
    [
        ("1234.50", "1234.50"),
        ("1 234,50", "1234.50"),
        ("1\N{NARROW NO-BREAK SPACE}234,50\N{NO-BREAK SPACE}₽", "1234.50"),
        ("1,234.50", "1234.50"),
        ("500", "500"),
        ("500,5", "500.5"),
    ],
)
def test_a_sum_is_understood_however_it_is_written(typed, amount):
    assert search.sum_in(typed) == Decimal(amount)


@pytest.mark.parametrize("typed", ["", "x", "-5", "1.234", "NaN", "1e5", "９", "9" * 30, "12.3.4", "1,2,3"])
def test_what_is_no_sum_is_none(typed):
    assert search.sum_in(typed) is None


@pytest.mark.parametrize("by", ["contract", "gateway id", "its beginning", "sum", "operation"])
def test_a_payment_is_found(client, accountant, by):
    PaymentFactory()
    payment = PaymentFactory(amount=Decimal("1234.50"), gateway_id="2d5b1a7c-000f-5000-9000-1b68e7b15f3f")
    typed = {
        "contract": payment.account.contract.number,
        "gateway id": payment.gateway_id,
        "its beginning": "2D5b1a7c",
        "sum": "1 234,50",
        "operation": str(payment.operation),
    }[by]

    assert found(client, PAYMENTS, typed) == [payment]


@pytest.mark.parametrize("by", ["contract", "fiscal document", "sum of the payment"])
def test_a_receipt_is_found(client, accountant, by):
    ReceiptFactory()
    receipt = ReceiptFactory(payment__amount=Decimal("1234.50"), fiscal_document="1734")
    number = receipt.payment.account.contract.number
    typed = {"contract": number, "fiscal document": "1734", "sum of the payment": "1234.5"}[by]

    assert found(client, RECEIPTS, typed) == [receipt]


@pytest.mark.parametrize(
    ("query", "expected"),
    [("state=hanging", {"old"}), ("state=pending", {"old", "new"}), ("state=succeeded", {"paid"}), ("state=x", set())],
)
def test_payments_are_filtered_by_state_and_the_hanging_apart(client, accountant, query, expected):
    PaymentFactory(gateway_id="old", created_at=NOON - timedelta(hours=2))
    PaymentFactory(gateway_id="new", created_at=NOON - timedelta(minutes=5))
    PaymentFactory(gateway_id="paid", state=Payment.State.SUCCEEDED, created_at=NOON - timedelta(hours=2))

    rows = client.get(f"{PAYMENTS}?{query}").context["cl"].result_list

    assert {row.gateway_id for row in rows} == expected


def test_a_payments_page_tells_its_whole_story(client, accountant):
    payment = PaymentFactory()
    word = PaymentState(
        payment.gateway_id,
        Status.SUCCEEDED,
        payment.amount,
        "RUB",
        shop=gateways.get("sandbox").shop,
        reference=str(payment.operation),
        contract_number=payment.account.contract.number,
        paid_at=NOON,
    )
    payments.learn(payment.pk, word, now=NOON)
    refund = Refund.objects.create(
        operation=uuid4(), payment=payment, amount=200, reason="Ошибка", author=accountant, created_at=NOON
    )
    GatewayMessage.objects.create(gateway="sandbox", at=NOON, method="POST", payment=payment, verdict="accepted")

    story = page(client, payment)

    assert f"payment:{payment.pk}" in story
    assert reverse("admin:billing_receipt_change", args=[Receipt.objects.get().pk]) in story
    assert refund.reason in story
    assert "What the gateway told us" in story


@pytest.mark.parametrize("model", ["payment", "gatewaymessage"])
def test_gateways_are_called_as_people_call_them(client, accountant, model):
    payment = PaymentFactory(gateway="yookassa")
    GatewayMessage.objects.create(gateway="yookassa", at=NOON, method="POST", verdict="refused", payment=payment)

    page = client.get(f"/admin/billing/{model}/").content.decode()

    assert '<td class="field-through">ЮKassa</td>' in page


def test_what_is_given_back_in_full_is_not_offered_to_be_given_back(client, accountant):
    payment = PaymentFactory(state=Payment.State.SUCCEEDED)
    offer = f"{reverse('admin:billing_refund_add')}?payment={payment.pk}"
    common = {"payment": payment, "reason": "Ошибка", "author": accountant, "created_at": NOON, "finished_at": NOON}
    Refund.objects.create(operation=uuid4(), amount=payment.amount, state=Refund.State.FAILED, **common)
    assert offer in page(client, payment)

    Refund.objects.create(operation=uuid4(), amount=payment.amount, state=Refund.State.SUCCEEDED, **common)

    assert offer not in page(client, payment)


def test_a_payments_page_asks_as_many_queries_however_long_its_story(client, accountant, django_assert_num_queries):
    payment = PaymentFactory(state=Payment.State.SUCCEEDED)
    Refund.objects.create(operation=uuid4(), payment=payment, amount=1, reason="x", author=accountant, created_at=NOON)
    put(payment.account_id, 1)
    page(client, payment)
    with CaptureQueriesContext(connection) as few:
        page(client, payment)
    for number in range(15):
        GatewayMessage.objects.create(gateway="sandbox", at=NOON, method="POST", payment=payment, verdict="repeated")
        author, second = StaffFactory.create_batch(2)
        Refund.objects.create(
            operation=uuid4(),
            payment=payment,
            amount=1,
            reason=f"{number}",
            author=author,
            second=second,
            created_at=NOON,
        )

    with django_assert_num_queries(len(few)):
        page(client, payment)


@pytest.mark.parametrize("model", ["payment", "receipt", "promisedpayment", "gatewaymessage"])
def test_lists_ask_as_many_queries_for_many_rows_as_for_one(client, accountant, django_assert_num_queries, model):
    def add():
        receipt = ReceiptFactory()
        PromisedPaymentFactory()
        GatewayMessage.objects.create(
            gateway="sandbox", at=NOON, method="POST", payment=receipt.payment, verdict="refused"
        )

    url = reverse(f"admin:billing_{model}_changelist")
    add()
    client.get(url)
    with CaptureQueriesContext(connection) as few:
        client.get(url)
    for _ in range(10):
        add()

    with django_assert_num_queries(len(few)):
        client.get(url)


def test_rows_of_another_city_are_not_listed(client, accountant):
    theirs = PaymentFactory(account=in_votkinsk(), state=Payment.State.SUCCEEDED)
    ReceiptFactory(payment=theirs)
    PromisedPaymentFactory(account=theirs.account)
    GatewayMessage.objects.create(gateway="sandbox", at=NOON, method="POST", payment=theirs, verdict="refused")
    unknown = GatewayMessage.objects.create(gateway="sandbox", at=NOON, method="GET", verdict="refused")

    listed = {
        model: list(client.get(reverse(f"admin:billing_{model}_changelist")).context["cl"].result_list)
        for model in ("payment", "receipt", "promisedpayment", "gatewaymessage")
    }

    assert listed == {"payment": [], "receipt": [], "promisedpayment": [], "gatewaymessage": [unknown]}


class Answering:
    shop = "shop"

    def __init__(self, answer):
        self.answer = answer

    def read(self, gateway_id):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def ask(client, payment):
    response = client.post(reverse("admin:billing_payment_ask", args=[payment.pk]))
    payment.refresh_from_db()
    return response


def test_the_gateway_is_asked_again_and_the_payment_follows_its_word(client, accountant, monkeypatch):
    payment = PaymentFactory()
    word = PaymentState(
        payment.gateway_id,
        Status.SUCCEEDED,
        payment.amount,
        "RUB",
        shop="shop",
        reference=str(payment.operation),
        contract_number=payment.account.contract.number,
    )
    monkeypatch.setattr(gateways, "get", lambda _name: Answering(word))
    assert "Ask the gateway again" in page(client, payment)

    response = ask(client, payment)

    assert payment.state == Payment.State.SUCCEEDED
    assert Account.objects.get(pk=payment.account_id).balance == payment.amount
    assert "credited" in said(response)
    row = JournalEntry.objects.get(action="payment_reread")
    assert (row.actor, row.changes["state"]) == (accountant, ["pending", "succeeded"])


def test_a_gateway_that_is_silent_changes_nothing(client, accountant, monkeypatch):
    payment = PaymentFactory()
    monkeypatch.setattr(gateways, "get", lambda _name: Answering(Unknown("502")))

    response = ask(client, payment)

    assert (response.status_code, payment.state) == (302, Payment.State.PENDING)


def test_a_gateway_that_is_switched_off_is_said_so(client, accountant, settings):
    settings.PAYMENT_GATEWAYS = []

    response = ask(client, PaymentFactory())

    assert "switched off" in said(response)
    assert not JournalEntry.objects.exists()


@pytest.mark.parametrize("fields", [{"state": "succeeded"}, {"method": "terminal"}])
def test_what_has_its_last_word_is_not_asked_about(client, accountant, fields):
    payment = PaymentFactory(**fields)

    response = ask(client, payment)

    assert "Ask the gateway again" not in page(client, payment)
    assert "last word" in said(response)
    assert not JournalEntry.objects.exists()


def test_a_failed_receipt_is_sent_again_from_its_page(client, accountant):
    receipt = ReceiptFactory(state=Receipt.State.FAILED, error="wrong e-mail")
    assert "Send again" in page(client, receipt)

    client.post(reverse("admin:billing_receipt_send", args=[receipt.pk]))

    receipt.refresh_from_db()
    assert (receipt.state, receipt.next_try_at) == (Receipt.State.WAITING, NOON)
    assert JournalEntry.objects.get().actor == accountant


def test_failed_receipts_are_sent_again_from_the_list_and_the_others_left(client, accountant):
    failed = ReceiptFactory.create_batch(2, state=Receipt.State.FAILED, error="x")
    other = ReceiptFactory()

    chosen = [row.pk for row in (*failed, other)]
    response = client.post(RECEIPTS, {"action": "send_again", "_selected_action": chosen})

    assert "2 receipts will be sent again" in said(response)
    assert not Receipt.objects.filter(state=Receipt.State.FAILED).exists()
    assert JournalEntry.objects.count() == 2


@pytest.mark.parametrize("role", [roles.OPERATOR, roles.SUPPORT_AGENT])
def test_an_operator_reads_receipts_but_does_not_send_them(client, role):
    sign_in(client, role)
    receipt = ReceiptFactory(state=Receipt.State.FAILED, error="x")

    listed = client.post(RECEIPTS, {"action": "send_again", "_selected_action": [receipt.pk]})
    one = client.post(reverse("admin:billing_receipt_send", args=[receipt.pk]))

    receipt.refresh_from_db()
    assert (listed.status_code, one.status_code, receipt.state) == (200, 403, Receipt.State.FAILED)
    assert "Send again" not in page(client, receipt)


@pytest.mark.parametrize("name", ["billing_payment_ask", "billing_receipt_send"])
def test_a_step_needs_post(client, accountant, name):
    assert client.get(reverse(f"admin:{name}", args=[1])).status_code == 405


def test_an_accountant_sets_a_credit_limit_and_the_journal_says_so(client, accountant):
    account = account_of(balance=100)
    url = reverse("admin:billing_account_change", args=[account.pk])

    response = client.post(url, {"credit_limit": "300", "allows_promises": "on"})

    account.refresh_from_db()
    assert (response.status_code, account.credit_limit, account.allows_promises) == (302, 300, True)
    row = JournalEntry.objects.get()
    assert (row.action, row.actor, row.city.slug) == ("changed", accountant, "izhevsk")
    assert row.changes["credit_limit"][1] == "300"


def test_money_that_comes_while_the_form_is_open_is_not_lost(client, accountant, monkeypatch):
    account = account_of(balance=100)
    real = AccountAdmin.save_model

    def save(self, request, obj, form, change):
        put(account.pk, 50)
        real(self, request, obj, form, change)

    monkeypatch.setattr(AccountAdmin, "save_model", save)

    client.post(reverse("admin:billing_account_change", args=[account.pk]), {"credit_limit": "300"})

    account.refresh_from_db()
    assert (account.balance, account.credit_limit) == (150, 300)


@pytest.mark.parametrize("limit", ["-1", "x", "NaN", "", "99999999999999"])
def test_an_unfit_credit_limit_is_refused(client, accountant, limit):
    account = account_of()

    response = client.post(reverse("admin:billing_account_change", args=[account.pk]), {"credit_limit": limit})

    account.refresh_from_db()
    assert (response.status_code, account.credit_limit) == (200, 0)
    assert response.context["adminform"].form.errors


def test_the_balance_cannot_be_typed_in(client, accountant):
    account = account_of(balance=100)

    client.post(
        reverse("admin:billing_account_change", args=[account.pk]), {"credit_limit": "0", "balance": "9", "money": "9"}
    )

    account.refresh_from_db()
    assert account.balance == 100


def test_an_operator_only_reads_the_account(client):
    sign_in(client, roles.OPERATOR)
    account = account_of()

    response = client.post(reverse("admin:billing_account_change", args=[account.pk]), {"credit_limit": "300"})

    account.refresh_from_db()
    assert (response.status_code, account.credit_limit) == (403, 0)


def test_the_first_page_counts_what_waits_in_ones_own_cities(client, accountant):
    hour_ago, foreign = NOON - timedelta(hours=2), in_votkinsk()
    PaymentFactory(created_at=hour_ago)
    PaymentFactory(created_at=hour_ago, account=foreign)
    ReceiptFactory(state=Receipt.State.FAILED, error="x")
    for at, payment in ((NOON, None), (NOON - timedelta(days=1), None), (NOON, PaymentFactory(account=foreign))):
        GatewayMessage.objects.create(gateway="sandbox", at=at, method="POST", payment=payment, verdict="refused")

    counters = {counter.label: (counter.count, counter.tone) for counter in client.get("/admin/").context["counters"]}

    assert counters["Payments hanging"] == (1, "attention")
    assert counters["Receipts failed"] == (1, "alarm")
    assert counters["Refused gateway messages today"] == (1, "attention")
