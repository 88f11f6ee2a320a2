"""The page of the promised payment in the cabinet."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Contract
from accounts.tests.factories import UserFactory
from billing.models import PromisedPayment
from billing.tests.factories import PromisedPaymentFactory, account_of, put
from mark_portal.preferences import VERSION_COOKIE

pytestmark = pytest.mark.django_db

URL = reverse("billing:promise")
BUTTON = "Take the promised payment"


@pytest.fixture
def user(client):
    """A subscriber 70.50 ₽ below zero, whose service is off."""
    user = UserFactory(contract__state=Contract.State.SUSPENDED_FOR_DEBT)
    put(user.contract_id, "-70.50")
    client.force_login(user, backend="accounts.backends.SubscriberBackend")
    return user


def take(client, operation=None, **options):
    return client.post(URL, {"operation": operation or uuid4()}, **options)


def text(response) -> str:
    return " ".join(response.content.decode().replace("\xa0", " ").split())


def test_it_shows_the_sum_the_term_and_what_must_be_paid(client, user):
    page = text(client.get(URL))

    assert "80.00 ₽ until the end of" in page
    assert "at least 70.50 ₽" in page
    assert "disabled" not in page


def test_taking_it_says_what_happened_and_what_comes_next(client, user):
    page = take(client, follow=True)

    assert page.redirect_chain == [(URL, 302)]
    assert "The promised payment of 80.00 ₽ is given." in text(page)
    assert "Put <b>70.50 ₽</b> on the account by the end of" in text(page)
    assert f'{reverse("billing:top_up")}?sum=80"' in text(page)
    assert "within a minute" in text(page)
    assert BUTTON not in text(page)


def test_a_double_click_gives_one(client, user):
    operation = uuid4()

    answers = [take(client, operation).status_code for _click in range(2)]

    assert answers == [302, 302]
    assert PromisedPayment.objects.count() == 1


def test_what_is_locked_is_shown_with_every_reason_and_refused_in_the_same_words(client, user):
    Contract.objects.update(started_on=timezone.localdate())
    put(user.contract_id, -2000)

    page, answer = client.get(URL), take(client)

    reasons = [condition.reason for condition in page.context["terms"].reasons]
    assert len(reasons) == 2
    assert all(reason.replace("\xa0", " ") in text(page) for reason in reasons)
    assert "disabled" in text(page)
    assert answer.status_code == 422
    assert answer.context["refusal"] == " ".join(reasons)
    assert not PromisedPayment.objects.exists()


@pytest.mark.parametrize("operation", ["", "x", "🎈"])
def test_a_form_without_its_operation_is_refused(client, user, operation):
    answer = client.post(URL, {"operation": operation})

    assert answer.status_code == 422
    assert "grown old" in text(answer)


def test_the_history_tells_how_each_ended(client, user):
    now, account = timezone.now(), account_of(user.contract)
    for days, state, repaid_at in [(100, "kept", None), (70, "broken", now), (40, "broken", None)]:
        PromisedPaymentFactory(
            account=account,
            state=state,
            repaid_at=repaid_at,
            granted_at=now - timedelta(days=days),
            due_at=now - timedelta(days=days - 3),
        )

    page = text(client.get(URL))

    assert page.count("Kept on") == 1
    assert page.count("Not paid by the end of") == 2
    assert page.count("; paid on") == 1


def test_a_promise_of_somebody_else_is_not_shown(client, user):
    PromisedPaymentFactory()

    assert client.get(URL).context["promises"] == []


def test_the_page_stays_flat_as_promises_grow(client, user):
    take(client)
    client.get(URL)
    few = queries(client)
    for days in range(30):
        PromisedPaymentFactory(
            account=account_of(user.contract), state="kept", granted_at=timezone.now() - timedelta(days=50 + days)
        )

    many = queries(client)

    assert many == few <= 6


def queries(client) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(URL)
    return len(captured)


def test_the_old_version_has_it_too(client, user):
    client.cookies[VERSION_COOKIE] = "old"

    page = client.get(URL)

    assert "site.css" not in text(page)
    assert BUTTON in text(page)
