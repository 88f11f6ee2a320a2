"""Staff look at month runs: how far they are, what hangs, and a month to come."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from django.urls import reverse

from accounts import roles
from accounts.models import Contract
from accounts.tests.factories import CityFactory, StaffFactory
from billing.models import LedgerEntry
from tariffs import month_dry_run
from tariffs.models import MonthRange, TariffPrice
from tariffs.tests.factories import NEXT, NOON, OptionFactory, OptionUseFactory, TariffFactory, served
from tariffs.tests.test_fees import planned
from tariffs.tests.test_months import TEN_PAST, months, run

pytestmark = pytest.mark.django_db

RUNS = reverse("admin:tariffs_monthrun_changelist")
AHEAD = "/admin/tariffs/monthrun/ahead/2026-12/"


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def accountant(client, city):
    staff = StaffFactory(role=roles.ACCOUNTANT, in_cities=[city])
    client.force_login(staff, backend="accounts.backends.StaffBackend")
    return staff


def words(response) -> str:
    return " ".join(response.content.decode().split())


# The dry run


def test_a_month_ahead_is_counted_by_city_and_tariff_and_nothing_is_posted():
    rich, poor = served(fee=600, balance=1000, name="Дом 100"), served(fee=900, balance=100, name="Дом 500")
    OptionUseFactory(contract=poor, option=OptionFactory(fee=50))
    entries = LedgerEntry.objects.count()

    rows = month_dry_run.by_tariff(NEXT, now=NOON)

    assert [(row.city, row.tariff, row.charged, row.total, row.stopped, row.missing) for row in rows] == [
        (rich.city, "Дом 100", 1, 600, 0, 0),
        (poor.city, "Дом 500", 0, 0, 1, 850),
    ]
    assert [(row.number, row.missing) for row in month_dry_run.poor(NEXT, now=NOON)] == [(poor.number, 850)]
    assert LedgerEntry.objects.count() == entries
    assert not Contract.objects.exclude(state=Contract.State.ACTIVE).exists()


def test_prices_and_switches_to_come_count():
    dearer, switching = served(fee=600, balance=5000), served(fee=600, balance=5000)
    TariffPrice.objects.create(tariff=dearer.subscriptions.get().tariff, fee=650, since=NEXT)
    planned(switching, TariffFactory(city=switching.city, fee=800), NEXT)

    assert sorted(row.total for row in month_dry_run.by_tariff(NEXT, now=NOON)) == [650, 800]


def test_it_foresees_what_the_run_does():
    for number in range(4):
        served(fee=600 + number, balance=602)

    rows = month_dry_run.by_tariff(NEXT, now=NOON)
    run()

    of = MonthRange.objects.get()
    assert (of.charged, of.total, of.suspended) == (
        sum(row.charged for row in rows),
        sum(row.total for row in rows),
        sum(row.stopped for row in rows),
    )


@pytest.mark.parametrize(
    ("month", "may"),
    [(date(2026, 11, 1), False), (NEXT, True), (date(2027, 11, 1), True), (date(2027, 12, 1), False)],
)
def test_only_the_year_to_come_is_looked_at(month, may):
    assert month_dry_run.may_look(month, today=date(2026, 11, 20)) is may


# Pages


def test_the_list_tells_how_far_a_run_is(client, accountant):
    served(fee=600, balance=600)
    served(fee=600)
    run()

    page = words(client.get(RUNS))

    assert "December 2026" in page
    assert "1 / 1" in page
    assert "600.00" in page


def test_the_page_of_a_run_under_way_offers_to_send_what_hangs(client, accountant):
    served(fee=600, balance=600)
    hung = months.begin(now=TEN_PAST)
    months.take_waiting(now=TEN_PAST)

    page = client.get(reverse("admin:tariffs_monthrun_change", args=[hung.pk]))
    answer = client.post(reverse("admin:tariffs_monthrun_again", args=[hung.pk]), follow=True)

    assert "0 of 1" in words(page)
    assert "1 range goes to a worker within a minute." in words(answer)
    assert len(months.take_waiting(now=TEN_PAST)) == 1


def test_the_page_of_a_run_that_is_over_has_its_sums_and_no_button(client, accountant):
    served(fee=600, balance=600)
    done = run()

    page = words(client.get(reverse("admin:tariffs_monthrun_change", args=[done.pk])))

    assert "600.00" in page
    assert "Send what is not done again" not in page


def test_the_month_ahead_has_its_table_and_the_list_of_those_who_cannot_pay(client, accountant):
    served(fee=600, balance=1000, name="Дом 100")
    poor = served(fee=900, balance=Decimal("100.50"), name="Дом 500")

    page, listed = words(client.get(AHEAD)), words(client.get(f"{AHEAD}poor/"))

    assert "1 contract cannot pay" in page
    assert "Дом 100" in page
    assert poor.number in listed
    assert "799.50" in listed


def test_the_list_of_those_who_cannot_pay_has_pages(client, accountant, monkeypatch):
    monkeypatch.setattr(month_dry_run, "LIST_ROWS", 2)
    poor = [served(fee=600) for _number in range(3)]

    first = client.get(f"{AHEAD}poor/")
    second = client.get(f"{AHEAD}poor/", {"after": first.context["after"]})

    assert [row.number for row in first.context["rows"]] == [each.number for each in poor[:2]]
    assert [row.number for row in second.context["rows"]] == [poor[2].number]
    assert second.context["after"] is None


@pytest.mark.parametrize("after", ["x", "-1", "9" * 40, "٣"])
def test_a_wrong_place_to_begin_is_the_beginning(client, accountant, after):
    assert client.get(f"{AHEAD}poor/", {"after": after}).status_code == 200


def test_a_month_that_has_begun_leads_back_with_a_reason(client, accountant):
    page = client.get("/admin/tariffs/monthrun/ahead/2026-11/", follow=True)

    assert page.redirect_chain[-1][0] == RUNS
    assert "Only the months of the year to come" in words(page)


def test_empty_pages_say_so(client, accountant):
    assert "No active contract has anything to pay" in words(client.get(AHEAD))
    assert "the money is enough for everybody" in words(client.get(f"{AHEAD}poor/"))


@pytest.mark.parametrize("role", [roles.OPERATOR, roles.SUPPORT_AGENT, roles.CATALOGUE_MANAGER])
def test_other_roles_do_not_see_it(client, city, role):
    client.force_login(StaffFactory(role=role, in_cities=[city]), backend="accounts.backends.StaffBackend")

    assert client.get(RUNS).status_code == 403
    assert client.get(AHEAD).status_code == 403


def test_who_is_not_given_every_city_does_not_see_it(client, accountant):
    CityFactory(slug="votkinsk", name="Воткинск")

    assert client.get(RUNS).status_code == 403
    assert client.get(AHEAD).status_code == 403
    assert client.get(f"{AHEAD}poor/").status_code == 403


@pytest.mark.parametrize("address", [RUNS, AHEAD, f"{AHEAD}poor/"])
def test_the_number_of_queries_stays_flat(client, accountant, django_assert_max_num_queries, address):
    for month in range(3):
        served(fee=600)
        months.begin(now=datetime(2026, 9 + month, 2, tzinfo=UTC))

    with django_assert_max_num_queries(14):
        client.get(address)
