"""The pages of offers in the cabinet."""

import re
from datetime import date
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Contract
from accounts.tests.factories import UserFactory
from billing.models import Account
from billing.tests.factories import NOON
from tariffs import offers
from tariffs.models import OfferUse
from tariffs.tests.factories import FIRST, NEXT, OfferFactory, OfferUseFactory, OptionFactory, charged, served

pytestmark = pytest.mark.django_db
LIST = reverse("tariffs:offers")


@pytest.fixture(autouse=True)
def _noon(time_machine):
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def contract(client):
    """Signed in, with a month that is charged."""
    user = UserFactory()
    client.force_login(user, backend="accounts.backends.SubscriberBackend")
    contract = served(balance=1600, contract=user.contract)
    charged(contract)
    return contract


def page_of(offer) -> str:
    return reverse("tariffs:offer", args=[offer.pk])


def text(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).replace("\u00a0", " ").split())


def hidden(response) -> dict[str, str]:
    """The answers of the page's own confirmation."""
    fields = re.findall(r'<input type="hidden" name="(\w+)"(?: value="([^"]*)")?', response.content.decode())
    return {name: value for name, value in fields if name != "csrfmiddlewaretoken"}


def test_without_offers_it_says_what_will_stand_here(client, contract):
    assert "There is no offer for you to take at present." in text(client.get(LIST))


def test_an_offer_says_what_it_gives_and_until_when_it_can_be_taken(client, contract):
    OfferFactory(name="Половина", summary="Полцены.", ends_on=date(2026, 12, 31))

    page = text(client.get(LIST))

    assert "Половина 50 % off the tariff for 3 months Полцены. It can be taken until the end of 31 December" in page


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        ({"percent": None, "months": None, "credit": 300}, "300 ₽ credited to the account at once"),
        ({"percent": None, "months": None, "presses": 1}, "1 free press of the turbo button"),
        ({"months": 1}, "50 % off the tariff for 1 month"),
    ],
)
def test_each_effect_has_its_words(client, contract, effect, words):
    offer = OfferFactory(**effect)

    assert words in text(client.get(LIST))
    assert words in text(client.get(page_of(offer)))


def test_what_cannot_be_taken_says_why_and_from_when(client, contract):
    Contract.objects.filter(pk=contract.pk).update(started_on=date(2026, 8, 31))
    OfferFactory(name="Своим", tenure_from=6)

    response = client.get(LIST)

    assert "Not for you now Своим" in text(response)
    assert "6 months or longer: you are from 28 February 2027 on." in text(response)
    assert re.search(r'disabled\s+aria-describedby="why-', response.content.decode())


def test_before_it_is_taken_the_months_stand_with_their_fees(client, contract):
    page = text(client.get(page_of(OfferFactory(percent=50, months=3))))

    assert "From 1 December to 28 February 2027. From 1 March 2027 the usual price again" in page
    assert "1 December – 28 February 2027 600.00 ₽ 300.00 ₽" in page


def test_taken_as_it_was_shown_it_stands_among_mine(client, contract):
    offer = OfferFactory(name="Половина")
    shown = hidden(client.get(page_of(offer)))

    response = client.post(page_of(offer), shown, follow=True)

    assert response.redirect_chain == [(LIST, 302)]
    assert "The offer «Половина» is yours." in text(response)
    assert "It begins on 1 December; from 1 March 2027 the usual price again" in text(response)


def test_two_clicks_take_it_once(client, contract):
    offer = OfferFactory(percent=None, months=None, credit=300, per_contract=5)
    shown = hidden(client.get(page_of(offer)))

    answers = [client.post(page_of(offer), shown).status_code for _ in range(2)]

    assert answers == [302, 302]
    assert Account.objects.get(pk=contract.pk).balance == 1300


def test_a_sum_is_shown_as_the_line_it_will_be(client, contract):
    offer = OfferFactory(name="Подарок", percent=None, months=None, credit=300)

    assert "20 November Подарок +300.00 ₽ 1,300.00 ₽" in text(client.get(page_of(offer)))


def test_what_it_saved_is_added_up(client, contract):
    OfferUseFactory(contract=contract, offer__name="Половина", since=NEXT, until=date(2027, 3, 1))
    charged(contract, since=NEXT)

    page = text(client.get(LIST))

    assert "Saved by offers so far: 300.00 ₽" in page
    assert "300.00 ₽ saved" in page
    assert offers.saved(contract.pk) == 300


def test_free_presses_left_and_what_is_over_are_in_sight(client, contract):
    OfferUseFactory(contract=contract, offer__name="Турбо", percent=None, until=None, presses_left=2)
    OfferUseFactory(contract=contract, offer__name="Старая", since=date(2026, 1, 1), until=FIRST)

    page = text(client.get(LIST))

    assert "Турбо 2 free presses of the turbo button are left" in page
    assert "What you took Старая from 1 January until 1 November" in page


def test_a_refused_offer_says_why_and_changes_nothing(client, contract):
    offer = OfferFactory()
    shown = hidden(client.get(page_of(offer)))
    offer.tenure_from = 600
    offer.save()

    response = client.post(page_of(offer), shown)

    assert response.status_code == 422
    assert "600 months or longer" in text(response)
    assert not OfferUse.objects.exists()


def test_an_offer_that_has_changed_is_shown_again(client, contract):
    offer = OfferFactory()
    shown = hidden(client.get(page_of(offer)))
    offer.percent = 10
    offer.save()

    response = client.post(page_of(offer), shown)

    assert response.status_code == 422
    assert "has changed since the page was opened" in text(response)
    assert "540.00 ₽" in text(response)


@pytest.mark.parametrize("wrong", [{"operation": "x"}, {"operation": ""}, {"seen": "x" * 99}, {"seen": ""}, {}])
def test_a_garbled_word_is_refused(client, contract, wrong):
    offer = OfferFactory()
    shown = hidden(client.get(page_of(offer))) if wrong else {}

    response = client.post(page_of(offer), shown | wrong)

    assert response.status_code == 422
    assert "The page has grown old" in text(response)
    assert not OfferUse.objects.exists()


def test_what_is_not_for_the_contract_does_not_exist(client, contract):
    address = page_of(OfferFactory(is_archived=True))

    answers = [client.get(address), client.post(address, {"operation": str(uuid4()), "seen": "x"})]

    assert [answer.status_code for answer in answers] == [404, 404]


def test_the_old_version_has_the_same_controls(client, contract):
    offer = OfferFactory()
    client.cookies["pages"] = "old"

    listed, shown = client.get(LIST), client.get(page_of(offer))
    client.post(page_of(offer), hidden(shown))

    assert "<svg" not in listed.content.decode()
    assert 'border="1"' in shown.content.decode()
    assert OfferUse.objects.get().offer == offer


@pytest.mark.parametrize("name", ["offers", "offer"])
def test_the_pages_ask_six_queries_however_many_offers(client, contract, name):
    offer = OfferFactory(months=6, option=OptionFactory())
    address = reverse(f"tariffs:{name}", args=[offer.pk] if name == "offer" else [])
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)

    for _ in range(10):
        OfferUseFactory(contract=contract)
        OfferFactory().tariffs.add(contract.subscriptions.get().tariff)
    with CaptureQueriesContext(connection) as many:
        client.get(address)

    assert len(few) == len(many) <= 6
