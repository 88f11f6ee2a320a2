"""Numbers of statistics: periods and fair comparisons, spending from the ledger, days without service, drawings."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from accounts import contracts
from accounts.models import Contract
from accounts.tests.factories import ContractFactory
from billing import ledger
from billing.models import EntryKind
from billing.tests.factories import PromisedPaymentFactory
from tariffs import charts, events, periods, savings, statistics, year_review
from tariffs.models import Boost, Press, Suspension, TrafficDay
from tariffs.periods import Kind
from tariffs.templatetags.traffic import short_stretch, stretch, volume
from tariffs.tests.factories import NOON, TODAY, TurboPackageFactory, served
from tariffs.usage import GIGABYTE as GB

STARTED = date(2020, 2, 29)


# --- Periods --------------------------------------------------------------------------------------------------------
def period(kind, day=TODAY, *, today=TODAY):
    return periods.containing(kind, day, started_on=STARTED, today=today)


def compared(kind, day, *, today, started_on=STARTED):
    found = periods.compared_with(period(kind, day, today=today), started_on=started_on, today=today)
    return found and (found.since, found.last)


@pytest.mark.parametrize(
    ("kind", "day", "today", "expected"),
    [
        (Kind.WEEK, date(2026, 11, 20), date(2026, 11, 20), (date(2026, 11, 9), date(2026, 11, 13))),
        (Kind.WEEK, date(2026, 11, 10), date(2026, 11, 20), (date(2026, 11, 2), date(2026, 11, 8))),
        (Kind.WEEK, date(2026, 1, 1), date(2026, 11, 20), (date(2025, 12, 22), date(2025, 12, 28))),
        (Kind.MONTH, date(2026, 11, 20), date(2026, 11, 20), (date(2026, 10, 1), date(2026, 10, 20))),
        (Kind.MONTH, date(2026, 3, 1), date(2026, 3, 30), (date(2026, 2, 1), date(2026, 2, 28))),
        (Kind.MONTH, date(2026, 3, 1), date(2026, 3, 31), (date(2026, 2, 1), date(2026, 2, 28))),
        (Kind.MONTH, date(2026, 1, 5), date(2026, 11, 20), (date(2025, 12, 1), date(2025, 12, 31))),
        (Kind.YEAR, date(2026, 1, 1), date(2026, 11, 20), (date(2025, 1, 1), date(2025, 11, 20))),
        (Kind.YEAR, date(2024, 1, 1), date(2024, 2, 28), (date(2023, 1, 1), date(2023, 2, 28))),
        (Kind.YEAR, date(2024, 1, 1), date(2024, 2, 29), (date(2023, 1, 1), date(2023, 2, 28))),
        (Kind.YEAR, date(2024, 1, 1), date(2026, 11, 20), (date(2023, 1, 1), date(2023, 12, 31))),
        (Kind.ALL, date(2026, 11, 20), date(2026, 11, 20), None),
    ],
)
def test_what_is_under_way_is_compared_with_the_same_part_of_the_period_before(kind, day, today, expected):
    assert compared(kind, day, today=today) == expected


def test_a_period_that_the_contract_did_not_have_whole_is_not_compared_with():
    assert compared(Kind.MONTH, TODAY, today=TODAY, started_on=date(2026, 10, 2)) is None
    assert compared(Kind.MONTH, TODAY, today=TODAY, started_on=date(2026, 10, 1)) is not None


@given(day=st.dates(date(2020, 3, 1), date(2030, 12, 31)), kind=st.sampled_from([Kind.WEEK, Kind.MONTH, Kind.YEAR]))
def test_periods_follow_each_other_without_gap_or_overlap(day, kind):
    found = period(kind, day, today=date(2031, 1, 1))

    assert day in found
    assert periods.before(found).until == found.since
    assert periods.after(found).since == found.until
    assert periods.after(periods.before(found)) == found


# --- Traffic and spending -------------------------------------------------------------------------------------------
def contract_since(started_on=STARTED, **tariff):
    return served(contract=ContractFactory(started_on=started_on), **tariff)


def use(contract, day, down, up=0):
    TrafficDay.objects.create(contract=contract, day=day, down=down, up=up)


def post(contract, amount, at, *, kind=EntryKind.MONTH, key=None):
    ledger.post(contract.pk, kind=kind, amount=Decimal(amount), key=key or f"{uuid4()}", title="x", now=at)


def local(day, hour=12):
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour - 4)


def of(contract, kind=Kind.MONTH, day=TODAY):
    found = periods.containing(kind, day, started_on=contract.started_on, today=TODAY)
    return statistics.of(contract, found, today=TODAY)


@pytest.mark.django_db
def test_traffic_is_compared_with_the_same_days():
    contract = contract_since()
    use(contract, date(2026, 11, 5), 150)
    use(contract, date(2026, 10, 20), 100)
    use(contract, date(2026, 10, 21), 1_000)

    assert of(contract).traffic_change.percent == 50


@pytest.mark.django_db
def test_nothing_before_is_no_percentage():
    contract = contract_since()
    use(contract, TODAY, 150)

    assert of(contract).traffic_change.percent is None


@pytest.mark.django_db
@pytest.mark.parametrize(("kind", "steps"), [(Kind.WEEK, 7), (Kind.MONTH, 30), (Kind.YEAR, 12), (Kind.ALL, 7)])
def test_the_steps_of_a_period_add_up_to_its_total(kind, steps):
    contract = contract_since()
    for days_ago in range(0, 2_400, 3):
        use(contract, TODAY - timedelta(days=days_ago), days_ago + 1, 1)

    shown = of(contract, kind)

    assert len(shown.traffic) == steps
    assert sum(step.down for step in shown.traffic) == shown.total.down
    assert sum(step.up for step in shown.traffic) == shown.total.up


@pytest.mark.django_db
def test_all_time_of_a_young_contract_is_told_by_months():
    contract = contract_since(date(2026, 9, 15))
    use(contract, date(2026, 9, 16), 5)

    assert [(step.since, step.down) for step in of(contract, Kind.ALL).traffic] == [
        (date(2026, 9, 1), 5),
        (date(2026, 10, 1), 0),
        (date(2026, 11, 1), 0),
    ]


@pytest.mark.django_db
def test_spending_is_fees_less_what_came_back_and_local_midnights_part_months():
    contract = contract_since()
    post(contract, -600, local(date(2026, 11, 1), 0))
    post(contract, -700, local(date(2026, 10, 31), 23))
    post(contract, -50, local(date(2026, 11, 7)), kind=EntryKind.CHARGE)
    post(contract, 20, local(date(2026, 11, 8)), kind=EntryKind.REFUND)
    post(contract, 60, local(date(2026, 11, 1)), kind=EntryKind.DISCOUNT, key=f"month:{contract.pk}:2026-11:offer:7")
    post(contract, 1000, local(date(2026, 11, 9)), kind=EntryKind.TOP_UP)
    post(contract, -5, local(date(2026, 11, 9)), kind=EntryKind.ADJUSTMENT)

    shown = of(contract)

    assert (shown.money.spent, shown.money.saved) == (570, 60)
    assert [step.spent for step in shown.spending] == [0, 0, 0, 0, 700, 570]


@pytest.mark.django_db
def test_savings_are_those_that_offers_count():
    contract = contract_since()
    for month in (9, 10, 11):
        key = f"month:{contract.pk}:2026-{month:02}:offer:7"
        post(contract, 60, local(date(2026, month, 1)), kind=EntryKind.DISCOUNT, key=key)
    post(contract, 200, local(date(2026, 11, 1)), kind=EntryKind.DISCOUNT, key="offer:9")

    assert of(contract).money.saved == savings.saved(contract.pk, date(2026, 11, 1), date(2026, 12, 1)) == 260
    assert of(contract, Kind.ALL).money.saved == savings.saved(contract.pk) == 380


@pytest.mark.django_db
def test_a_weeks_spending_stands_beside_whole_months():
    contract = contract_since()
    post(contract, -600, local(date(2026, 11, 1)))
    post(contract, -50, local(date(2026, 11, 19)), kind=EntryKind.CHARGE)

    shown = of(contract, Kind.WEEK)

    assert shown.money.spent == 50
    assert shown.spending[-1].spent == 650


# --- What happened --------------------------------------------------------------------------------------------------
def happened(contract, kind=Kind.MONTH, day=TODAY, *, today=TODAY):
    found = periods.containing(kind, day, started_on=contract.started_on, today=today)
    return events.of(contract.pk, found, today=today)


def pause(contract, first, last, state=Suspension.State.OVER):
    finished = NOON if state == Suspension.State.OVER else None
    Suspension.objects.create(
        operation=uuid4(),
        contract=contract,
        starts_on=first,
        ends_on=last,
        state=state,
        created_at=NOON,
        finished_at=finished,
    )


@pytest.mark.django_db
def test_days_of_a_pause_are_those_in_the_period_up_to_today():
    contract = contract_since()
    pause(contract, date(2026, 10, 25), date(2026, 11, 3))
    pause(contract, date(2026, 11, 18), date(2026, 12, 5), Suspension.State.RUNNING)

    assert happened(contract).paused == 3 + 3
    assert happened(contract, day=date(2026, 10, 1)).paused == 7


@pytest.mark.django_db
def test_a_pause_that_did_not_begin_is_not_counted():
    contract = contract_since()
    pause(contract, date(2026, 11, 18), date(2026, 11, 30), Suspension.State.PLANNED)

    assert happened(contract).paused == 0


@pytest.mark.django_db
def test_days_stopped_for_debt_are_read_from_the_journal():
    contract = contract_since()
    contracts.suspend_for_debt(contract, now=local(date(2026, 10, 30)))
    contracts.return_to_service(Contract.objects.get(pk=contract.pk), now=local(date(2026, 11, 2), 0))
    contracts.suspend_for_debt(Contract.objects.get(pk=contract.pk), now=local(date(2026, 11, 19)))

    assert happened(contract).stopped == 2 + 2
    assert happened(contract, day=date(2026, 10, 1)).stopped == 2
    assert happened(contract, day=date(2026, 9, 1)).stopped == 0


@pytest.mark.django_db
def test_presses_promises_and_top_ups_of_the_period_are_counted():
    contract = contract_since()
    boost = Boost.objects.create(
        contract=contract, factor=2, started_at=NOON, ends_at=NOON + timedelta(hours=6), state=Boost.State.RUNNING
    )
    for at in (NOON, NOON, NOON - timedelta(days=40)):
        package = TurboPackageFactory()
        Press.objects.create(operation=uuid4(), boost=boost, package=package, hours=3, price=50, at=at)
    PromisedPaymentFactory(account=contract.account, granted_at=NOON, due_at=NOON + timedelta(days=3))
    post(contract, 500, NOON, kind=EntryKind.TOP_UP)
    post(contract, 700, NOON, kind=EntryKind.TOP_UP)

    found = happened(contract)

    assert (found.presses, found.press_hours, found.promises) == (2, 6, 1)
    assert (found.top_ups, found.topped_up) == (2, 1200)


@pytest.mark.django_db
def test_a_contract_without_a_tariff_has_no_volume_and_no_internet():
    found = happened(ContractFactory(started_on=STARTED))

    assert (found.volume, found.has_internet) == (None, False)


@pytest.mark.django_db
def test_a_leap_year_in_review():
    contract = contract_since()
    use(contract, date(2024, 2, 29), 3 * GB)
    use(contract, date(2024, 3, 1), 2 * GB)
    use(contract, date(2024, 3, 2), 2 * GB)

    review = year_review.of(contract, 2024, today=TODAY)

    assert (review.busiest_day.since, review.busiest_month.since) == (date(2024, 2, 29), date(2024, 3, 1))
    assert (review.traffic.total, review.days_online, review.is_over) == (7 * GB, 3, True)


# --- Drawing --------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_columns_are_as_high_as_their_amounts_and_stay_inside():
    contract = contract_since()
    use(contract, date(2026, 11, 1), 60 * GB, 20 * GB)
    use(contract, date(2026, 11, 30), 40 * GB)

    chart = charts.of_traffic(of(contract))

    first, last = chart.columns[0].parts, chart.columns[-1].parts
    assert chart.lines[0].amount == 80 * GB
    assert [float(part.height) for part in first] == pytest.approx([108, 36])
    assert float(first[1].y) + float(first[1].height) == pytest.approx(float(first[0].y))
    assert float(last[0].y) + float(last[0].height) == pytest.approx(charts.BOTTOM)
    assert len(chart.names) <= charts.NAMES_MOST


@pytest.mark.django_db
def test_a_month_in_which_more_came_back_has_no_column():
    contract = contract_since()
    post(contract, 100, NOON, kind=EntryKind.REFUND)
    post(contract, -600, NOON - timedelta(days=30))

    chart = charts.of_spending(of(contract))

    assert [len(column.parts) for column in chart.columns] == [0, 0, 0, 0, 1, 0]


@pytest.mark.django_db
def test_without_anything_there_is_no_drawing():
    shown = of(contract_since())

    assert (charts.of_traffic(shown), charts.of_spending(shown)) == (None, None)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 KB"),
        (999, "1 KB"),
        (730_000_000, "730 MB"),
        (1_250_000_000, "1.25 GB"),
        (12_400_000_000, "12.4 GB"),
        (999_960_000_000, "1 TB"),
        (1_000_000_000_000, "1 TB"),
        (123_456_000_000_000, "123 TB"),
    ],
)
def test_volumes_are_written_with_three_figures(count, text):
    assert volume(count).replace("\u00a0", " ") == text


def test_volumes_in_russian():
    with override("ru"):
        assert volume(12_400_000_000).startswith("12,4\u00a0")


def test_stretches_are_named_by_their_length(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOON)
    day, month = statistics.Traffic(TODAY, date(2026, 11, 21)), statistics.Traffic(date(2026, 2, 1), date(2026, 3, 1))
    year = statistics.Traffic(date(2024, 1, 1), date(2025, 1, 1))

    assert [stretch(row).replace("\u00a0", " ") for row in (day, month, year)] == [
        "20 November",
        "February 2026",
        "2024",
    ]
    assert [short_stretch(row) for row in (day, month, year)] == ["20 Nov", "Feb", "2024"]
