"""The page of statistics: periods, empty states, garbage, the number of queries and of rows read."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts.local_time import midnight
from accounts.tests.factories import ContractFactory, UserFactory
from billing import ledger
from billing.models import EntryKind
from tariffs.models import Service, TrafficDay, TrafficHour
from tariffs.tests.factories import NOON, TODAY, served
from tariffs.usage import GIGABYTE

pytestmark = pytest.mark.django_db
URL = "/cabinet/statistics/"
GB = GIGABYTE


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOON)


@pytest.fixture
def contract():
    return served(contract=ContractFactory(started_on=date(2020, 2, 29)))


@pytest.fixture
def signed_in(client, contract):
    client.force_login(UserFactory(contract=contract), backend="accounts.backends.SubscriberBackend")
    return client


def use(contract, day, down=GB, up=0):
    TrafficDay.objects.create(contract=contract, day=day, down=down, up=up)


def spend(contract, amount, day, *, kind=EntryKind.MONTH, key=None):
    at = midnight(day) + timedelta(hours=12)
    ledger.post(contract.pk, kind=kind, amount=Decimal(amount), key=key or f"x:{kind}:{day}", title="x", now=at)


def text_of(page):
    return " ".join(page.content.decode().replace("\u00a0", " ").split())


def test_the_current_month_is_shown_first(signed_in, contract):
    use(contract, date(2026, 11, 3), down=40 * GB, up=2 * GB)
    use(contract, date(2026, 10, 31), down=99 * GB)
    spend(contract, -600, date(2026, 11, 1))

    page = signed_in.get(URL)

    assert "November 2026" in text_of(page)
    assert (page.context["shown"].total.down, page.context["shown"].total.up) == (40 * GB, 2 * GB)
    assert "600.00 ₽" in text_of(page)


def test_tenure_is_told_in_years_months_and_days(signed_in):
    assert "6 years 8 months 22 days" in text_of(signed_in.get(URL))


@pytest.mark.parametrize(
    ("query", "since", "until"),
    [
        ("period=week", date(2026, 11, 16), date(2026, 11, 23)),
        ("period=week&from=2026-11-15", date(2026, 11, 9), date(2026, 11, 16)),
        ("period=month&from=2024-02-29", date(2024, 2, 1), date(2024, 3, 1)),
        ("period=year", date(2026, 1, 1), date(2027, 1, 1)),
        ("period=year&from=2024-02-29", date(2024, 1, 1), date(2025, 1, 1)),
        ("period=all", date(2020, 2, 29), date(2026, 11, 21)),
    ],
)
def test_a_period_is_the_one_around_the_day(signed_in, query, since, until):
    period = signed_in.get(f"{URL}?{query}").context["shown"].period

    assert (period.since, period.until) == (since, until)


def test_pages_lead_to_the_period_before_and_after(signed_in):
    page = signed_in.get(f"{URL}?period=month&from=2026-10-05")

    assert (page.context["earlier"], page.context["later"]) == (
        "period=month&from=2026-09-01",
        "period=month&from=2026-11-01",
    )


def test_there_is_nothing_before_the_contract_and_nothing_after_today(signed_in):
    first, current = signed_in.get(f"{URL}?period=year&from=2020-03-01"), signed_in.get(f"{URL}?period=year")

    assert (first.context["earlier"], current.context["later"]) == (None, None)


@pytest.mark.parametrize(
    "query",
    [
        "period=century",
        "from=yesterday",
        "from=2026-02-30",
        "from=2027-01-01",
        "from=0001-01-01",
        "from=9999-12-31",
        "from=2019-12-31",
        "period=year&from=2019-12-31",
        "period=review&year=2019",
        "period=review&year=2027",
        "period=review&year=x",
        "period=review&year=99999999999999999999",
    ],
)
@pytest.mark.parametrize("name", ["statistics", "statistics_csv"])
def test_what_cannot_be_shown_is_refused_in_words(signed_in, name, query):
    page = signed_in.get(f"{reverse(f'tariffs:{name}')}?{query}")

    assert page.status_code == 422
    assert "notice--bad" in page.content.decode()


def test_a_tariff_without_internet_shows_spending_alone(client):
    contract = served(services=[Service.TV], speed_down=None)
    client.force_login(UserFactory(contract=contract), backend="accounts.backends.SubscriberBackend")

    page = text_of(client.get(URL))

    assert "Spending" in page
    assert "traffic-heading" not in page


def test_before_the_first_traffic_the_page_says_what_will_appear(signed_in):
    assert "It appears here once the meters have reported it" in text_of(signed_in.get(URL))


def test_the_volume_of_the_month_is_shown_with_the_month_only(client):
    contract = served(volume_gb=100, floor_speed=2)
    use(contract, TODAY, down=45 * GB)
    client.force_login(UserFactory(contract=contract), backend="accounts.backends.SubscriberBackend")

    assert "<b>55 GB</b> of 100 GB are left until 1 December" in text_of(client.get(URL))
    assert "are left" not in text_of(client.get(f"{URL}?period=month&from=2026-10-01"))


def test_past_the_volume_the_page_says_the_speed(client):
    contract = served(volume_gb=100, floor_speed=2)
    use(contract, TODAY, down=145 * GB)
    client.force_login(UserFactory(contract=contract), backend="accounts.backends.SubscriberBackend")

    assert "The speed is 2 Mbit/s; the full speed returns by itself on 1 December" in text_of(client.get(URL))


def test_the_old_version_has_tables_and_no_drawing(signed_in, contract):
    use(contract, TODAY)
    signed_in.get("/version/old/")

    page = signed_in.get(URL).content.decode()

    assert "<svg" not in page
    assert "<table" in page


@pytest.mark.parametrize("query", ["", "period=week", "period=year", "period=all", "period=review"])
def test_a_page_costs_six_queries_however_long_the_history(signed_in, contract, django_assert_max_num_queries, query):
    for days_ago in range(0, 2_000, 7):
        use(contract, TODAY - timedelta(days=days_ago))
        spend(contract, -10, TODAY - timedelta(days=days_ago), kind=EntryKind.CHARGE)
    signed_in.get(URL)  # the types of content are read once for a process

    with django_assert_max_num_queries(6):
        signed_in.get(f"{URL}?{query}")


def rows_read(client, query):
    """Of the tables of traffic, hours and days, in this transaction."""
    with connection.cursor() as cursor:
        before = _read(cursor)
        assert client.get(f"{URL}?{query}").status_code == 200
        return [after - earlier for after, earlier in zip(_read(cursor), before, strict=True)]


def _read(cursor):
    cursor.execute(
        "SELECT coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables"
        " WHERE relname IN ('tariffs_traffichour', 'tariffs_trafficday') ORDER BY relname DESC"
    )
    return [int(count) for (count,) in cursor.fetchall()]


@pytest.mark.parametrize(("query", "most"), [("period=week", 40), ("", 100), ("period=year", 800)])
def test_ten_years_of_hours_are_not_read(client, query, most):
    read = []
    for years in (2, 10):
        contract = served(contract=ContractFactory(started_on=date(2016, 1, 1)))
        client.force_login(UserFactory(contract=contract), backend="accounts.backends.SubscriberBackend")
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO tariffs_trafficday (contract_id, day, down, up) SELECT %s, day, 1000, 10"
                " FROM generate_series(%s::date - %s, %s::date, interval '1 day') day",
                [contract.pk, TODAY, 365 * years, TODAY],
            )
            cursor.execute(
                "INSERT INTO tariffs_traffichour (contract_id, hour, down, up) SELECT %s, hour, 1000, 10"
                " FROM generate_series(%s::date - 30, %s::date, interval '1 hour') hour",
                [contract.pk, TODAY, TODAY],
            )
            cursor.execute("ANALYZE tariffs_trafficday, tariffs_traffichour; SET LOCAL enable_seqscan = off")
        read.append(rows_read(client, query))

    assert TrafficHour.objects.exists()
    assert [hours for hours, _days in read] == [0, 0]
    assert read[0] == read[1]
    assert read[1][1] <= most


def test_the_table_for_excel_has_every_day(signed_in, contract):
    use(contract, date(2026, 11, 3), down=1234, up=56)
    spend(contract, -600, date(2026, 11, 1))
    spend(contract, 60, date(2026, 11, 1), kind=EntryKind.DISCOUNT, key="month:1:2026-11:offer:7")

    answer = signed_in.get("/cabinet/statistics/statistics.csv")

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.content.decode().splitlines()[1:] == ["01.11.2026;0;0;540,00;60,00", "03.11.2026;1234;56;0,00;0,00"]


def test_a_year_in_review(signed_in, contract):
    use(contract, date(2026, 3, 8), down=700 * GB)
    use(contract, date(2026, 5, 1), down=500 * GB)
    use(contract, date(2026, 5, 2), down=600 * GB)
    spend(contract, -600, date(2026, 5, 1))
    spend(contract, 1000, date(2026, 4, 30), kind=EntryKind.TOP_UP)

    page = text_of(signed_in.get(f"{URL}?period=review&year=2026"))

    assert "Your 2026 with «Марк» so far" in page
    assert "<b>1.8 TB</b>" in page
    assert "May 2026, 1.1 TB" in page
    assert "8 March, 700 GB" in page
    assert "1 top-up, 1,000.00 ₽" in page
    assert "none reported" not in page


def test_a_review_of_a_year_without_traffic(signed_in):
    page = text_of(signed_in.get(f"{URL}?period=review&year=2021"))

    assert "Your 2021 with «Марк» <" in page
    assert "none reported in this year" in page
