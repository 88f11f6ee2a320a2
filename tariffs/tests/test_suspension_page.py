"""The page of the pause in the cabinet."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Contract
from accounts.tests.factories import UserFactory
from billing import shares
from billing.tests.factories import account_of, put
from mark_portal.preferences import VERSION_COOKIE
from tariffs import suspension
from tariffs.models import Suspension
from tariffs.tests.factories import charged, served

pytestmark = pytest.mark.django_db

URL = reverse("tariffs:suspension")
BUTTON = "Plan the pause"


@pytest.fixture
def today():
    return timezone.localdate()


@pytest.fixture
def contract(client, today):
    """600 ₽ a month, this month is paid, 1,000 ₽ are left; signed in."""
    user = UserFactory()
    served(contract=user.contract, fee=600, balance=1600)
    charged(user.contract, since=shares.first_of_month(today), now=timezone.now())
    client.force_login(user, backend="accounts.backends.SubscriberBackend")
    return user.contract


def days(today, first=10, last=20) -> dict[str, date]:
    """So many days from today."""
    return {"first": today + timedelta(days=first), "last": today + timedelta(days=last)}


def take(client, today, operation=None, **options):
    return client.post(URL, days(today) | {"operation": operation or uuid4()}, **options)


def planned(contract, today, **fields) -> Suspension:
    chosen = days(today)
    row = {"starts_on": chosen["first"], "ends_on": chosen["last"], "created_at": timezone.now()}
    return Suspension.objects.create(operation=uuid4(), contract=contract, **row | fields)


def running(contract, today, last=10) -> Suspension:
    Contract.objects.update(state=Contract.State.SUSPENDED_BY_WISH)
    return planned(
        contract, today, starts_on=today - timedelta(days=3), ends_on=today + timedelta(days=last), state="running"
    )


def text(response) -> str:
    return " ".join(response.content.decode().replace("\xa0", " ").split())


def test_it_shows_the_rules_and_the_days_left(client, contract, today):
    page = text(client.get(URL))

    assert "lasts from 7 to 90 days in a calendar year" in page
    assert "The first 30 days of pause in a calendar year are free; each further day costs 5 ₽." in page
    assert "90 days left, of them 30 free" in page
    assert "Going away for a while?" in page


def test_days_are_chosen_by_links_of_the_calendar(client, contract, today):
    chosen = days(today)

    first = client.get(URL)
    last = client.get(URL, {"first": chosen["first"]})
    both = client.get(URL, chosen)

    assert f'href="?first={today + timedelta(days=1)}#days"' in text(first)
    assert f"first={today}#" not in text(first)
    assert "Now the last day" in text(last)
    assert f'href="?first={chosen["first"]}&amp;last={chosen["last"]}#cost"' in text(last)
    too_short = chosen["first"] + timedelta(days=5)
    assert f"last={too_short}" not in text(last)
    assert "11 days, from" in text(both)
    assert "month__day--free" in text(both)
    assert "disabled" not in text(both)


def test_the_cost_is_shown_before_line_by_line_with_the_balance_after_each(client, contract, today):
    page = client.get(URL, days(today))

    steps = page.context["steps"]
    assert steps
    assert steps[0].balance_after == 1000 + steps[0].amount
    assert "How the account will move" in text(page)
    assert "The days of the pause cost" in text(page)


def test_planning_says_what_happened_and_what_comes(client, contract, today):
    page = take(client, today, follow=True)

    assert page.redirect_chain == [(URL, 302)]
    assert "The pause from" in text(page)
    assert "is planned." in text(page)
    assert "Cancel the pause" in text(page)
    assert BUTTON not in text(page)


def test_a_double_click_plans_one(client, contract, today):
    operation = uuid4()

    answers = [take(client, today, operation).status_code for _click in range(2)]

    assert answers == [302, 302]
    assert Suspension.objects.count() == 1


def test_wrong_days_lock_the_button_and_are_refused_in_the_same_words(client, contract, today):
    wrong = days(today, 10, 12)

    page = client.get(URL, wrong)
    answer = client.post(URL, wrong | {"operation": uuid4()})

    reason = page.context["terms"].reasons[0].text
    assert "at least 7 days long" in reason
    assert reason.replace("\xa0", " ") in text(page)
    assert 'disabled aria-describedby="reasons"' in text(page)
    assert (answer.status_code, answer.context["refusal"]) == (422, reason)
    assert not Suspension.objects.exists()


def test_in_debt_there_is_nothing_to_choose_and_the_sum_is_said(client, contract, today):
    put(contract.pk, -1070)

    page, answer = client.get(URL, days(today)), take(client, today)

    assert "put 70.00 ₽ on it first" in text(page)
    assert f"{reverse('billing:top_up')}?sum=70.00" in text(page)
    assert "disabled" in text(page)
    assert "?first=" not in text(page)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "sent", [{}, {"first": ""}, {"first": "x", "last": "y"}, {"first": "9999-12-31", "last": "9999-12-31"}]
)
def test_days_that_are_no_days_are_refused(client, contract, sent):
    answer = client.post(URL, sent | {"operation": uuid4()})

    assert answer.status_code == 422
    assert not Suspension.objects.exists()


def test_a_form_without_its_operation_is_refused(client, contract, today):
    answer = client.post(URL, days(today) | {"operation": "x"})

    assert answer.status_code == 422
    assert "grown old" in text(answer)


@pytest.mark.parametrize("month", ["2026-13", "0001-01", "9999-12", "x", "2050-01"])
def test_a_month_that_the_calendar_does_not_have_is_survived(client, contract, month):
    assert client.get(URL, {"month": month}).status_code == 200


def test_a_planned_pause_is_cancelled(client, contract, today):
    pause = planned(contract, today)

    shown = text(client.get(URL))
    page = client.post(reverse("tariffs:suspension_cancel"), {"suspension": pause.pk}, follow=True)

    assert "Planned: from" in shown
    assert "How the account will move" in shown
    assert "The pause is cancelled" in text(page)
    assert "Cancelled on" in text(page)


def test_a_running_pause_is_ended_early_after_seeing_what_it_costs(client, contract, today):
    pause = running(contract, today)

    shown = client.get(URL)
    page = client.post(reverse("tariffs:suspension_end"), {"suspension": pause.pk}, follow=True)

    assert "The service is paused until the end of" in text(shown)
    assert shown.context["ending_steps"]
    assert "The service returns tomorrow." in text(page)
    assert Suspension.objects.get().ends_on == today
    assert "The pause ends today: the service returns tomorrow by itself." in text(page)
    assert 'disabled aria-describedby="reasons"' in text(page)


def test_without_money_the_early_end_is_locked_with_the_sum(client, contract, today):
    pause = running(contract, today)
    put(contract.pk, -1000)

    shown = client.get(URL)
    answer = client.post(reverse("tariffs:suspension_end"), {"suspension": pause.pk})

    assert "is missing: top up first." in text(shown)
    assert "disabled" in text(shown)
    assert answer.status_code == 422
    assert answer.context["refusal"] == shown.context["ending"].reasons[0].text


@pytest.mark.parametrize("name", ["tariffs:suspension_cancel", "tariffs:suspension_end"])
def test_a_pause_of_somebody_else_does_not_exist(client, contract, today, name):
    other = planned(served(), today)

    assert client.post(reverse(name), {"suspension": other.pk}).status_code == 404
    assert client.post(reverse(name), {"suspension": "x"}).status_code == 422
    assert Suspension.objects.get().state == "planned"


def test_cancelling_what_has_begun_is_refused(client, contract, today):
    pause = running(contract, today)

    answer = client.post(reverse("tariffs:suspension_cancel"), {"suspension": pause.pk})

    assert answer.status_code == 422
    assert "has begun already" in text(answer)


def test_the_history_tells_how_each_ended_and_is_ones_own(client, contract, today):
    planned(contract, today, state="over", finished_at=timezone.now())
    planned(contract, today, state="cancelled", finished_at=timezone.now())
    planned(served(), today, state="over", finished_at=timezone.now())

    page = client.get(URL)

    assert len(page.context["past"]) == 2
    assert "The service returned." in text(page)
    assert "Cancelled on" in text(page)


def queries(client, query=None) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(URL, query or {})
    return len(captured)


@pytest.mark.parametrize("is_chosen", [False, True])
def test_the_page_stays_flat_as_pauses_grow(client, contract, today, is_chosen):
    query = days(today) if is_chosen else None
    client.get(URL)
    few = queries(client, query)
    for number in range(30):
        planned(contract, today - timedelta(days=500 + number), state="over", finished_at=timezone.now())

    many = queries(client, query)

    assert many == few <= 6


def test_a_running_pause_costs_the_page_as_many_queries_however_long_it_is(client, contract, today):
    pause = running(contract, today, last=8)
    client.get(URL)
    few = queries(client)
    Suspension.objects.filter(pk=pause.pk).update(ends_on=today + timedelta(days=80))

    assert queries(client) == few <= 12


def test_the_old_version_has_it_too(client, contract, today):
    client.cookies[VERSION_COOKIE] = "old"

    page = client.get(URL, days(today))

    assert "site.css" not in text(page)
    assert BUTTON in text(page)
    assert 'border="1"' in text(page)


def test_the_page_plans_what_the_task_then_does(client, contract, today):
    take(client, today)
    first = days(today)["first"]

    suspension.do_due(now=timezone.make_aware(timezone.datetime(first.year, first.month, first.day)))

    assert Contract.objects.get(pk=contract.pk).state == Contract.State.SUSPENDED_BY_WISH
    assert account_of(contract).balance >= 1000
