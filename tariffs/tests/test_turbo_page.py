"""The page of the turbo button in the cabinet."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Contract
from accounts.tests.factories import UserFactory
from billing.models import Account
from billing.tests.factories import put
from mark_portal.preferences import VERSION_COOKIE
from tariffs import turbo
from tariffs.models import Boost, OfferUse, Service
from tariffs.tests.factories import OfferFactory, OfferUseFactory, TurboPackageFactory, served
from tariffs.tests.test_access import set_state

pytestmark = pytest.mark.django_db

URL, STOP = reverse("tariffs:turbo"), reverse("tariffs:turbo_stop")


@pytest.fixture
def user(client):
    """A subscriber with 100 Mbit/s and 120 ₽."""
    user = UserFactory()
    served(contract=user.contract, balance=120)
    client.force_login(user, backend="accounts.backends.SubscriberBackend")
    return user


@pytest.fixture
def three_hours():
    return TurboPackageFactory(hours=3, price=Decimal(50))


def text(response) -> str:
    return " ".join(response.content.decode().replace("\xa0", " ").split())


def press(client, package, *, operation=None, price=None, free="", **options):
    data = {
        "package": package.pk,
        "price": package.price if price is None else price,
        "operation": operation or uuid4(),
    }
    return client.post(URL, data | ({"free": free} if free else {}), **options)


def running(user, package) -> Boost:
    return turbo.press(
        user.contract_id,
        package_id=package.pk,
        is_free=False,
        seen_price=package.price,
        operation=uuid4(),
        now=timezone.now(),
    ).boost


def gift(user, presses=2):
    offer = OfferFactory(percent=None, months=None, presses=presses)
    return OfferUseFactory(
        contract=user.contract, offer=offer, presses_left=presses, since=date(2020, 1, 1), until=None
    )


def balance(user):
    return Account.objects.get(pk=user.contract_id).balance


# What it shows


def test_it_shows_the_speed_now_and_each_package(client, user, three_hours):
    page = text(client.get(URL))

    assert "<b>100</b> / 100 Mbit/s" in page
    assert "3 hours" in page
    assert "200 Mbit/s until" in page
    assert "50 ₽" in page
    assert f'href="{URL}?package={three_hours.pk}#confirm"' in page
    assert "disabled" not in page


def test_before_it_is_confirmed_the_ledger_lines_are_shown(client, user, three_hours):
    page = text(client.get(URL, {"package": three_hours.pk}))

    assert "Turbo for 3 hours" in page
    assert "Турбо-кнопка, 3 ч" in page
    assert "−50.00 ₽" in page
    assert "70.00 ₽" in page
    assert "Turn turbo on" in page


def test_without_presses_it_says_what_will_be_here(client, user):
    page = text(client.get(URL))

    assert "Each press of the turbo button will be here" in page
    assert "There are no turbo packages for your tariff now." in page


def test_while_it_runs_it_shows_what_is_left_and_what_comes_back(client, user, three_hours):
    boost = running(user, three_hours)

    page = text(client.get(URL))

    assert "<b>200</b>" in page
    assert f"{timezone.localtime(boost.ends_at):%H:%M}" in page
    assert 'data-left="107' in page
    assert "If you stop now, 33.33 ₽ comes back for 2 unused full hours." in page
    assert "Extend" in page


def test_a_boost_without_the_service_can_be_stopped_and_does_not_claim_to_work(client, user, three_hours):
    running(user, three_hours)
    set_state(user.contract, Contract.State.SUSPENDED_FOR_DEBT)

    page = text(client.get(URL))

    assert "does not work without the service" in page
    assert "Stop turbo" in page


def test_an_open_page_fetches_the_state_alone(client, user, three_hours):
    running(user, three_hours)

    part = text(client.get(URL, {"part": "state"}))

    assert "<b>200</b>" in part
    assert "<html" not in part


# Why not


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (Contract.State.SUSPENDED_FOR_DEBT, "returns by itself"),
        (Contract.State.SUSPENDED_BY_WISH, "paused at your wish"),
    ],
)
def test_locked_buttons_say_why_in_the_words_of_the_refusal(client, user, three_hours, state, why):
    set_state(user.contract, state)

    page, refused = text(client.get(URL)), press(client, three_hours)

    assert why in page
    assert 'disabled aria-describedby="turbo-off"' in page
    assert (refused.status_code, why in text(refused)) == (422, True)


def test_what_is_missing_is_said_beside_its_button_with_the_way_to_top_up(client, user, three_hours):
    dear = TurboPackageFactory(hours=24, price=200)

    page, refused = text(client.get(URL)), press(client, dear)

    assert "80.00 ₽ is missing on the account: top up first." in page
    assert f'href="{reverse("billing:top_up")}?sum=80.00"' in page
    assert f'disabled aria-describedby="why-{dear.pk}"' in page
    assert "80.00 ₽ is missing on the account: top up first." in text(refused)
    assert balance(user) == 120


def test_a_tariff_without_internet_has_nothing_to_speed_up(client, three_hours):
    user = UserFactory()
    served(contract=user.contract, services=[Service.TV])
    client.force_login(user, backend="accounts.backends.SubscriberBackend")

    page = text(client.get(URL))

    assert "Your tariff has no internet" in page
    assert "no internet" in page


def test_without_a_tariff_the_page_opens(client, three_hours):
    client.force_login(UserFactory(), backend="accounts.backends.SubscriberBackend")

    assert "There is no tariff yet." in text(client.get(URL))


# Pressing


def test_a_press_says_until_when_and_is_in_the_list(client, user, three_hours):
    page = press(client, three_hours, follow=True)

    assert page.redirect_chain == [(URL, 302)]
    assert "Turbo is on until" in text(page)
    assert "3 hours · runs" in text(page)
    assert balance(user) == 70


def test_a_double_click_is_one_press(client, user, three_hours):
    operation = uuid4()

    answers = [press(client, three_hours, operation=operation).status_code for _ in range(2)]

    assert (answers, balance(user)) == ([302, 302], 70)


def test_a_free_press_is_offered_and_taken(client, user, three_hours):
    gift(user)
    assert "You have 2 free presses" in text(client.get(URL))
    assert "nothing will be charged" in text(client.get(URL, {"package": three_hours.pk, "free": "1"}))

    page = press(client, three_hours, free="True", follow=True)

    assert "You have 1 free press:" in text(page)
    assert balance(user) == 120
    assert OfferUse.objects.get().presses_left == 1


def test_another_price_than_shown_is_not_charged_but_shown(client, user, three_hours):
    answer = press(client, three_hours, price="40")

    assert answer.status_code == 422
    assert "The price has changed." in text(answer)
    assert "−50.00 ₽" in text(answer)
    assert balance(user) == 120


@pytest.mark.parametrize("data", [{}, {"package": "x"}, {"package": 1}, {"package": 1, "price": "a", "operation": "b"}])
def test_a_form_that_is_not_ours_is_refused_in_words(client, user, data):
    answer = client.post(URL, data)

    assert answer.status_code == 422
    assert "The page has grown old." in text(answer)


@pytest.mark.parametrize("package", ["999999", "x", "-1", "9" * 40])
def test_a_package_that_is_not_there_is_said(client, user, package):
    answer = client.get(URL, {"package": package})

    assert answer.status_code == 422
    assert 'role="alert"' in text(answer)


# Stopping


def test_stopping_gives_back_what_was_shown(client, user, three_hours):
    boost = running(user, three_hours)

    page = client.post(STOP, {"boost": boost.pk, "hours": 2}, follow=True)

    assert "Turbo is stopped. 33.33 ₽ came back." in text(page)
    assert "3 hours · stopped" in text(page)
    assert balance(user) == Decimal("103.33")


def test_in_the_last_hour_nothing_comes_back(client, user):
    boost = running(user, TurboPackageFactory(hours=1, price=20))

    assert "nothing comes back: no paid full hour is left" in text(client.get(URL))
    assert "Nothing came back." in text(client.post(STOP, {"boost": boost.pk, "hours": 0}, follow=True))


@pytest.mark.parametrize("data", [{}, {"boost": "x", "hours": 1}, {"boost": 1}, {"boost": 1, "hours": "9" * 40}])
def test_stopping_something_unclear_is_refused(client, user, data):
    assert client.post(STOP, data).status_code == 422


def test_another_number_of_hours_than_shown_is_shown_first(client, user, three_hours):
    boost = running(user, three_hours)

    answer = client.post(STOP, {"boost": boost.pk, "hours": 3})

    assert answer.status_code == 422
    assert "Another number of full hours is left now." in text(answer)
    assert balance(user) == 70


def test_stopping_takes_no_get(client, user):
    assert client.get(STOP).status_code == 405


# In the old version, and how much it asks of the database


def test_the_old_version_can_do_the_same(client, user, three_hours):
    client.cookies[VERSION_COOKIE] = "old"

    page = text(client.get(URL, {"package": three_hours.pk}))

    assert "<script" not in page
    assert 'border="1"' in page
    assert "Turn turbo on" in page


def test_it_asks_little_however_many_presses_there_are(client, user, three_hours):
    put(user.contract_id, 5000)
    gift(user)
    running(user, three_hours)
    client.get(URL)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(URL, {"package": three_hours.pk})
    for _ in range(30):
        running(user, three_hours)
    for _ in range(5):
        TurboPackageFactory()

    with CaptureQueriesContext(connection) as many:
        client.get(URL, {"package": three_hours.pk})

    assert len(many) <= 6, [query["sql"][:90] for query in many]
    assert len(many) == len(few)


@pytest.mark.parametrize("state", [Contract.State.SUSPENDED_FOR_DEBT, Contract.State.SUSPENDED_BY_WISH])
def test_without_service_it_asks_no_more(client, user, three_hours, state):
    set_state(user.contract, state)
    client.get(URL)

    with CaptureQueriesContext(connection) as asked:
        client.get(URL)

    assert len(asked) <= 6, [query["sql"][:90] for query in asked]


def test_the_press_of_a_day_ago_ended_on_another_day(client, user):
    package = TurboPackageFactory(hours=24, price=10)
    boost = running(user, package)
    Boost.objects.filter(pk=boost.pk).update(ends_at=timezone.now() + timedelta(days=3))

    assert timezone.localtime(timezone.now() + timedelta(days=3)).strftime(", %H:") in text(client.get(URL))
