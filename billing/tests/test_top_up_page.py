"""The form of a top-up."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.tests.factories import UserFactory
from billing import gateways, payments
from billing.models import Payment
from billing.tests.factories import NOON, PaymentFactory, PaymentMethodFactory, charge_month, put

pytestmark = pytest.mark.django_db

URL = reverse("billing:top_up")


@pytest.fixture(autouse=True)
def _sandbox(settings):
    settings.PAYMENT_GATEWAYS = ["sandbox"]


@pytest.fixture(autouse=True)
def _noon(time_machine):
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def user(client):
    user = UserFactory(contract__subscriber__email="anna@mail.ru")
    client.force_login(user, backend="accounts.backends.SubscriberBackend")
    return user


@pytest.fixture
def with_fee(user):
    """Pays 650 ₽ a month and has 100 ₽ left."""
    charge_month(user.contract_id, 650)
    put(user.contract_id, 750)
    return user


def filled(**fields):
    return {"sum": "500", "method": "card", "contact": "anna@mail.ru", "operation": str(uuid4()), **fields}


def account_of(user):
    return user.contract.account


def test_the_form_comes_with_the_recommended_sum_and_its_reason(client, with_fee):
    page = client.get(URL)

    assert page.context["form"]["sum"].value() == "550"
    assert "missing for the next month" in page.content.decode()


def test_it_says_until_when_the_money_will_last(client, with_fee):
    assert "The money will last until <b>31 December</b>." in " ".join(client.get(URL).content.decode().split())


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("100", "For the charge on 1 December <b>450.00\u00a0₽</b> more is needed."),
        ("1200", "The money will last until <b>31 January 2027</b>."),
        ("60 000", "The money will last for more than five years."),
    ],
)
def test_an_open_page_is_told_what_another_sum_gives(client, with_fee, asked, told):
    fragment = client.get(URL, {"part": "after", "sum": asked})

    assert " ".join(fragment.content.decode().split()) == " ".join(told.split())


def test_an_open_page_is_told_what_is_wrong_with_a_sum(client, user):
    fragment = client.get(URL, {"part": "after", "sum": "many"})

    assert fragment.status_code == 422
    assert "in figures" in fragment.content.decode()


def test_a_chosen_sum_and_method_are_taken_from_the_address(client, user):
    form = client.get(URL, {"sum": "1 234,50", "method": "sbp"}).context["form"]

    assert (form["sum"].value(), form["method"].value()) == ("1234.50", "sbp")


def test_a_wrong_sum_in_the_address_is_told_and_the_recommended_one_stands(client, with_fee):
    page = client.get(URL, {"sum": "100500100"})

    assert page.status_code == 422
    assert page.context["form"]["sum"].value() == "550"
    assert "At most 100,000.00" in page.content.decode()


def test_it_offers_card_and_sbp(client, user):
    assert list(client.get(URL).context["form"].ways) == ["card", "sbp"]


def test_a_saved_card_comes_first_and_a_removed_one_not_at_all(client, user):
    card = PaymentMethodFactory(account=account_of(user))
    PaymentMethodFactory(account=account_of(user), forgotten_at=NOON)
    PaymentMethodFactory(account=account_of(user), gateway="yookassa")
    PaymentMethodFactory()

    page = client.get(URL)

    assert list(page.context["form"].ways) == [f"saved-{card.pk}", "card", "sbp"]
    assert "Мир •• 4477" in page.content.decode()


def test_method_and_contact_are_remembered_from_the_last_payment(client, user):
    PaymentFactory(account=account_of(user), method="sbp", contact="+79123456789", created_at=NOON)
    PaymentFactory(account=account_of(user), contact="old@mail.ru", created_at=NOON - timedelta(days=9))
    PaymentFactory(account=account_of(user), method="terminal", contact="", created_at=NOON + timedelta(days=1))

    form = client.get(URL).context["form"]

    assert (form["method"].value(), form["contact"].value()) == ("sbp", "+79123456789")


def test_the_contact_of_a_first_payment_is_the_subscribers(client, user):
    assert client.get(URL).context["form"]["contact"].value() == "anna@mail.ru"


def test_keeping_the_card_is_never_chosen_beforehand(client, user):
    PaymentFactory(account=account_of(user), wants_saving=True)

    page = client.get(URL)

    assert page.context["form"]["keep_card"].value() is None
    assert b'name="keep_card" id="id_keep_card">' in page.content


def test_a_payment_is_begun_and_leads_to_its_page(client, user):
    data = filled(sum="1 500,50", keep_card="on")

    answer = client.post(URL, data)

    payment = Payment.objects.get()
    assert (answer.status_code, answer["Location"]) == (
        303,
        f"{reverse('billing:payment', args=[data['operation']])}?go=1",
    )
    assert payment.account_id == user.contract_id
    assert (payment.amount, payment.method, payment.state) == (Decimal("1500.50"), "card", "pending")
    assert payment.operation == UUID(data["operation"])
    assert (payment.contact, payment.wants_saving) == ("anna@mail.ru", True)


def test_the_same_form_sent_twice_is_one_payment(client, user):
    data = filled()

    first, second = client.post(URL, data), client.post(URL, data)

    assert first["Location"] == second["Location"]
    assert Payment.objects.count() == 1


def test_a_saved_card_is_charged(client, user):
    card = PaymentMethodFactory(account=account_of(user))

    client.post(URL, filled(method=f"saved-{card.pk}", keep_card="on"))

    payment = Payment.objects.get()
    assert (payment.method, payment.saved_method, payment.wants_saving) == ("saved", card, False)
    assert payment.state == Payment.State.SUCCEEDED


def test_sbp_keeps_no_card(client, user):
    client.post(URL, filled(method="sbp", keep_card="on"))

    assert not Payment.objects.get().wants_saving


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"sum": "0"}, "sum"),
        ({"sum": "100001"}, "sum"),
        ({"sum": ""}, "sum"),
        ({"method": "cash"}, "method"),
        ({"method": ""}, "method"),
        ({"method": "saved-1"}, "method"),
        ({"contact": "nobody"}, "contact"),
        ({"contact": ""}, "contact"),
        ({"operation": "x"}, "__all__"),
    ],
)
def test_a_wrong_field_is_explained_and_nothing_begins(client, user, wrong, field):
    answer = client.post(URL, filled(**wrong))

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert not Payment.objects.exists()


def test_a_form_that_has_grown_old_says_so_and_can_be_sent_again(client, user):
    answer = client.post(URL, filled(operation="x"))

    fresh = answer.context["form"]["operation"].value()
    assert "grown old" in answer.content.decode()
    assert client.post(URL, filled(operation=fresh)).status_code == 303


def test_another_contracts_card_cannot_be_charged(client, user):
    stranger = PaymentMethodFactory()

    answer = client.post(URL, filled(method=f"saved-{stranger.pk}"))

    assert answer.status_code == 422
    assert not Payment.objects.exists()


def test_another_contracts_operation_is_refused(client, user):
    stranger = PaymentFactory()

    answer = client.post(URL, filled(operation=str(stranger.operation)))

    assert answer.status_code == 422
    assert "belongs to another payment" in answer.content.decode()


def test_a_contract_that_takes_no_payments_is_told_why(client, user, monkeypatch):
    monkeypatch.setattr(payments, "refusal", lambda _contract: "The contract is terminated.")

    page, answer = client.get(URL), client.post(URL, filled())

    assert (page.status_code, answer.status_code) == (200, 422)
    assert "The contract is terminated." in page.content.decode()
    assert not Payment.objects.exists()


@pytest.mark.parametrize("terminals", [[], ["osmp"], ["sber"], ["osmp", "sber"]])
def test_without_a_gateway_it_says_where_else_to_pay(client, user, settings, terminals):
    settings.PAYMENT_GATEWAYS = terminals

    page = client.get(URL)

    words = page.content.decode()
    assert page.status_code == 200
    assert "not possible at present" in words
    assert settings.TECHNICAL_PHONE in words
    assert ("terminal" in words, "Sberbank" in words) == ("osmp" in terminals, "sber" in terminals)


def test_without_a_gateway_a_form_sent_is_refused(client, user, settings):
    settings.PAYMENT_GATEWAYS = []

    assert client.post(URL, filled()).status_code == 422


def test_a_gateway_that_does_not_answer_leaves_a_payment_to_be_asked_about(client, user, monkeypatch):
    def silence(*_, **__):
        raise gateways.Unknown

    monkeypatch.setattr(gateways.get("sandbox"), "start", silence, raising=False)

    answer = client.post(URL, filled())

    assert answer.status_code == 303
    assert Payment.objects.get().state == Payment.State.NEW


def test_the_page_asks_at_most_six_questions_however_many_cards_there_are(client, user):
    client.get(URL)
    few = queries(client)
    for _n in range(30):
        PaymentFactory(account=account_of(user), saved_method=PaymentMethodFactory(account=account_of(user)))

    assert queries(client) == few <= 6


def queries(client) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(URL)
    return len(captured)
