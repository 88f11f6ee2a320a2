"""Refunds and autopay in the admin."""

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
from billing import refunds
from billing.models import Account, Payment, Refund
from billing.tests.factories import NOON, AutopayFactory, PaymentFactory, RefundFactory, account_of, put
from mark_portal import staff_counters

pytestmark = pytest.mark.django_db
REFUNDS, ADD = "/admin/billing/refund/", "/admin/billing/refund/add/"


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


def a_payment(amount=9000, account=None):
    account = account or account_of(balance=amount)
    return PaymentFactory(account=account, amount=Decimal(amount), state=Payment.State.SUCCEEDED)


def propose(client, paid, amount="100", **given):
    form = {"payment": paid.pk, "amount": amount, "reason": "paid twice", "drawn": uuid4()} | given
    return client.post(ADD, form)


def balance_of(payment):
    return Account.objects.get(pk=payment.account_id).balance


def text(response) -> str:
    return " ".join(response.content.decode().split())


def said(response) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def test_from_a_payment_the_form_knows_it_and_what_can_be_given_back(client, accountant):
    payment = a_payment(500, account_of(balance=320))

    page = client.get(ADD, {"payment": payment.pk})

    assert page.context["adminform"].form.initial == {"payment": payment.pk, "amount": 320}
    assert f"Contract {payment.account}: 500.00 ₽" in text(page)
    assert "Up to 320.00 ₽ can be given back" in text(page)


def test_what_cannot_be_given_back_is_said_beforehand(client, accountant):
    payment = PaymentFactory(
        account=account_of(balance=500), state=Payment.State.SUCCEEDED, method="terminal", gateway="osmp"
    )

    assert "the terminal&#x27;s owner gives it back" in text(client.get(ADD, {"payment": payment.pk}))


@pytest.mark.parametrize("number", ["", "0", "x", "9" * 30, "-1"])
def test_without_a_payment_the_form_says_where_to_begin(client, accountant, number):
    page = client.get(ADD, {"payment": number})

    assert page.status_code == 200
    assert "it is easier to begin there" in text(page)


def test_up_to_the_limit_it_goes_out_at_once(client, accountant):
    payment = a_payment()

    response = propose(client, payment)

    refund = Refund.objects.get()
    assert response.url == f"{REFUNDS}{refund.pk}/change/"
    assert (refund.state, refund.author, balance_of(payment)) == (Refund.State.SENDING, accountant, 8900)
    assert "goes to the gateway" in said(response)


def test_above_the_limit_it_waits(client, accountant):
    payment = a_payment()

    response = propose(client, payment, "6000")

    assert (Refund.objects.get().state, balance_of(payment)) == (Refund.State.WAITING, 9000)
    assert "waits for a second signature" in said(response)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"amount": "9000.01"}, "Only 9,000.00 ₽ is left"),
        ({"amount": "0"}, "more than zero"),
        ({"amount": "-5"}, "more than zero"),
        ({"amount": "1e5"}, "Only 9,000.00 ₽ is left"),
        ({"reason": ""}, "required"),
        ({"payment": "0"}, "valid choice"),
        ({"payment": "9" * 40}, "valid choice"),
        ({"drawn": "x"}, "UUID"),
    ],
)
def test_a_wrong_form_is_told(client, accountant, given, words):
    response = propose(client, a_payment(), **given)

    assert words in text(response)
    assert not Refund.objects.exists()


def test_a_form_sent_twice_is_one_refund(client, accountant):
    payment, drawn = a_payment(500), uuid4()

    answers = [propose(client, payment, "500", drawn=drawn) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [302, 302]
    assert (Refund.objects.count(), balance_of(payment)) == (1, 0)


def test_somebody_quicker_is_told_and_not_a_fault(client, accountant, monkeypatch):
    payment = a_payment(500)
    refusals = iter([""])
    monkeypatch.setattr(refunds, "refusal", lambda *_args: next(refusals, "Somebody was quicker."))

    response = propose(client, payment)

    assert (response.status_code, said(response)) == (302, "Somebody was quicker.")
    assert not Refund.objects.exists()


def test_a_payment_of_another_city_does_not_exist(client, accountant):
    city = CityFactory(slug="votkinsk", name="Воткинск", name_en="Votkinsk")
    account = account_of(ContractFactory(house=HouseFactory(street=StreetFactory(city=city))), balance=9000)
    payment = a_payment(9000, account)

    response = propose(client, payment)
    page = client.get(ADD, {"payment": payment.pk})

    assert "valid choice" in text(response)
    assert page.context["payment"] is None
    assert not Refund.objects.exists()


@pytest.mark.parametrize(("decision", "state", "left"), [("approve", "sending", 3000), ("reject", "rejected", 9000)])
def test_another_person_decides(client, accountant, decision, state, left):
    payment = a_payment()
    refund = RefundFactory(payment=payment, amount=6000)

    page = text(client.get(f"{REFUNDS}{refund.pk}/change/"))
    response = client.post(f"{REFUNDS}{refund.pk}/decide/", {"decision": decision})

    assert f"{REFUNDS}{refund.pk}/decide/" in page
    assert "your signature is recorded" in said(response)
    assert (Refund.objects.get().state, balance_of(payment)) == (state, left)


def test_nobody_decides_their_own(client, accountant):
    refund = RefundFactory(payment=a_payment(), amount=6000, author=accountant)

    page = text(client.get(f"{REFUNDS}{refund.pk}/change/"))
    response = client.post(f"{REFUNDS}{refund.pk}/decide/", {"decision": "approve"})

    assert "/decide/" not in page
    assert "another person" in said(response)
    assert Refund.objects.get().state == Refund.State.WAITING


def test_money_spent_meanwhile_is_said_to_the_one_who_signs(client, accountant):
    payment = a_payment()
    refund = RefundFactory(payment=payment, amount=6000)
    put(payment.account_id, -5000)

    response = client.post(f"{REFUNDS}{refund.pk}/decide/", {"decision": "approve"})

    assert "below zero" in said(response)


def test_an_operator_reads_but_neither_proposes_nor_signs(client):
    sign_in(client, roles.OPERATOR)
    refund = RefundFactory(payment=a_payment(), amount=6000)

    read = client.get(f"{REFUNDS}{refund.pk}/change/")
    answers = [
        client.get(ADD),
        client.post(f"{REFUNDS}{refund.pk}/decide/"),
        client.post(f"{REFUNDS}{refund.pk}/settle/"),
    ]

    assert read.status_code == 200
    assert "/decide/" not in text(read)
    assert [answer.status_code for answer in answers] == [403, 403, 403]


def unanswered():
    payment = a_payment()
    refund = refunds.propose(
        payment.pk, operation=uuid4(), amount=Decimal(100), reason="x", author=StaffFactory(), now=NOON
    )
    Refund.objects.update(next_try_at=None, attempts=9)
    return refund


@pytest.mark.parametrize(("seen", "state", "left"), [("given", "succeeded", 8900), ("not_given", "failed", 9000)])
def test_a_silent_gateways_refund_is_settled_by_hand(client, accountant, seen, state, left):
    refund = unanswered()

    page = text(client.get(f"{REFUNDS}{refund.pk}/change/"))
    client.post(f"{REFUNDS}{refund.pk}/settle/", {"seen": seen})

    assert "Look for this refund at the gateway" in page
    assert (Refund.objects.get().state, balance_of(refund.payment)) == (state, left)
    assert JournalEntry.objects.get(action="refund_settled").actor == accountant


@pytest.mark.parametrize("seen", ["", "perhaps"])
def test_an_unclear_word_settles_nothing(client, accountant, seen):
    refund = unanswered()

    response = client.post(f"{REFUNDS}{refund.pk}/settle/", {"seen": seen})

    assert "given back or not" in said(response)
    assert Refund.objects.get().state == Refund.State.SENDING


def test_one_still_under_way_is_not_settled(client, accountant):
    refund = unanswered()
    Refund.objects.update(next_try_at=NOON + timedelta(minutes=1))

    response = client.post(f"{REFUNDS}{refund.pk}/settle/", {"seen": "given"})

    assert "anybody" in said(response)


@pytest.mark.parametrize("query", ["contract", "gateway", "sum"])
def test_found_by_contract_gateways_number_and_sum(client, accountant, query):
    wanted = RefundFactory(payment__account=account_of(), payment__amount=Decimal("777.70"))
    RefundFactory()
    payment = wanted.payment
    asked = {"contract": str(payment.account), "gateway": payment.gateway_id, "sum": "777,70"}[query]

    found = client.get(REFUNDS, {"q": asked}).context["cl"].result_list

    assert list(found) == [wanted]


def test_staff_see_on_their_first_page_what_waits(accountant):
    RefundFactory(amount=6000)
    unanswered()

    counters = {counter.label: counter.count for counter in staff_counters.of(accountant, now=NOON)}

    assert (counters["Refunds waiting for a signature"], counters["Refunds without the gateway's answer"]) == (1, 1)


@pytest.mark.parametrize(("url", "factory"), [(REFUNDS, RefundFactory), ("/admin/billing/autopay/", AutopayFactory)])
def test_a_list_asks_as_many_questions_for_many_rows_as_for_few(client, accountant, url, factory):
    factory.create_batch(2)
    few = questions(client, url)
    factory.create_batch(20)

    assert questions(client, url) == few


def questions(client, url) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_autopay_shows_the_words_agreed_to(client, accountant):
    running = AutopayFactory(consent="I agree that «Марк» charges the card.")

    page = client.get(reverse("admin:billing_autopay_change", args=[running.pk]))

    assert "I agree that «Марк» charges the card." in text(page)
    assert b'type="submit" value="Save"' not in page.content


def test_whoever_answers_the_call_switches_autopay_off(client):
    agent = sign_in(client, roles.SUPPORT_AGENT)
    running = AutopayFactory()
    page = reverse("admin:billing_autopay_change", args=[running.pk])

    before = text(client.get(page))
    answers = [client.post(reverse("admin:billing_autopay_off", args=[running.pk]), follow=True) for _ in range(2)]

    running.refresh_from_db()
    assert "Switch autopay off" in before
    assert (running.is_on, running.stopped) == (False, "wish")
    assert ["has been told" in text(answers[0]), "was off already" in text(answers[1])] == [True, True]
    assert JournalEntry.objects.get(action="autopay_switched_off").actor == agent
    assert "Switch autopay off" not in text(client.get(page))
