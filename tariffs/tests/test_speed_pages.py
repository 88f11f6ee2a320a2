"""/speed/ and the results in the cabinet: who sees what, what is saved, how many queries it takes."""

import csv
import io
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.tests.factories import UserFactory
from tariffs import speedtest
from tariffs.models import Boost, SpeedTest
from tariffs.tests.factories import served

pytestmark = pytest.mark.django_db

PAGE, HISTORY, SAVE = "/speed/", "/cabinet/statistics/speed/", "/cabinet/statistics/speed/save/"
TABLE = f"{HISTORY}speed.csv"
RESULT = {"ping": "3.2", "jitter": "0.4", "down": "94.26", "up": "51"}
BACKEND = "accounts.backends.SubscriberBackend"


@pytest.fixture
def user():
    user = UserFactory()
    served(contract=user.contract, speed_down=100)
    return user


@pytest.fixture
def subscriber(client, user):
    client.force_login(user, backend=BACKEND)
    return client


def result_of(user, *, days_ago=0, **fields):
    numbers = {"ping": 3, "jitter": 1, "down": 94, "up": 92, "tariff_down": 100, "tariff_up": 100}
    at = timezone.now() - timedelta(days=days_ago)
    return SpeedTest.objects.create(contract=user.contract, operation=uuid4(), at=at, **{**numbers, **fields})


def send(client, *, address=SAVE, **fields):
    return client.post(address, {"operation": str(uuid4()), **RESULT, **fields})


def words(answer):
    return " ".join(answer.content.decode().split())


# --- The page


def test_anybody_may_measure(client):
    page = client.get(PAGE)

    assert page.status_code == 200
    assert "data-start" in words(page)
    assert "data-save" not in words(page)
    assert f"/login/?next={PAGE}" in words(page)


def test_a_subscriber_sees_what_the_tariff_gives_and_the_last_results(subscriber, user):
    result_of(user, down=12)

    page = subscriber.get(PAGE)

    assert "By your tariff just now: <b>100 Mbit/s</b> to you" in words(page)
    assert "12 %" in words(page)
    assert "no-store" in page.headers["Cache-Control"]


def test_a_running_boost_is_told(subscriber, user):
    now = timezone.now()
    Boost.objects.create(contract=user.contract, factor=2, started_at=now, ends_at=now + timedelta(hours=1))

    page = words(subscriber.get(PAGE))

    assert "<b>200 Mbit/s</b> to you" in page
    assert "Turbo is on until" in page


def test_while_the_service_is_off_it_says_so(subscriber, user):
    type(user.contract).objects.filter(pk=user.contract_id).update(state="debt")

    assert "The service is off at present" in words(subscriber.get(PAGE))


def test_a_contract_without_internet_is_told_nothing_of_a_speed(client):
    user = UserFactory()
    served(contract=user.contract, services=["tv"])
    client.force_login(user, backend=BACKEND)

    page = client.get(PAGE)

    assert page.status_code == 200
    assert "By your tariff" not in words(page)


def test_without_script_there_is_a_file_to_measure_with(client):
    client.cookies["pages"] = "old"

    page = words(client.get(PAGE))

    assert 'href="/speed/down?bytes=5000000"' in page
    assert "Download a file of 5 MB" in page
    assert "data-speed" not in page


@pytest.mark.parametrize("address", [PAGE, HISTORY])
def test_the_queries_do_not_grow_with_the_results(subscriber, user, django_assert_num_queries, address):
    subscriber.get(address)  # which notes the day in the session
    with CaptureQueriesContext(connection) as none:
        subscriber.get(address)
    for days in range(40):
        result_of(user, days_ago=days, is_boosted=True)

    with django_assert_num_queries(len(none)):
        subscriber.get(address)
    assert len(none) <= 6


# --- Saving


def test_a_result_is_saved_and_its_verdict_comes_back(subscriber, user):
    answer = send(subscriber, address=f"{SAVE}?part=result")

    test = SpeedTest.objects.get()
    assert (test.contract, test.down, test.tariff_down) == (user.contract, 94.26, 100)
    assert answer.status_code == 200
    assert "94 % of your tariff" in words(answer)
    assert "94.3 of 100 Mbit/s" in words(answer)
    assert "<html" not in words(answer)


def test_without_the_part_it_leads_to_the_results(subscriber):
    answer = send(subscriber)

    assert (answer.status_code, answer.headers["Location"]) == (302, HISTORY)


def test_sent_twice_it_is_saved_once(subscriber):
    operation = str(uuid4())

    answers = [send(subscriber, operation=operation, address=f"{SAVE}?part=result") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert SpeedTest.objects.count() == 1


@pytest.mark.parametrize("name", RESULT)
@pytest.mark.parametrize("value", ["", "x", "-1", "NaN", "inf", "1e300", "20001", "3,2"])
def test_what_cannot_be_right_is_not_saved(subscriber, name, value):
    answer = send(subscriber, address=f"{SAVE}?part=result", **{name: value})

    assert answer.status_code == 422
    assert "cannot be right" in words(answer)
    assert not SpeedTest.objects.exists()


@pytest.mark.parametrize("name", ["down", "up"])
def test_no_speed_at_all_is_no_result(subscriber, name):
    assert send(subscriber, **{name: "0"}).status_code == 422


@pytest.mark.parametrize("operation", ["", "x", "9" * 400])
def test_without_an_operation_the_page_has_grown_old(subscriber, operation):
    answer = send(subscriber, operation=operation)

    assert answer.status_code == 422
    assert "grown old" in words(answer)


def test_too_many_results_in_an_hour_are_not_kept(subscriber):
    for _ in range(settings.SPEED_TESTS_AN_HOUR):
        send(subscriber)

    part, page = send(subscriber, address=f"{SAVE}?part=result"), send(subscriber)

    assert (part.status_code, page.status_code) == (429, 429)
    assert "it is not kept" in words(part)
    assert "it is not kept" in words(page)


def test_a_result_needs_the_token_of_the_form(user):
    client = Client(enforce_csrf_checks=True)
    client.force_login(user, backend=BACKEND)

    assert send(client).status_code == 403


# --- Advice


@pytest.mark.parametrize(
    ("down", "says", "not_says"),
    [
        ("96", "As it should be", "Call us"),
        ("60", "A little less than the tariff gives", "Much less"),
        ("20", "Much less than the tariff gives", "As it should be"),
    ],
)
def test_the_advice_fits_the_result(subscriber, down, says, not_says):
    answer = words(send(subscriber, address=f"{SAVE}?part=result", down=down, up="96"))

    assert says in answer
    assert not_says not in answer


def test_a_poor_result_leads_to_support(subscriber):
    answer = words(send(subscriber, address=f"{SAVE}?part=result", down="20"))

    assert "by cable" in answer
    assert "tel:+73412918111" in answer


def test_an_outage_at_the_time_is_the_first_reason(subscriber, user):
    result_of(user, down=20, had_outage=True)

    assert "There was an outage at your address at that time" in words(subscriber.get(HISTORY))


def test_a_good_result_leads_to_turbo(subscriber, user):
    result_of(user)

    assert reverse("tariffs:turbo") in words(subscriber.get(HISTORY)).partition("As it should be")[2]


# --- The results


def test_nothing_measured_yet_is_said(subscriber):
    assert "Each test that you make here is kept" in words(subscriber.get(HISTORY))


def test_the_newest_result_stands_first_with_its_text(subscriber, user):
    result_of(user, days_ago=3, down=20)
    result_of(user, down=97)

    page = words(subscriber.get(HISTORY))

    assert "97 % of your tariff" in page
    assert "Download: 97 of 100 Mbit/s (97 %)" in page
    assert page.index("97 %") < page.index("20 %")


def test_a_chart_is_drawn_of_two_results(subscriber, user):
    result_of(user)
    assert '<svg class="chart' not in words(subscriber.get(HISTORY))

    result_of(user, down=30)

    page = words(subscriber.get(HISTORY))
    assert "speed-chart__column--good" in page
    assert "speed-chart__column--poor" in page
    assert "speed-chart__tariff" in page


def test_many_results_are_paged(subscriber, user):
    for days in range(31):
        result_of(user, days_ago=days, down=50 + days)

    first = words(subscriber.get(HISTORY))
    query = first.partition('rel="next" href="')[2].partition('"')[0]
    second = words(subscriber.get(HISTORY + query))

    assert first.count("<tr>") == 31
    assert second.count("<tr>") == 2
    assert "The result as text" not in second
    assert 'rel="prev"' in second


def test_a_contract_sees_its_own_results_alone(subscriber):
    result_of(UserFactory(), down=77)

    assert "77" not in words(subscriber.get(HISTORY)).partition("<main")[2].partition("</main")[0]
    assert "77" not in subscriber.get(TABLE).content.decode()


def test_the_table_for_excel_has_every_result(subscriber, user):
    result_of(user, down=94.26, is_boosted=True)
    result_of(user, days_ago=1, tariff_down=None, tariff_up=None)

    answer = subscriber.get(TABLE)

    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
    assert len(rows) == 3
    assert rows[1][1:] == ["3,00", "1,00", "94,26", "92,00", "100", "100", "yes", ""]
    assert rows[2][5:7] == ["", ""]
    assert "attachment" in answer.headers["Content-Disposition"]


def test_an_hour_of_results_is_a_setting():
    assert speedtest.SAVED.ceiling == settings.SPEED_TESTS_AN_HOUR
