"""The subscriber's payments with their receipts, and a receipt to print."""

from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.tests.factories import StaffFactory, UserFactory
from billing.models import Account, Receipt, Refund
from billing.tests.factories import NOON, PaymentFactory, PaymentMethodFactory, ReceiptFactory

pytestmark = pytest.mark.django_db

URL = reverse("billing:payments")


@pytest.fixture(autouse=True)
def _noon(time_machine):
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def account(client):
    user = UserFactory()
    client.force_login(user, backend="accounts.backends.SubscriberBackend")
    return Account.objects.get(pk=user.contract_id)


def address(receipt):
    return reverse("billing:receipt", args=[receipt.operation])


def words(answer) -> str:
    return " ".join(answer.content.decode().split())


def test_an_empty_list_says_what_will_appear(client, account):
    page = client.get(URL)

    assert page.context["payments"] == []
    assert "Your payments will appear here" in words(page)


def test_a_subscriber_sees_their_own_payments_newest_first(client, account):
    old = PaymentFactory(account=account, created_at=NOON - timedelta(days=3))
    new = PaymentFactory(account=account)
    PaymentFactory()

    assert client.get(URL).context["payments"] == [new, old]


def test_each_payment_has_its_state_method_and_receipt(client, account):
    receipt = ReceiptFactory(payment=PaymentFactory(account=account, state="succeeded"))
    saved = PaymentMethodFactory(account=account)
    PaymentFactory(account=account, state="cancelled", failure="declined", method="saved", saved_method=saved)
    PaymentFactory(account=account, is_automatic=True)

    said = words(client.get(URL))

    assert address(receipt) in said
    assert "+500.00" in said
    assert "Мир •• 4477" in said
    assert "The bank declined the payment." in said
    assert "under way" in said
    assert "autopay" in said


@pytest.mark.parametrize(
    ("state", "shown"),
    [("succeeded", ["succeeded"]), ("cancelled", ["cancelled"]), ("under_way", ["pending", "new"]), ("", None)],
)
def test_payments_are_filtered_by_state(client, account, state, shown):
    states = ["new", "pending", "succeeded", "cancelled"]
    for name in states:
        PaymentFactory(account=account, state=name)

    page = client.get(URL, {"state": state})

    assert [payment.state for payment in page.context["payments"]] == (shown or states[::-1])


def test_a_filter_that_makes_no_sense_is_explained_and_the_list_stays(client, account):
    PaymentFactory(account=account)

    page = client.get(URL, {"state": "x" * 100_000})

    assert page.status_code == 422
    assert len(page.context["payments"]) == 1


def test_a_filter_with_nothing_to_show_says_so(client, account):
    assert "There are no such payments." in words(client.get(URL, {"state": "cancelled"}))


def test_pages_go_on_and_back_under_the_filter(client, account):
    for n in range(35):
        PaymentFactory(account=account, state="cancelled", created_at=NOON - timedelta(hours=n))
        PaymentFactory(account=account, created_at=NOON - timedelta(hours=n))

    first = client.get(URL, {"state": "cancelled"})
    second = client.get(f"{URL}?{first.context['older']}")
    back = client.get(f"{URL}?{second.context['newer']}")

    assert len(first.context["payments"]) == 30
    assert [payment.state for payment in second.context["payments"]] == ["cancelled"] * 5
    assert second.context["older"] is None
    assert back.context["payments"] == first.context["payments"]


def test_the_list_asks_at_most_six_questions_however_long_it_is(client, account):
    client.get(URL)
    few = [_fill(client, account, 2), _fill(client, account, 30)]

    assert few[0] == few[1] <= 6


def _fill(client, account, count) -> int:
    for _n in range(count):
        method = PaymentMethodFactory(account=account)
        ReceiptFactory(payment=PaymentFactory(account=account, state="succeeded", saved_method=method))
    with CaptureQueriesContext(connection) as captured:
        client.get(URL)
    return len(captured)


# --- A receipt


def receipt_of(account, **fields) -> Receipt:
    return ReceiptFactory(payment=PaymentFactory(account=account, state="succeeded", amount=Decimal(500)), **fields)


def test_another_contracts_receipt_does_not_exist(client, account):
    assert client.get(address(ReceiptFactory())).status_code == 404
    assert client.get(reverse("billing:receipt", args=[uuid4()])).status_code == 404


def test_a_refunds_receipt_stands_after_the_payments(client, account):
    payment = PaymentFactory(account=account, state="succeeded")
    given = ReceiptFactory(payment=payment, state="registered", registered_at=NOON)
    refund = Refund.objects.create(
        operation=uuid4(), payment=payment, amount=200, reason="x", author=StaffFactory(), created_at=NOON
    )
    common = {"state": "registered", "registered_at": NOON}
    returned = ReceiptFactory(payment=payment, refund=refund, kind="return", amount=200, **common)

    for page in (URL, reverse("billing:payment", args=[payment.operation])):
        shown = words(client.get(page))
        assert shown.index(address(given)) < shown.index(address(returned))


def test_a_registered_receipt_shows_its_fiscal_numbers_and_how_to_check_it(client, account):
    receipt = receipt_of(
        account,
        state="registered",
        registered_at=NOON,
        fiscal_drive="9960440300123456",
        fiscal_document="42117",
        fiscal_sign="1234567890",
    )

    said = words(client.get(address(receipt)))

    assert "Registered with the tax service" in said
    for number in ("9960440300123456", "42117", "1234567890"):
        assert number in said
    assert "t=20261120T1200&amp;s=500.00&amp;fn=9960440300123456&amp;i=42117&amp;fp=1234567890&amp;n=1" in said
    assert "<svg" in said


def test_the_proof_of_a_refund_says_that_it_is_one(account):
    payment = PaymentFactory(account=account, state="succeeded")
    refund = Refund.objects.create(
        operation=uuid4(), payment=payment, amount=200, reason="x", author=StaffFactory(), created_at=NOON
    )
    numbers = {"fiscal_drive": "1", "fiscal_document": "2", "fiscal_sign": "3"}

    receipt = ReceiptFactory(
        payment=payment, refund=refund, kind="return", amount=200, state="registered", registered_at=NOON, **numbers
    )

    assert receipt.proof == "t=20261120T1200&s=200.00&fn=1&i=2&fp=3&n=2"


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("waiting", "The tax service registers the receipt"),
        ("sent", "The tax service registers the receipt"),
        ("failed", "support is seeing to it"),
        ("agent", "The terminal has printed the receipt"),
    ],
)
def test_a_receipt_without_numbers_says_what_becomes_of_it(client, account, state, told):
    page = client.get(address(receipt_of(account, state=state)))

    assert told in words(page)
    assert "QR code" not in words(page)


def test_a_receipt_asks_at_most_six_questions(client, account):
    url = address(receipt_of(account))
    client.get(url)

    with CaptureQueriesContext(connection) as captured:
        client.get(url)

    assert len(captured) <= 6
