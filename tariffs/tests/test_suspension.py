"""Pauses at a subscriber's wish."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts import contracts, journal
from accounts.models import Contract
from accounts.tests.factories import StaffFactory
from billing import audit, charges, outlook
from billing.models import Account, EntryKind, LedgerEntry
from billing.tests.factories import NOON, PromisedPaymentFactory, account_of, put
from notifications.models import Notice
from tariffs import suspension, switching, turbo
from tariffs.models import Boost, OptionUse, Subscription, Suspension, TariffPrice
from tariffs.suspension import SuspensionRefused
from tariffs.suspension_days import Span
from tariffs.tests.factories import (
    TODAY,
    OfferFactory,
    OfferUseFactory,
    OptionFactory,
    OptionUseFactory,
    TariffFactory,
    TurboPackageFactory,
    charged,
    served,
)

pytestmark = pytest.mark.django_db

ACTIVE, DEBT, WISH = (Contract.State(state) for state in ("active", "debt", "wish"))


@pytest.fixture(autouse=True)
def _noon(time_machine):
    """A day of another year is written with its year."""
    time_machine.move_to(NOON, tick=False)


def at(day: date, hour=0, minute=1) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(hour, minute)))


def paid(fee=600, balance=1000, **tariff) -> Contract:
    """November is charged, and so much money is left."""
    contract = served(fee=fee, balance=Decimal(fee) + balance, **tariff)
    charged(contract)
    return contract


def plan(contract, first, last, *, now=NOON, **more) -> Suspension:
    return suspension.plan(contract.pk, first=first, last=last, operation=uuid4(), now=now, **more)


def live(contract, first: date, last: date) -> None:
    """The task comes every day."""
    for day in Span(first, last).each_day():
        suspension.do_due(now=at(day))


def state(contract) -> str:
    return Contract.objects.get(pk=contract.pk).state


def balance(contract) -> Decimal:
    return Account.objects.get(pk=contract.pk).balance


def lines(contract) -> list[tuple[str, Decimal]]:
    """What the pause and the return posted, without the pause's number."""
    entries = LedgerEntry.objects.filter(account=contract.pk).order_by("pk")
    own = entries.exclude(key__startswith="test:").exclude(key__contains="2026-11", key__startswith="month:")
    return [(entry.key.partition(":")[0] + ":" + entry.key.split(":", 2)[2], entry.amount) for entry in own]


# Planning


def test_a_planned_pause_changes_nothing_yet_and_is_told():
    contract = paid()

    pause = plan(contract, date(2026, 11, 21), date(2026, 12, 5))

    assert (pause.state, state(contract)) == (Suspension.State.PLANNED, ACTIVE)
    assert lines(contract) == []
    notice = Notice.objects.get()
    assert (notice.kind, notice.facts) == ("suspension_planned", {"first": "2026-11-21", "last": "2026-12-05"})


def test_the_same_operation_is_the_same_pause():
    contract, operation = paid(), uuid4()
    days = {"first": date(2026, 11, 21), "last": date(2026, 12, 5), "operation": operation, "now": NOON}

    pauses = [suspension.plan(contract.pk, **days) for _click in range(2)]

    assert pauses[0] == pauses[1]
    assert Suspension.objects.count() == Notice.objects.count() == 1


def test_an_operation_of_another_contract_is_refused():
    pause = plan(paid(), date(2026, 11, 21), date(2026, 12, 5))

    with pytest.raises(SuspensionRefused, match=r"grown old"):
        suspension.plan(paid().pk, first=pause.starts_on, last=pause.ends_on, operation=pause.operation, now=NOON)


@pytest.mark.parametrize(
    ("first", "last", "reason"),
    [
        ("2026-11-20", "2026-12-05", "tomorrow at the earliest, on 21.November"),
        ("2025-11-20", "2026-12-05", "tomorrow at the earliest"),
        ("0001-01-01", "9999-12-31", "tomorrow at the earliest"),
        ("2026-11-21", "2026-11-26", "at least 7 days long: until 27.November or later"),
        ("2026-12-10", "2026-12-01", "at least 7 days long: until 16.December"),
        ("2027-01-01", "2027-04-01", "In 2027 there are 90 days of pause left: until 31.March"),
        ("2026-11-21", "9999-12-31", "In 2027 there are 90 days of pause left: until 31.March"),
        ("2027-11-21", "2027-12-01", "begins on 20.November 2027 at the latest"),
        ("9999-12-25", "9999-12-31", "at the latest"),
    ],
)
def test_days_that_the_rules_do_not_allow_are_refused_with_the_date(first, last, reason):
    contract = paid()

    with pytest.raises(SuspensionRefused, match=reason):
        plan(contract, date.fromisoformat(first), date.fromisoformat(last))

    assert not Suspension.objects.exists()


def test_days_over_new_year_count_for_each_year_on_their_own():
    contract = paid(balance=10_000)

    pause = plan(contract, date(2026, 11, 21), date(2027, 3, 31))  # 41 days and 90

    assert Span(pause.starts_on, pause.ends_on).days == 131


def test_what_is_left_of_a_year_is_said_and_when_there_is_more():
    contract = paid()
    for first, last, word in [("2026-01-01", "2026-03-25", "over"), ("2026-05-01", "2026-05-31", "cancelled")]:
        Suspension.objects.create(
            operation=uuid4(), contract=contract, starts_on=first, ends_on=last, state=word, created_at=NOON
        )

    with pytest.raises(SuspensionRefused, match=r"In 2026 there are 6 days of pause left: until 26.November"):
        plan(contract, date(2026, 11, 21), date(2026, 12, 10))

    Suspension.objects.filter(state="over").update(ends_on="2026-03-31")
    with pytest.raises(SuspensionRefused, match=r"All days of pause of 2026 are used.*from 1.January 2027"):
        plan(contract, date(2026, 11, 21), date(2026, 12, 10))


def test_a_second_pause_is_refused_with_the_dates_of_the_first():
    contract = paid()
    plan(contract, date(2026, 12, 1), date(2026, 12, 20))

    with pytest.raises(SuspensionRefused, match=r"from 1.December to 20.December is planned already"):
        plan(contract, date(2027, 1, 10), date(2027, 1, 20))

    live(contract, date(2026, 12, 1), date(2026, 12, 2))
    with pytest.raises(SuspensionRefused, match=r"paused until 20.December: the next is possible from 21.December"):
        plan(contract, date(2027, 1, 10), date(2027, 1, 20), now=at(date(2026, 12, 2)))


def test_in_debt_it_is_refused_with_the_sum():
    contract = served(balance="-70.50")

    with pytest.raises(SuspensionRefused, match=r"put 70.50\xa0₽ on it first"):
        plan(contract, date(2026, 11, 21), date(2026, 12, 5))

    contracts.suspend_for_debt(contract, now=NOON)
    with pytest.raises(SuspensionRefused, match=r"put 290.50\xa0₽ on it first"):  # 11 of 30 days of 600 ₽ more
        plan(contract, date(2026, 11, 21), date(2026, 12, 5))


def test_with_an_open_promise_it_is_refused_with_the_date():
    contract = paid()
    PromisedPaymentFactory(account=account_of(contract))

    with pytest.raises(SuspensionRefused, match=r"promised payment is open.*from 24.November"):
        plan(contract, date(2026, 11, 21), date(2026, 12, 5))


def test_without_a_tariff_there_is_nothing_to_pause():
    contract = paid()
    Subscription.objects.update(until=TODAY)

    with pytest.raises(SuspensionRefused, match=r"no tariff to pause"):
        plan(contract, date(2026, 11, 21), date(2026, 12, 5))


def test_an_ended_contract_has_no_pause():
    contract = paid()
    contracts.terminate(contract, actor=StaffFactory(), reason="x", ended_on=TODAY, now=NOON)

    with pytest.raises(SuspensionRefused, match=r"has ended"):
        plan(contract, date(2026, 11, 21), date(2026, 12, 5))


def test_the_paid_days_must_be_covered_with_what_is_returned_counted():
    contract = _with_used_days(paid(balance=0))  # 200 ₽ of November come back

    with pytest.raises(SuspensionRefused, match=r"cost 205.00\xa0₽, and 5.00\xa0₽ is missing"):
        plan(contract, date(2026, 11, 21), date(2026, 12, 31))

    assert plan(contract, date(2026, 11, 21), date(2026, 12, 30))


def _with_used_days(contract) -> Contract:
    """The free days of the year are used."""
    Suspension.objects.create(
        operation=uuid4(),
        contract=contract,
        starts_on=date(2026, 3, 1),
        ends_on=date(2026, 3, 30),
        state=Suspension.State.OVER,
        created_at=NOON,
    )
    return contract


# Cancelling


def test_a_planned_pause_is_cancelled_and_its_days_are_free_again():
    contract = paid()
    pause = plan(contract, date(2026, 11, 21), date(2026, 12, 5))

    for _click in range(2):
        suspension.cancel(pause.pk, now=NOON)
    live(contract, date(2026, 11, 21), date(2026, 11, 23))

    assert (state(contract), lines(contract)) == (ACTIVE, [])
    assert Suspension.objects.get().state == Suspension.State.CANCELLED
    assert Notice.objects.filter(kind="suspension_cancelled").count() == 1
    assert plan(contract, date(2026, 11, 21), date(2026, 12, 31))


def test_one_that_has_begun_is_not_cancelled():
    contract = paid()
    pause = plan(contract, date(2026, 11, 21), date(2026, 12, 5))
    live(contract, date(2026, 11, 21), date(2026, 11, 21))

    with pytest.raises(SuspensionRefused, match=r"has begun already"):
        suspension.cancel(pause.pk, now=at(date(2026, 11, 21)))


# Running


def test_it_begins_at_midnight_and_what_is_paid_for_its_days_comes_back():
    contract = paid()
    plan(contract, date(2026, 11, 21), date(2026, 12, 5))

    suspension.do_due(now=at(date(2026, 11, 21)) - timedelta(minutes=2))
    before = state(contract)
    suspension.do_due(now=at(date(2026, 11, 21)))

    assert (before, state(contract)) == (ACTIVE, WISH)
    assert lines(contract) == [("suspension:back", Decimal("200.00"))]
    assert Notice.objects.get(kind="suspension_began").facts == {"last": "2026-12-05", "returned": "200.00"}


def test_over_a_month_end_the_next_month_is_charged_from_the_return():
    contract = paid()
    plan(contract, date(2026, 11, 21), date(2026, 12, 5))

    live(contract, date(2026, 11, 21), date(2026, 12, 10))

    assert state(contract) == ACTIVE
    assert lines(contract) == [("suspension:back", Decimal("200.00")), ("month:2026-12", Decimal("-503.23"))]
    assert Notice.objects.get(kind="suspension_over").facts == {"charged": "503.23", "missing": ""}
    assert audit.differences() == []


def test_within_a_month_only_its_days_come_back_and_nothing_is_charged_at_the_end():
    contract = paid()
    plan(contract, date(2026, 11, 21), date(2026, 11, 28))

    live(contract, date(2026, 11, 21), date(2026, 11, 30))

    assert (state(contract), lines(contract)) == (ACTIVE, [("suspension:back", Decimal("160.00"))])


def test_to_the_very_end_of_a_month_the_next_is_charged_whole():
    contract = paid()
    plan(contract, date(2026, 11, 21), date(2026, 11, 30))

    live(contract, date(2026, 11, 21), date(2026, 12, 1))

    assert lines(contract) == [("suspension:back", Decimal("200.00")), ("month:2026-12", Decimal("-600.00"))]


def test_a_leap_february_is_paused_whole():
    contract = paid(fee=580, balance=5000)
    now = at(date(2028, 1, 31), 12)
    charged(contract, since=date(2028, 1, 1))
    plan(contract, date(2028, 2, 1), date(2028, 2, 29), now=now)

    live(contract, date(2028, 2, 1), date(2028, 3, 1))

    assert lines(contract)[1:] == [("month:2028-03", Decimal("-580.00"))]
    assert state(contract) == ACTIVE


def test_from_the_middle_of_a_leap_february_each_day_is_a_twenty_ninth():
    contract = paid(fee=580, balance=5000)
    charged(contract, since=date(2028, 2, 1))
    plan(contract, date(2028, 2, 20), date(2028, 2, 28), now=at(date(2028, 2, 10)))

    live(contract, date(2028, 2, 20), date(2028, 3, 1))

    assert lines(contract)[1:] == [("suspension:back", Decimal("180.00"))]


def test_after_thirty_days_of_a_year_each_day_costs_its_fee_and_the_new_year_begins_anew():
    contract = paid(balance=2000)
    plan(contract, date(2026, 11, 21), date(2027, 2, 5))

    live(contract, date(2026, 11, 21), date(2027, 2, 6))

    fees = [key for key, amount in lines(contract) if amount == Decimal(-5)]
    first, second = (
        [f"suspension:2026-12-{day}" for day in range(21, 32)],
        [f"suspension:{date(2027, 1, 31) + timedelta(days=ahead)}" for ahead in range(6)],
    )
    assert fees == first + second
    assert balance(contract) == 2000 + 200 - 17 * 5 - Decimal("492.86")  # 23 of 28 days of February


def test_the_fee_of_a_day_is_posted_on_that_day_though_the_money_is_over():
    contract = _with_used_days(paid(balance=200))
    plan(contract, date(2026, 12, 1), date(2026, 12, 14))
    put(contract.pk, -200)

    live(contract, date(2026, 12, 1), date(2026, 12, 3))

    assert balance(contract) == -15
    assert state(contract) == WISH


def test_a_new_price_counts_from_its_month():
    contract = paid()
    TariffPrice.objects.create(tariff=Subscription.objects.get().tariff, fee=Decimal(930), since=date(2026, 12, 1))
    plan(contract, date(2026, 11, 21), date(2026, 12, 21))

    live(contract, date(2026, 11, 21), date(2026, 12, 22))

    assert lines(contract) == [
        ("suspension:back", Decimal("200.00")),
        ("suspension:2026-12-21", Decimal(-5)),
        ("month:2026-12", Decimal("-300.00")),
    ]


def test_options_and_discounts_are_paused_with_the_tariff_as_lines_of_their_own():
    contract = served(fee=600, balance=5000)
    use = OptionUseFactory(contract=contract, option=OptionFactory(name="TV", fee=90))
    offer = OfferUseFactory(contract=contract, offer=OfferFactory(percent=10), since=date(2026, 11, 1))
    charged(contract)
    plan(contract, date(2026, 11, 21), date(2026, 12, 5))

    live(contract, date(2026, 11, 21), date(2026, 11, 21))

    entries = LedgerEntry.objects.filter(key__startswith="suspension:").order_by("pk")
    assert [(entry.kind, entry.amount, entry.key.partition("back")[2]) for entry in entries] == [
        (EntryKind.REFUND, Decimal(200), ""),
        (EntryKind.REFUND, Decimal(30), f":option:{use.pk}"),
        (EntryKind.REFUND, Decimal(-20), f":offer:{offer.pk}"),
    ]


def test_without_money_for_the_month_the_service_is_off_for_debt_when_the_pause_is_over():
    contract = paid(balance=0)
    plan(contract, date(2026, 11, 21), date(2026, 12, 5))

    live(contract, date(2026, 11, 21), date(2026, 12, 6))

    assert (state(contract), balance(contract)) == (DEBT, 200)
    assert Notice.objects.get(kind="suspension_over").facts == {"charged": "", "missing": "303.23"}
    assert not charges.is_month_charged(contract.pk, date(2026, 12, 6))


def test_a_service_off_for_debt_is_paused_as_planned():
    contract = served(balance=100)
    plan(contract, date(2026, 11, 22), date(2026, 12, 5), now=NOON)
    contracts.suspend_for_debt(contract, now=NOON)

    live(contract, date(2026, 11, 22), date(2026, 11, 22))

    assert (state(contract), lines(contract)) == (WISH, [])


def test_the_pause_of_a_contract_that_ended_before_it_does_not_begin():
    contract = paid()
    plan(contract, date(2026, 11, 21), date(2026, 12, 5))
    contracts.terminate(contract, actor=StaffFactory(), reason="x", ended_on=TODAY, now=NOON)

    live(contract, date(2026, 11, 21), date(2026, 11, 21))

    assert Suspension.objects.get().state == Suspension.State.CANCELLED
    assert lines(contract) == []


def test_a_contract_that_ends_in_its_pause_pays_no_days_after_it():
    contract = _with_used_days(paid())
    plan(contract, date(2026, 11, 21), date(2026, 12, 5))
    live(contract, date(2026, 11, 21), date(2026, 11, 22))
    contracts.terminate(
        contract, actor=StaffFactory(), reason="x", ended_on=date(2026, 11, 22), now=at(date(2026, 11, 22))
    )

    live(contract, date(2026, 11, 23), date(2026, 12, 7))

    assert Suspension.objects.get(starts_on="2026-11-21").state == Suspension.State.OVER
    assert lines(contract)[1:] == [(f"suspension:2026-11-{day}", Decimal(-5)) for day in (21, 22)]
    assert state(contract) == Contract.State.TERMINATED


def test_a_turbo_boost_that_runs_is_stopped_and_its_unused_full_hours_come_back():
    contract = paid()
    package = TurboPackageFactory(family="internet", hours=24, price=240)
    plan(contract, date(2026, 11, 21), date(2026, 12, 5))
    turbo.press(contract.pk, package_id=package.pk, is_free=False, seen_price=Decimal(240), operation=uuid4(), now=NOON)

    suspension.do_due(now=at(date(2026, 11, 21)))

    assert Boost.objects.get().state == Boost.State.STOPPED
    assert LedgerEntry.objects.get(key__startswith="turbo:", amount__gt=0).amount == 110  # 11 full hours of 24


def test_a_switch_planned_before_for_a_day_of_the_pause_is_done_when_the_service_runs_again():
    contract = paid(balance=5000)
    after = TariffFactory(city=contract.city, fee=900)
    switching.plan(contract.pk, tariff_id=after.pk, on=date(2026, 11, 30), operation=uuid4(), now=NOON)
    plan(contract, date(2026, 11, 23), date(2026, 12, 5))

    for day in Span(date(2026, 11, 21), date(2026, 12, 6)).each_day():
        switching.do_due(now=at(day))
        suspension.do_due(now=at(day))

    assert Subscription.objects.get(until=None).tariff == after
    # 8 days of 600 ₽ come back, 26 of 31 of 900 ₽ are paid.
    assert lines(contract) == [("suspension:back", Decimal(160)), ("month:2026-12", Decimal("-754.84"))]


# The tasks


def test_a_pause_that_cannot_be_done_for_a_fault_does_not_keep_the_others_waiting():
    broken, sound = paid(), paid()
    for contract in (broken, sound):
        plan(contract, date(2026, 11, 21), date(2026, 12, 5))
    pause = Suspension.objects.get(contract=broken)
    taken = {"key": f"suspension:{pause.pk}:back", "kind": "charge", "amount": -1, "at": NOON}
    LedgerEntry.objects.create(account_id=broken.pk, **taken)

    suspension.do_due(now=at(date(2026, 11, 21)))

    assert (state(broken), state(sound)) == (ACTIVE, WISH)


def test_repeating_the_task_changes_nothing():
    contract = _with_used_days(paid())
    plan(contract, date(2026, 11, 21), date(2026, 12, 5))

    for day in (date(2026, 11, 21), date(2026, 11, 30), date(2026, 12, 6)):
        first, *again = [suspension.do_due(now=at(day, hour)) for hour in range(3)]
        assert first
        assert again == [0, 0]

    assert len(lines(contract)) == 1 + 15 + 1


def test_a_worker_that_was_down_over_the_first_day_returns_and_charges_the_same():
    contract, late = _with_used_days(paid()), _with_used_days(paid())
    for each in (contract, late):
        plan(each, date(2026, 11, 21), date(2026, 12, 5))

    for day in Span(date(2026, 11, 21), date(2026, 11, 25)).each_day():
        suspension.do_due([contract.pk], now=at(day))
    suspension.do_due([late.pk], now=at(date(2026, 11, 25)))

    assert lines(late) == lines(contract)
    assert len(lines(late)) == 1 + 5


def test_what_changed_while_the_worker_was_down_is_returned_by_its_own_price():
    contract = paid()
    plan(contract, date(2026, 11, 21), date(2026, 12, 5))
    after = TariffFactory(fee=900)
    Subscription.objects.update(until=date(2026, 11, 24))
    Subscription.objects.create(contract=contract, tariff=after, since=date(2026, 11, 24))

    suspension.do_due(now=at(date(2026, 11, 25)))

    assert lines(contract) == [
        ("suspension:back", Decimal("60.00")),
        ("suspension:back:2026-11-24", Decimal("210.00")),
    ]


def test_when_the_month_run_came_before_the_late_beginning_both_months_come_back():
    contract = paid(balance=1000)
    plan(contract, date(2026, 11, 30), date(2026, 12, 10))
    charged(contract, since=date(2026, 12, 1), now=at(date(2026, 12, 1)))

    suspension.do_due(now=at(date(2026, 12, 2)))

    assert lines(contract)[1:] == [
        ("suspension:back", Decimal("20.00")),
        ("suspension:back:2026-12-01", Decimal("193.55")),
    ]


def test_a_worker_that_was_down_at_the_end_returns_what_was_paid_for_the_days_off():
    contract = paid()
    plan(contract, date(2026, 11, 21), date(2026, 11, 27))
    live(contract, date(2026, 11, 21), date(2026, 11, 21))

    suspension.do_due(now=at(date(2026, 11, 30)))

    assert lines(contract)[1:] == [("suspension:late", Decimal("40.00"))]
    assert state(contract) == ACTIVE


def test_a_worker_that_was_down_at_the_end_charges_from_the_day_of_the_return():
    contract = paid()
    plan(contract, date(2026, 11, 21), date(2026, 12, 5))
    live(contract, date(2026, 11, 21), date(2026, 11, 21))

    suspension.do_due(now=at(date(2026, 12, 17)))

    assert lines(contract)[1:] == [("month:2026-12", Decimal("-290.32"))]


def test_a_pause_that_the_worker_missed_whole_costs_nothing_all_the_same():
    contract = paid()
    plan(contract, date(2026, 11, 21), date(2026, 11, 27))

    suspension.do_due(now=at(date(2026, 11, 28)))

    assert lines(contract) == [("suspension:back", Decimal("140.00"))]
    assert state(contract) == ACTIVE


# Ending early


def running(balance=1000, last=date(2026, 12, 5)) -> tuple[Contract, Suspension]:
    """Since 21 November."""
    contract = paid(balance=balance)
    pause = plan(contract, date(2026, 11, 21), last)
    live(contract, date(2026, 11, 21), date(2026, 11, 22))
    return contract, pause


def test_ended_early_in_the_paid_month_the_days_used_after_all_are_charged_again_at_once():
    contract, pause = running()

    for _click in range(2):
        suspension.end_early(pause.pk, now=at(date(2026, 11, 24), 12))
    before = state(contract)
    live(contract, date(2026, 11, 25), date(2026, 11, 27))

    assert (before, state(contract)) == (WISH, ACTIVE)
    assert lines(contract) == [("suspension:back", Decimal(200)), ("suspension:rest", Decimal(-120))]
    assert Suspension.objects.get().ends_on == date(2026, 11, 24)


def test_ended_early_in_the_next_month_the_rest_of_it_is_charged_at_the_return():
    contract, pause = running()

    suspension.end_early(pause.pk, now=at(date(2026, 12, 1), 12))
    live(contract, date(2026, 12, 2), date(2026, 12, 3))

    assert lines(contract) == [("suspension:back", Decimal(200)), ("month:2026-12", Decimal("-580.65"))]


def test_ended_early_on_the_last_day_of_a_month_the_next_is_charged_whole():
    contract, pause = running()

    suspension.end_early(pause.pk, now=at(date(2026, 11, 30), 12))
    live(contract, date(2026, 12, 1), date(2026, 12, 1))

    assert lines(contract) == [("suspension:back", Decimal(200)), ("month:2026-12", Decimal(-600))]


def test_days_that_were_not_used_may_be_planned_again():
    contract, pause = running(last=date(2026, 12, 31))
    suspension.end_early(pause.pk, now=at(date(2026, 11, 24), 12))
    live(contract, date(2026, 11, 25), date(2026, 11, 25))

    again = plan(contract, date(2026, 12, 1), date(2026, 12, 31), now=at(date(2026, 11, 25)))

    assert again.state == Suspension.State.PLANNED


def test_without_the_money_for_the_days_an_early_end_is_refused_with_the_sum():
    contract, pause = running(balance=0)
    put(contract.pk, -150)

    with pytest.raises(SuspensionRefused, match=r"from 25.November cost 120.00\xa0₽, and 70.00\xa0₽ is missing"):
        suspension.end_early(pause.pk, now=at(date(2026, 11, 24), 12))

    assert Suspension.objects.get().ends_on == date(2026, 12, 5)


def test_only_a_running_pause_is_ended_early():
    contract = paid()
    pause = plan(contract, date(2026, 12, 1), date(2026, 12, 31))

    with pytest.raises(SuspensionRefused, match=r"does not run"):
        suspension.end_early(pause.pk, now=NOON)


def test_the_page_knows_what_an_early_end_charges():
    contract, pause = running()
    now = at(date(2026, 11, 24), 12)
    standing = outlook.stand(contract.pk, now=now)
    steps = suspension.ending(Suspension.objects.get(), standing).steps(standing)

    suspension.end_early(pause.pk, now=now)

    assert [(step.amount, step.balance_after) for step in steps] == [(Decimal(-120), balance(contract))]


# Staff


def test_what_staff_do_about_a_pause_is_in_the_journal():
    contract, member = paid(), StaffFactory()
    pause = plan(contract, date(2026, 12, 1), date(2026, 12, 31), made_by=member)

    suspension.cancel(pause.pk, now=NOON, by=member)

    assert pause.made_by == member
    assert [entry.action for entry in journal.of(pause)] == ["pause_cancelled", "pause_planned"]
    assert journal.of(pause)[0].city == contract.city


def test_an_option_row_of_the_month_is_untouched_by_the_pause():
    contract = served(balance=5000)
    OptionUseFactory(contract=contract)
    charged(contract)
    plan(contract, date(2026, 11, 21), date(2026, 12, 5))

    live(contract, date(2026, 11, 21), date(2026, 12, 10))

    use = OptionUse.objects.get()
    assert (use.until, use.ended_at) == (None, None)
    assert sum(entry.amount for entry in LedgerEntry.objects.filter(key__contains=f"option:{use.pk}")) == (
        -100 + Decimal("33.33") - Decimal("83.87")
    )
