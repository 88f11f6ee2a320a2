"""The forecast as a drawing, and where it stands."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from accounts.tests.factories import UserFactory
from billing import chart
from billing.forecast import Event, Forecast, Line
from billing.tests.factories import PromisedPaymentFactory, account_of, charge_month, put

TODAY = date(2026, 11, 20)
URL = reverse("billing:ledger")


def line(on, event=Event.FEE, amount=-500, balance=0):
    return Line(on, event, Decimal(amount), Decimal(balance))


def drawn(balance, *lines) -> chart.Chart:
    return chart.drawn(Forecast(TODAY, Decimal(balance), list(lines)))


def test_the_steps_go_down_with_the_balance_and_fill_the_width():
    picture = drawn(1000, line(date(2026, 12, 1), balance=500), line(date(2027, 1, 1), balance=0))

    assert [(step.x, step.end) for step in picture.steps] == [
        ("0.00%", "18.33%"),
        ("18.33%", "70.00%"),
        ("70.00%", "100.00%"),
    ]
    assert [step.y for step in picture.steps] == ["24.0", "100.0", "176.0"]
    assert [step.next_y for step in picture.steps] == ["100.0", "176.0", None]
    assert picture.zero == "176.0"


def test_below_zero_is_drawn_below_the_line_of_zero():
    step = drawn(500, line(date(2026, 12, 1), balance=-500)).steps[1]

    assert (step.is_owed, step.top, step.height, step.y) == (True, "100.0", "76.0", "176.0")


def test_a_term_and_a_stop_move_no_money_but_are_marked():
    picture = drawn(
        100, line(date(2026, 11, 30), Event.TERM, 0, 100), line(date(2026, 12, 1), Event.STOP, 0, balance=100)
    )

    assert len(picture.steps) == 1
    assert (picture.term.x, picture.stop.x) == ("16.67%", "18.33%")


def test_days_too_close_to_be_read_are_not_both_named():
    picture = chart.drawn(Forecast(date(2026, 11, 30), Decimal(900), [line(date(2026, 12, 1), balance=400)]))

    assert [mark.on for mark in picture.days] == [date(2026, 12, 1)]


def test_a_narrow_step_has_its_sum_only_where_the_next_one_does_not_reach_it():
    steep = drawn(1000, line(date(2026, 12, 1), balance=0))
    flat = drawn(1000, line(date(2026, 12, 1), amount=-10, balance=990))

    assert [step.has_label for step in steep.steps] == [True, True]
    assert [step.has_label for step in flat.steps] == [False, True]


@given(st.decimals(-(10**9), 10**9, places=2), st.decimals(-(10**9), 10**9, places=2))
def test_whatever_the_sums_the_drawing_stays_in_its_frame(balance, after):
    picture = drawn(balance, line(date(2026, 12, 1), amount=after - balance or 1, balance=after))

    heights = [float(step.y) for step in picture.steps] + [float(picture.zero)]
    assert all(chart.TOP <= y <= chart.BOTTOM for y in heights)


@pytest.fixture
def user(client):
    user = UserFactory()
    client.force_login(user, backend="accounts.backends.SubscriberBackend")
    charge_month(user.contract_id, 500, now=datetime(2026, 11, 1, 8, tzinfo=UTC), title="Internet 100")
    return user


@pytest.mark.django_db
def test_the_page_of_operations_shows_it_with_a_table_that_says_the_same(client, user):
    put(user.contract_id, 5000)

    page = client.get(URL).content.decode()

    assert 'class="chart"' in page
    assert "There is enough money." in page
    assert "style=" not in page


@pytest.mark.django_db
def test_numbers_of_the_drawing_have_a_point_in_russian_too(client, user):
    put(user.contract_id, 5000)
    client.cookies.load({"django_language": "ru"})

    page = client.get(URL).content.decode()

    drawing = page[page.index('<svg class="chart"') :].partition("</svg>")[0]
    assert drawing.count("<line") >= 3
    assert not any(
        "," in attribute
        for attribute in drawing.replace('"', " ").split()
        if attribute[:1].isdigit() and attribute.endswith("%")
    )


@pytest.mark.django_db
def test_the_old_version_has_the_table_alone(client, user):
    put(user.contract_id, 5000)
    client.cookies.load({"pages": "old"})

    page = client.get(URL).content.decode()

    assert "<svg" not in page
    assert "Internet 100" in page


@pytest.mark.django_db
def test_a_filtered_list_and_a_service_that_is_off_have_no_forecast(client, user):
    assert "chart" not in client.get(URL, {"kind": "topup"}).content.decode()

    type(user.contract).objects.filter(pk=user.contract_id).update(state="debt")

    assert client.get(URL).context["forecast"] is None


@pytest.mark.django_db
def test_the_term_of_a_promise_is_on_the_page(client, user):
    from datetime import timedelta

    from django.utils import timezone

    now = timezone.now()
    put(user.contract_id, 400)
    due = now + timedelta(days=3)
    PromisedPaymentFactory(account=account_of(user.contract), granted_at=now, due_at=due)

    page = client.get(URL)

    assert page.context["chart"].term or page.context["chart"].stop
