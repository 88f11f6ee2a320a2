"""The month run: each active contract is charged once, or stops."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings

from accounts import journal
from accounts.models import Contract
from accounts.tests.at_once import at_once
from accounts.tests.factories import ContractFactory, StaffFactory
from billing import audit, charges, outlook
from billing.models import Account, EntryKind, LedgerEntry
from billing.tests.factories import PromisedPaymentFactory, account_of, put
from notifications.models import Notice
from tariffs import months, picture, pricing, switching, tasks
from tariffs.models import MonthRange, MonthRun, Subscription, Suspension, TariffPrice
from tariffs.tests.factories import (
    LONG_AGO,
    NEXT,
    OfferUseFactory,
    OptionFactory,
    OptionUseFactory,
    TariffFactory,
    served,
)
from tariffs.tests.test_fees import CASES, generated, planned

ACTIVE, DEBT = Contract.State.ACTIVE, Contract.State.SUSPENDED_FOR_DEBT
MIDNIGHT = datetime(2026, 11, 30, 20, tzinfo=UTC)  # in Izhevsk 1 December has begun
TEN_PAST = MIDNIGHT + timedelta(minutes=10)
pytestmark = pytest.mark.django_db


def run(now=TEN_PAST) -> MonthRun:
    """The month run of `now`, all of it."""
    begun = months.begin(now=now)
    for range_id in months.take_waiting(now=now):
        months.charge(range_id, clock=lambda: now)
    begun.refresh_from_db()
    return begun


def december(contract) -> list[tuple]:
    entries = LedgerEntry.objects.filter(account=contract.pk, key__startswith=f"month:{contract.pk}:2026-12")
    return [
        (entry.key.partition("2026-12")[2], entry.kind, entry.amount, entry.title) for entry in entries.order_by("pk")
    ]


def state_of(contract) -> str:
    return Contract.objects.get(pk=contract.pk).state


def balance_of(contract) -> Decimal:
    return Account.objects.get(pk=contract.pk).balance


# When


def test_it_begins_at_ten_past_midnight_of_the_first():
    served()

    assert months.begin(now=TEN_PAST - timedelta(seconds=1)) is None
    assert months.begin(now=TEN_PAST).month == NEXT


def test_after_a_downtime_it_begins_on_any_day_of_the_month_and_charges_it_whole():
    contract = served(fee=600, balance=600)

    run(TEN_PAST + timedelta(days=2))

    assert december(contract) == [("", "month", -600, contract.subscriptions.get().tariff.name)]


def test_the_run_of_a_month_is_made_once():
    served()

    assert months.begin(now=TEN_PAST) == months.begin(now=TEN_PAST + timedelta(days=3))
    assert MonthRange.objects.count() == 1


def test_ranges_have_no_gaps_and_hold_so_many_contracts_each(monkeypatch):
    monkeypatch.setattr(months, "CONTRACTS_A_RANGE", 2)
    contracts = [served() for _number in range(5)]
    contracts[2].subscriptions.all().delete()

    months.begin(now=TEN_PAST)

    ranges = list(MonthRange.objects.values_list("first", "last"))
    assert len(ranges) == 3
    assert (ranges[0][0], ranges[-1][1]) == (contracts[0].pk, contracts[-1].pk)
    assert all(last + 1 == first for (_first, last), (first, _last) in pairwise(ranges))


# Who is charged what


def test_a_month_is_charged_line_by_line():
    contract = served(fee=600, balance=1000, name="Дом 100")
    use = OptionUseFactory(contract=contract, quantity=2, option=OptionFactory(name="Приставка", fee=100))
    taken = OfferUseFactory(contract=contract, offer__name="Половина")

    done = run()

    assert december(contract) == [
        ("", "month", -600, "Дом 100"),
        (f":option:{use.pk}", "month", -200, "Приставка × 2"),
        (f":offer:{taken.pk}", "discount", 300, "Половина"),
    ]
    assert balance_of(contract) == 500
    of = done.ranges.get()
    assert (done.state, of.charged, of.total, of.suspended) == (MonthRun.State.DONE, 1, 500, 0)


@pytest.mark.parametrize(("short", "state"), [("0", ACTIVE), ("0.01", DEBT)])
def test_a_kopeck_decides(short, state):
    contract = served(fee=600, balance=600 - Decimal(short))

    run()

    assert state_of(contract) == state
    assert len(december(contract)) == (state == ACTIVE)


def test_who_cannot_pay_stops_uncharged_is_told_and_stands_in_the_journal():
    contract = served(fee=600, balance="599.99")

    done = run()

    notice = Notice.objects.get()
    assert (notice.contract_id, notice.kind, notice.facts) == (contract.pk, "service_stopped", {"missing": "0.01"})
    assert [(row.action, row.changes) for row in journal.of(contract)] == [
        ("suspended_for_debt", {"state": ["active", "debt"]})
    ]
    assert (done.ranges.get().suspended, done.ranges.get().charged) == (1, 0)


def test_credit_and_an_open_promise_are_money():
    on_credit = served(fee=600)
    account_of(on_credit, credit_limit=600)
    on_promise = served(fee=600)
    PromisedPaymentFactory(account=account_of(on_promise), amount=600, due_at=TEN_PAST + timedelta(days=1))
    too_late = served(fee=600)
    PromisedPaymentFactory(account=account_of(too_late), amount=600, due_at=TEN_PAST)

    run()

    assert [state_of(each) for each in (on_credit, on_promise, too_late)] == [ACTIVE, ACTIVE, DEBT]
    assert balance_of(on_credit) == -600


@pytest.mark.parametrize("state", [state for state in Contract.State if state != ACTIVE])
def test_a_service_that_is_off_is_not_charged(state):
    ended_on = date(2026, 11, 1) if state == Contract.State.TERMINATED else None
    contract = served(balance=600, contract=ContractFactory(state=state, ended_on=ended_on, started_on=LONG_AGO))

    run()

    assert (december(contract), state_of(contract)) == ([], state)


def test_a_contract_without_a_tariff_and_a_free_one_go_on_for_nothing():
    bare, free = ContractFactory(), served(fee=0)

    run()

    assert (december(bare), december(free), state_of(bare), state_of(free)) == ([], [], ACTIVE, ACTIVE)


def test_under_a_free_tariff_the_first_paid_option_opens_the_month():
    contract = served(fee=0, balance=500)
    OptionUseFactory(contract=contract, option=OptionFactory(fee=0))
    OptionUseFactory(contract=contract, option=OptionFactory(name="Статический IP", fee=100))
    second = OptionUseFactory(contract=contract, option=OptionFactory(name="Приставка", fee=50))

    run()

    assert december(contract) == [
        ("", "month", -100, "Статический IP"),
        (f":option:{second.pk}", "month", -50, "Приставка"),
    ]
    assert charges.is_month_charged(contract.pk, NEXT)


def test_an_offer_that_takes_everything_off_still_shows_both_lines():
    contract = served(fee=600)
    OfferUseFactory(contract=contract, offer__percent=100)

    run()

    assert [amount for _key, _kind, amount, _title in december(contract)] == [-600, 600]
    assert state_of(contract) == ACTIVE


def test_a_month_charged_already_is_left_alone_whatever_it_was_charged():
    contract = served(fee=600, balance=1000)
    OptionUseFactory(contract=contract)
    put_by_days = pricing.month_lines(picture.of(contract.pk, NEXT), NEXT)[:1]
    charges.post(contract.pk, put_by_days, now=MIDNIGHT)

    assert run().ranges.get().charged == 0
    assert (len(december(contract)), state_of(contract)) == (1, ACTIVE)


def test_a_tariff_that_began_within_the_month_is_left_to_whoever_gave_it():
    contract = served(fee=600, balance=1000)
    Subscription.objects.update(since=date(2026, 12, 2))

    run(TEN_PAST + timedelta(days=2))

    assert december(contract) == []


def test_the_new_price_of_the_month_is_charged():
    contract = served(fee=600, balance=1000)
    TariffPrice.objects.create(tariff=contract.subscriptions.get().tariff, fee=650, since=NEXT)

    run()

    assert balance_of(contract) == 350


def test_an_offer_that_ends_on_the_29th_of_february_is_not_in_march():
    contract = served(fee=600, balance=2000)
    OfferUseFactory(contract=contract, since=date(2028, 2, 1), until=date(2028, 3, 1))

    run(datetime(2028, 1, 31, 20, 10, tzinfo=UTC))
    run(datetime(2028, 2, 29, 20, 10, tzinfo=UTC))

    assert balance_of(contract) == 2000 - 300 - 600


def test_a_stop_left_over_from_a_month_that_is_past_is_charged_for_its_own_month():
    contract = served(fee=600, balance=1000)
    months.begin(now=TEN_PAST)

    run(datetime(2027, 1, 1, 0, 10, tzinfo=UTC))

    keys = (
        LedgerEntry.objects.filter(account=contract.pk, kind=EntryKind.MONTH)
        .order_by("pk")
        .values_list("key", flat=True)
    )
    assert list(keys) == [f"month:{contract.pk}:2026-12"]  # there was no money for January
    assert state_of(contract) == DEBT


# What is due on the 1st comes first


def test_a_switch_planned_for_the_first_is_done_before_the_charge():
    contract = served(fee=600, balance=1000)
    switch = planned(contract, TariffFactory(city=contract.city, name="Дом 500", fee=900), NEXT)

    run()

    switch.refresh_from_db()
    assert switch.state == switch.State.DONE
    assert december(contract) == [("", "month", -900, "Дом 500")]


def test_a_pause_that_begins_on_the_first_is_not_charged():
    contract = served(fee=600, balance=1000)
    Suspension.objects.create(
        operation=uuid4(),
        contract=contract,
        starts_on=NEXT,
        ends_on=NEXT + timedelta(days=9),
        created_at=MIDNIGHT,
    )

    run()

    assert (december(contract), state_of(contract)) == ([], Contract.State.SUSPENDED_BY_WISH)


# As quoted


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=CASES)
def test_what_is_foreseen_is_what_is_posted(case):
    with transaction.atomic():
        contract, _new = generated(case)
        put(contract.pk, 10_000)
        expected = outlook.stand(contract.pk, now=MIDNIGHT - timedelta(days=3)).lines(NEXT)

        run()

        entries = LedgerEntry.objects.filter(account=contract.pk, key__contains="2026-12").order_by("pk")
        assert [(line.key, line.kind, line.amount, line.title) for line in expected] == [
            (entry.key, entry.kind, entry.amount, entry.title) for entry in entries
        ]
        transaction.set_rollback(True)


# Repeats, deaths, two at once


def test_a_range_done_is_not_done_again():
    served(balance=2000)
    run()
    done = MonthRange.objects.get()

    assert not months.charge(done.pk, clock=lambda: TEN_PAST)
    assert months.take_waiting(now=TEN_PAST + timedelta(days=1)) == []


def test_a_range_is_given_out_once_until_its_worker_is_surely_dead():
    served()
    months.begin(now=TEN_PAST)
    later = TEN_PAST + months.SENT_AGAIN_AFTER

    assert len(months.take_waiting(now=TEN_PAST)) == 1
    assert months.take_waiting(now=later) == []
    assert len(months.take_waiting(now=later + timedelta(seconds=1))) == 1


def test_staff_send_the_ranges_that_hang_again():
    served()
    hung, by = months.begin(now=TEN_PAST), StaffFactory()
    months.take_waiting(now=TEN_PAST)

    assert months.send_again(hung.pk, by=by, now=TEN_PAST) == 1
    assert len(months.take_waiting(now=TEN_PAST)) == 1
    assert [row.action for row in journal.of(hung)] == ["month_ranges_sent_again"]


@pytest.mark.django_db(transaction=True)
def test_a_range_that_fails_leaves_nothing_and_is_done_by_the_next(monkeypatch):
    contract = served(fee=600, balance=600)
    served(fee=600)
    with monkeypatch.context() as broken:
        broken.setattr(months.outbox, "tell_many", lambda *_args, **_facts: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run()
    assert (december(contract), MonthRange.objects.filter(done_at=None).count()) == ([], 1)

    run(TEN_PAST + timedelta(hours=1))

    assert len(december(contract)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_charge_once(monkeypatch):
    monkeypatch.setattr(months, "CONTRACTS_A_RANGE", 3)
    contracts = [served(fee=600, balance=600 * (number % 2)) for number in range(12)]

    def act(_number):
        months.begin(now=TEN_PAST)
        return [months.charge(pk, clock=lambda: TEN_PAST) for pk in MonthRange.objects.values_list("pk", flat=True)]

    done = at_once(4, act)

    assert sum(map(sum, done)) == 4
    assert [len(december(contract)) for contract in contracts] == [0, 1] * 6
    assert not audit.differences()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("attempt", range(3))
def test_a_switch_during_the_run_pays_one_fee_for_each_day(attempt):
    contract = served(fee=600, balance=2000)
    dearer = TariffFactory(city=contract.city, fee=900)
    months.begin(now=TEN_PAST)
    [range_id] = months.take_waiting(now=TEN_PAST)
    acts = [
        lambda: months.charge(range_id, clock=lambda: TEN_PAST),
        lambda: switching.switch_now(contract.pk, tariff_id=dearer.pk, operation=uuid4(), now=TEN_PAST),
    ]

    done = at_once(2, lambda number: acts[number]())

    assert not [each for each in done if isinstance(each, Exception)]
    assert balance_of(contract) == 2000 - 900  # since the first day of the month, whoever came first


@pytest.mark.django_db(transaction=True)
def test_the_task_begins_the_run_and_sends_its_ranges(monkeypatch):
    contract = served(fee=600, balance=600)
    sent = []
    monkeypatch.setattr(tasks.timezone, "now", lambda: TEN_PAST)
    monkeypatch.setattr(tasks.charge_month_range, "delay", lambda **given: sent.append(given))

    tasks.begin_month()
    tasks.begin_month()
    for given_ in sent:
        tasks.charge_month_range(**given_)

    assert (len(sent), len(december(contract))) == (1, 1)


def test_the_number_of_queries_does_not_grow_with_the_contracts():
    counts = []
    for month in (12, 13):
        for _number in range(3):
            served(fee=600, balance=600)
        now = datetime(2026, 11, 30, 20, 10, tzinfo=UTC) + timedelta(days=31 * (month - 12))
        months.begin(now=now)
        [range_id] = months.take_waiting(now=now)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            months.charge(range_id, clock=lambda now=now: now)
        counts.append(len(queries))

    assert counts[0] == counts[1] or counts[1] - counts[0] <= 4  # those that stop are told
