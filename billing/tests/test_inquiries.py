"""Staff ask a gateway about a payment, also about one that was given up."""

from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.urls import reverse

from accounts import roles
from accounts.models import JournalEntry
from accounts.tests.at_once import at_once
from accounts.tests.factories import CityFactory, StaffFactory
from billing import gateways, inquiries, payments
from billing.gateways import Refused, Unknown
from billing.gateways.sandbox import bank
from billing.models import Account, GatewayMessage, LedgerEntry, Payment
from billing.tests.factories import NOON, PaymentFactory, account_of
from billing.tests.test_opening_payments import open_one

State = Payment.State
LATER = NOON + timedelta(days=2)

pytestmark = pytest.mark.django_db


@pytest.fixture
def accountant():
    return StaffFactory(role=roles.ACCOUNTANT, in_cities=[CityFactory()])


def given_up(*, number="", failure="expired"):
    """Begun at the bank, then closed by us; `number` is what we know of it."""
    payment = payments.start(open_one(account_of().pk).pk, now=NOON)
    at_bank = UUID(payment.gateway_id)
    fields = {"state": State.CANCELLED, "failure": failure, "gateway_id": number, "finished_at": LATER}
    Payment.objects.filter(pk=payment.pk).update(**fields, next_check_at=None)
    return payments.with_contract(payment.pk), at_bank


def known_and_given_up():
    payment, at_bank = given_up()
    Payment.objects.filter(pk=payment.pk).update(gateway_id=str(at_bank))
    return payments.with_contract(payment.pk), at_bank


def balance_of(payment):
    return Account.objects.get(pk=payment.account_id).balance


def answering(monkeypatch, error):
    def read(*_args):
        raise error

    monkeypatch.setattr(gateways.get("sandbox"), "read", read)


def test_a_given_up_payment_that_was_paid_after_all_is_credited(accountant):
    payment, at_bank = known_and_given_up()
    bank.confirm(at_bank, card="4477", now=NOON)

    told = inquiries.ask(payment.pk, by=accountant, now=LATER)

    payment.refresh_from_db()
    assert (payment.state, payment.failure, balance_of(payment)) == (State.SUCCEEDED, "", 500)
    assert "paid after all" in told
    row = JournalEntry.objects.get(action="payment_reread")
    assert (row.actor, row.changes["state"]) == (accountant, ["cancelled", "succeeded"])


def test_the_number_of_a_payment_never_answered_is_said_by_a_person(accountant):
    payment, at_bank = given_up(failure="unavailable")
    bank.confirm(at_bank, card="4477", now=NOON)

    inquiries.ask(payment.pk, by=accountant, now=LATER, number=str(at_bank))

    payment.refresh_from_db()
    assert (payment.state, payment.gateway_id, balance_of(payment)) == (State.SUCCEEDED, str(at_bank), 500)


def test_the_number_of_another_payment_credits_nothing(accountant):
    payment, _at_bank = given_up(failure="unavailable")
    other, number_of_other = known_and_given_up()
    bank.confirm(number_of_other, card="4477", now=NOON)

    told = inquiries.ask(payment.pk, by=accountant, now=LATER, number=str(number_of_other))

    payment.refresh_from_db()
    assert "another payment" in told
    assert (payment.state, payment.gateway_id) == (State.CANCELLED, "")
    assert not LedgerEntry.objects.filter(account__in=[payment.account_id, other.account_id]).exists()
    assert GatewayMessage.objects.get().reason.startswith("Mismatch: name")


@pytest.mark.parametrize("number", ["", " ", "../refunds/1", "1?a=b", "x" * 65, "1\n", "９", "1\x00"])
def test_what_cannot_be_a_number_is_not_sent_to_the_gateway(accountant, monkeypatch, number):
    payment, _at_bank = given_up()
    answering(monkeypatch, AssertionError("asked"))

    with pytest.raises(inquiries.InquiryRefused, match="own cabinet"):
        inquiries.ask(payment.pk, by=accountant, now=LATER, number=number)


def test_a_known_number_is_asked_about_whatever_is_typed(accountant):
    payment, at_bank = known_and_given_up()
    bank.confirm(at_bank, card="4477", now=NOON)

    inquiries.ask(payment.pk, by=accountant, now=LATER, number="other")

    assert balance_of(payment) == 500


def test_a_payment_that_was_really_not_paid_stays_closed_and_keeps_its_reason(accountant):
    payment, at_bank = known_and_given_up()
    bank.decline(at_bank, failure="insufficient_funds", now=NOON)

    told = inquiries.ask(payment.pk, by=accountant, now=LATER)

    payment.refresh_from_db()
    assert (payment.state, payment.failure, payment.finished_at) == (State.CANCELLED, "expired", LATER)
    assert "not paid" in told


def test_a_payment_that_the_gateway_still_waits_for_is_told_of(accountant, monkeypatch):
    payment, at_bank = known_and_given_up()
    waiting = bank.read(str(at_bank), now=NOON)
    monkeypatch.setattr(gateways.get("sandbox"), "read", lambda _number: waiting)

    told = inquiries.ask(payment.pk, by=accountant, now=LATER)

    assert "still waits" in told
    assert Payment.objects.get().state == State.CANCELLED


@pytest.mark.parametrize(
    ("error", "told"), [(Unknown("HTTP 500"), "does not answer"), (Refused("404"), "knows no such payment")]
)
def test_an_answer_that_tells_nothing_changes_nothing(accountant, monkeypatch, error, told):
    payment, _at_bank = known_and_given_up()
    answering(monkeypatch, error)

    assert told in inquiries.ask(payment.pk, by=accountant, now=LATER)

    assert Payment.objects.get().state == State.CANCELLED
    assert not LedgerEntry.objects.exists()


def test_silence_about_a_payment_under_way_is_told(accountant, monkeypatch):
    payment = PaymentFactory()
    answering(monkeypatch, Unknown("HTTP 500"))

    assert "does not answer" in inquiries.ask(payment.pk, by=accountant, now=NOON)


def test_staff_are_not_held_back_by_how_often_the_page_has_asked(accountant, monkeypatch):
    payment = payments.start(open_one(account_of().pk).pk, now=NOON)
    for _ in range(payments.ASKED.ceiling + 1):
        payments.reread(payment.pk, now=NOON)
    bank.confirm(UUID(payment.gateway_id), card="4477", now=NOON)

    inquiries.ask(payment.pk, by=accountant, now=NOON)

    assert balance_of(payment) == 500


@pytest.mark.django_db(transaction=True)
def test_two_members_of_staff_at_once_credit_once():
    payment, at_bank = known_and_given_up()
    bank.confirm(at_bank, card="4477", now=NOON)
    person = StaffFactory(role=roles.ACCOUNTANT)

    at_once(8, lambda _: inquiries.ask(payment.pk, by=person, now=LATER))

    assert (balance_of(payment), LedgerEntry.objects.count()) == (500, 1)


# --- In the admin


@pytest.fixture
def signed_in(client, accountant):
    client.force_login(accountant, "accounts.backends.StaffBackend")
    with time_machine.travel(LATER, tick=False):
        yield accountant


def page(client, payment):
    return client.get(reverse("admin:billing_payment_change", args=[payment.pk])).content.decode()


def ask(client, payment, **typed):
    response = client.post(reverse("admin:billing_payment_ask", args=[payment.pk]), typed)
    assert response.status_code == 302
    return " ".join(map(str, get_messages(response.wsgi_request)))


def test_the_page_of_a_given_up_payment_asks_again(client, signed_in):
    payment, at_bank = known_and_given_up()
    bank.confirm(at_bank, card="4477", now=NOON)
    drawn = page(client, payment)

    said = ask(client, payment)

    assert "Ask the gateway again" in drawn
    assert "asked-number" not in drawn
    assert "credited now" in said
    assert balance_of(payment) == 500


def test_the_page_of_a_payment_without_a_number_asks_for_it(client, signed_in):
    payment, at_bank = given_up(failure="unavailable")
    bank.confirm(at_bank, card="4477", now=NOON)
    drawn = page(client, payment)

    refused = ask(client, payment)
    ask(client, payment, number=f" {at_bank} ")

    assert 'name="number"' in drawn
    assert "own cabinet" in refused
    assert balance_of(payment) == 500
