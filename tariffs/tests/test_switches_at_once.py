"""Clicks and tasks at the same moment, on real connections: one switch, charged once."""

from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest

from accounts.tests.at_once import at_once
from billing.models import Account, LedgerEntry
from billing.tests.factories import NOON
from tariffs import months, switching
from tariffs.models import MonthRange, Subscription, Switch
from tariffs.switching import SwitchRefused
from tariffs.tests.factories import NEXT, TariffFactory, charged, served

pytestmark = pytest.mark.django_db(transaction=True)

CLICKS = 8
MIDNIGHT = NOON + timedelta(days=10, hours=12, minutes=5)


@pytest.fixture
def contract():
    contract = served(fee=600, balance=5600)
    charged(contract)
    return contract


@pytest.fixture
def tariffs(contract):
    return TariffFactory.create_batch(CLICKS, city=contract.city, fee=900, switch_fee=50)


def balance(contract):
    return Account.objects.get(pk=contract.pk).balance


def test_many_clicks_of_one_form_are_one_switch(contract, tariffs):
    operation = uuid4()

    switches = at_once(
        CLICKS,
        lambda _n: switching.switch_now(contract.pk, tariff_id=tariffs[0].pk, operation=operation, now=NOON).pk,
    )

    assert len(set(switches)) == 1
    assert balance(contract) == 5000 + 220 - 330 - 50


def test_of_many_switches_at_once_one_is_done_and_the_others_say_why_not(contract, tariffs):
    answers = at_once(
        CLICKS,
        lambda n: switching.switch_now(contract.pk, tariff_id=tariffs[n].pk, operation=uuid4(), now=NOON).state,
    )

    assert Counter(answer if isinstance(answer, str) else type(answer) for answer in answers) == {
        "done": 1,
        SwitchRefused: CLICKS - 1,
    }
    assert Subscription.objects.filter(contract=contract, until=None).count() == 1
    assert balance(contract) == 5000 + 220 - 330 - 50


def test_of_many_plans_the_last_one_stands(contract, tariffs):
    at_once(
        CLICKS,
        lambda n: switching.plan(contract.pk, tariff_id=tariffs[n].pk, on=NEXT, operation=uuid4(), now=NOON).pk,
    )

    states = Counter(Switch.objects.values_list("state", flat=True))
    assert states == {"planned": 1, "replaced": CLICKS - 1}


def test_many_workers_do_a_planned_switch_once(contract, tariffs):
    plan = switching.plan(
        contract.pk, tariff_id=tariffs[0].pk, on=NOON.date() + timedelta(days=5), operation=uuid4(), now=NOON
    )

    done = at_once(CLICKS, lambda _n: switching.do_due(now=NOON + timedelta(days=5)))

    assert Counter(done) == {0: CLICKS - 1, 1: 1}
    assert LedgerEntry.objects.filter(key__startswith=f"switch:{plan.pk}:").count() == 3


def test_a_cancellation_at_its_moment_either_comes_in_time_or_does_not(contract, tariffs):
    plan = switching.plan(contract.pk, tariff_id=tariffs[0].pk, on=NEXT, operation=uuid4(), now=NOON)

    def act(number: int) -> str:
        if number % 2:
            return str(switching.do_due(now=MIDNIGHT))
        return str(switching.cancel(contract.pk, switch_id=plan.pk, now=MIDNIGHT).state)

    at_once(CLICKS, act)

    plan.refresh_from_db()
    is_new = Subscription.objects.get(contract=contract, until=None).tariff_id == tariffs[0].pk
    assert (plan.state == "done") == is_new
    assert plan.state in ("done", "cancelled")


def test_a_switch_during_the_month_run_costs_the_same_before_and_after_it(contract, tariffs):
    midnight = MIDNIGHT + timedelta(minutes=5)
    months.begin(now=midnight)
    [range_id] = months.take_waiting(now=midnight)

    def act(number: int) -> object:
        if number % 2:
            return months.charge(range_id, clock=lambda: midnight)
        return switching.switch_now(
            contract.pk, tariff_id=tariffs[number].pk, operation=uuid4(), now=midnight
        ).tariff_id

    at_once(CLICKS, act)

    assert MonthRange.objects.get().done_at is not None
    assert Switch.objects.filter(state="done").count() == 1
    assert LedgerEntry.objects.filter(key=f"month:{contract.pk}:2026-12").count() == 1
    assert balance(contract) == 5000 - 900 - 50
