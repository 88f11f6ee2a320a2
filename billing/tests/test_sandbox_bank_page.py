"""The demo bank's page: what the payer chooses there, happens."""

from uuid import UUID, uuid4

import pytest

from billing import gateways, payments
from billing.models import BankPayment, Payment
from billing.tests.factories import NOON, account_of
from billing.tests.test_opening_payments import open_one

pytestmark = pytest.mark.django_db

CARD = {"card": "2200 0000 0000 4477", "expires": "12/30", "code": "123"}


def page_of(method=Payment.Method.CARD, **changes):
    payment = payments.start(open_one(account_of().pk, method=method, **changes).pk, now=NOON)
    return payment, f"/sandbox-bank/{payment.gateway_id}/"


def test_the_page_shows_what_is_paid_and_asks_for_a_card(client):
    payment, page = page_of()

    text = client.get(page).content.decode()

    assert "Test bank" in text
    assert "500" in text
    assert payment.account.contract.number in text
    assert 'name="card"' in text


def test_sbp_is_paid_in_the_banks_app_without_a_card(client):
    _payment, page = page_of(Payment.Method.SBP)

    text = client.get(page).content.decode()
    answer = client.post(page, {"outcome": "confirm"})

    assert 'name="card"' not in text
    assert answer.status_code == 303
    assert BankPayment.objects.get().status == "succeeded"


@pytest.mark.parametrize(
    ("outcome", "status", "notices", "returns"),
    [
        ("confirm", "succeeded", 1, True),
        ("twice", "succeeded", 2, True),
        ("late", "waiting", 0, True),
        ("stay", "succeeded", 1, False),
        ("decline", "cancelled", 1, True),
        ("leave", "cancelled", 1, True),
    ],
)
def test_each_choice_happens(client, outcome, status, notices, returns):
    _payment, page = page_of()

    answer = client.post(page, CARD | {"outcome": outcome, "reason": "fraud"})

    row = BankPayment.objects.get()
    assert (row.status, row.notices_left) == (status, notices)
    assert answer.headers["Location"] == (row.return_url if returns else page)
    assert bool(row.confirm_at) == (outcome == "late")


def test_a_refusal_has_the_chosen_reason(client):
    payment, page = page_of()

    client.post(page, CARD | {"outcome": "decline", "reason": "insufficient_funds"})

    assert payments.reread(payment.pk, now=NOON).failure == "insufficient_funds"


def test_leaving_is_told_apart_from_a_refusal(client):
    payment, page = page_of()

    client.post(page, CARD | {"outcome": "leave"})

    assert payments.reread(payment.pk, now=NOON).failure == "left"


@pytest.mark.parametrize(
    "changes",
    [{"card": "1234"}, {"card": ""}, {"expires": "13/30"}, {"code": "1"}, {"outcome": "steal"}, {"reason": "x"}],
)
def test_a_form_with_a_mistake_is_refused_and_nothing_is_paid(client, changes):
    _payment, page = page_of()

    answer = client.post(page, CARD | {"outcome": "confirm"} | changes)

    assert answer.status_code == 422
    assert BankPayment.objects.get().status == "waiting"


def test_what_is_decided_is_shown_and_not_decided_again(client):
    _payment, page = page_of()
    client.post(page, CARD | {"outcome": "stay"})

    client.post(page, CARD | {"outcome": "decline"})

    text = client.get(page).content.decode()
    assert "Paid." in text
    assert BankPayment.objects.get().return_url in text
    assert "<form" not in text


def test_a_late_payment_says_that_the_bank_is_deciding(client):
    _payment, page = page_of()
    client.post(page, CARD | {"outcome": "late"})

    assert "deciding" in client.get(page).content.decode()


def test_the_card_is_kept_by_its_last_digits_alone(client):
    payment, page = page_of(wants_saving=True)

    client.post(page, CARD | {"card": "2200-0000-0000-0002", "outcome": "confirm"})

    assert BankPayment.objects.get().card == "0002"
    assert gateways.get("sandbox").read(payment.gateway_id).saved.title == "Мир •• 0002"


def test_a_payment_that_the_bank_does_not_know_is_not_found(client):
    assert client.get(f"/sandbox-bank/{uuid4()}/").status_code == 404


def test_without_the_sandbox_there_is_no_bank(client, settings):
    _payment, page = page_of()
    settings.PAYMENT_GATEWAYS = ["yookassa"]

    assert client.get(page).status_code == 404
    assert client.post(page, CARD | {"outcome": "confirm"}).status_code == 404
    assert BankPayment.objects.get(pk=UUID(page.split("/")[2])).status == "waiting"


def test_the_page_costs_few_queries(client, django_assert_max_num_queries):
    _payment, page = page_of()

    with django_assert_max_num_queries(4):
        client.get(page)
