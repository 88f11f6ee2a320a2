"""The page of autopay in the cabinet."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Contract
from accounts.tests.factories import UserFactory
from billing import autopay, outlook
from billing.models import Account, Autopay, EntryKind, Payment, PaymentMethod
from billing.tests.factories import AutopayFactory, PaymentFactory, PaymentMethodFactory, put

pytestmark = pytest.mark.django_db

URL, OFF, REMOVE = (reverse(f"billing:{name}") for name in ("autopay", "autopay_off", "forget_card"))


@pytest.fixture
def user(client):
    user = UserFactory()
    client.force_login(user, backend="accounts.backends.SubscriberBackend")
    return user


@pytest.fixture
def card(user):
    return PaymentMethodFactory(account=Account.objects.get(pk=user.contract_id))


@pytest.fixture
def running(card):
    return AutopayFactory(method=card)


def charged(user, fee=600):
    """A month's fee is in the ledger, and nothing is left of the money."""
    put(user.contract_id, fee)
    put(user.contract_id, -fee, kind=EntryKind.MONTH, now=datetime(2026, 10, 31, 20, 10, tzinfo=UTC))


def agree(client, chosen, **given):
    answers = {"card": chosen.pk, "limit": "1 500", "contact": "ivanova@example.ru", "consent": "on"} | given
    return client.post(URL, {name: value for name, value in answers.items() if value is not None})


def text(response) -> str:
    return " ".join(response.content.decode().split())


def test_without_a_card_it_says_how_to_get_one_saved(client, user):
    page = text(client.get(URL))

    assert "Autopay is off" in page
    assert f"{reverse('billing:top_up')}?method=card" in page


def test_the_consent_is_read_before_it_is_given_and_kept_in_the_same_words(client, user, card):
    shown = text(client.get(URL))

    response = agree(client, card)

    kept = Autopay.objects.get()
    assert response.status_code == 302
    words = kept.consent.split("\n\n")[0]
    assert " ".join(words.split()) in shown
    assert (kept.account_id, kept.method, kept.limit, kept.is_on) == (user.contract_id, card, 1500, True)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"consent": None}, "Without your consent"),
        ({"card": "0"}, "no such saved card"),
        ({"card": "x"}, "no such saved card"),
        ({"card": None}, "Choose a card"),
        ({"limit": "-5"}, "in figures"),
        ({"limit": "200000"}, "At most"),
        ({"limit": ""}, "How much"),
        ({"contact": "nobody"}, "e-mail"),
    ],
)
def test_a_wrong_answer_is_told_and_switches_nothing_on(client, user, card, wrong, words):
    response = agree(client, card, **wrong)

    assert response.status_code == 422
    assert words in text(response)
    assert not Autopay.objects.exists()


def test_another_contracts_card_cannot_be_chosen(client, user, card):
    response = agree(client, PaymentMethodFactory())

    assert response.status_code == 422
    assert not Autopay.objects.exists()


def test_another_contracts_card_cannot_be_removed(client, user, card):
    strange = PaymentMethodFactory()

    client.post(REMOVE, {"card": strange.pk})

    assert set(PaymentMethod.objects.usable()) == {card, strange}


def test_switched_off_by_a_button(client, user, running):
    response = client.post(OFF, follow=True)

    assert not Autopay.objects.get().is_on
    assert "You switched it off" in text(response)


def test_removing_its_card_stops_it_and_says_so(client, user, running):
    response = client.post(REMOVE, {"card": running.method_id}, follow=True)

    assert "because the card Мир •• 4477 was removed" in text(response)
    assert not PaymentMethod.objects.usable().exists()


def test_a_running_one_says_what_it_will_take_and_when(client, user, running):
    charged(user)
    takes_on = autopay.plan(outlook.stand(user.contract.pk, now=timezone.now())).takes_on

    page = client.get(URL)

    assert page.context["desk"].plan.takes_on == takes_on
    assert "<b>600.00 ₽</b> on" in text(page)


def test_more_than_the_limit_is_announced_as_nothing(client, user, card):
    charged(user)
    AutopayFactory(method=card, limit=Decimal(500))

    assert "That is more than your limit, so nothing will be taken" in text(client.get(URL))


def test_a_paused_service_takes_nothing(client, user, running):
    charged(user)
    Contract.objects.filter(pk=user.contract_id).update(state=Contract.State.SUSPENDED_BY_WISH)

    assert "None while the service is paused at your wish" in text(client.get(URL))


def test_failures_are_shown_with_the_banks_reason(client, user, running):
    Autopay.objects.update(failures=2)
    PaymentFactory(
        account=running.account,
        is_automatic=True,
        method="saved",
        saved_method=running.method,
        state=Payment.State.CANCELLED,
        failure="insufficient_funds",
    )

    page = text(client.get(URL))

    assert "The last 2 automatic payments failed" in page
    assert "There is not enough money on the card." in page


def test_ordinary_payments_are_not_in_its_history(client, user, running):
    PaymentFactory(account=running.account)

    assert list(client.get(URL).context["payments"]) == []


def test_the_form_offers_the_fee_as_a_limit_and_the_subscribers_address(client, user, card):
    charged(user, fee=650)
    user.contract.subscriber.email = "maria@example.ru"
    user.contract.subscriber.save()

    initial = client.get(URL).context["form"].initial

    assert initial == {"card": card.pk, "limit": 700, "contact": "maria@example.ru"}


@pytest.mark.parametrize("url", [OFF, REMOVE])
def test_nothing_is_changed_by_a_link(client, user, running, url):
    assert client.get(url).status_code == 405


def test_the_old_version_has_the_same_controls(client, user, running):
    client.cookies["pages"] = "old"

    page = text(client.get(URL))

    assert "<svg" not in page
    for control in ('name="card"', 'name="limit"', 'name="consent"', OFF, REMOVE):
        assert control in page


def test_the_page_asks_at_most_six_questions_however_much_there_is(client, user, running):
    client.get(URL)  # the first view of a session also writes when it was seen
    PaymentFactory(account=running.account, is_automatic=True)
    few = questions(client)
    PaymentMethodFactory.create_batch(10, account=running.account)
    for number in range(30):
        at = running.consented_at + timedelta(days=number)
        PaymentFactory(account=running.account, is_automatic=True, saved_method=running.method, created_at=at)

    many = questions(client)

    assert many == few <= 6


def questions(client) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(URL)
    return len(captured)
