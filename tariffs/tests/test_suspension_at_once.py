"""Pauses asked for and done by many at the same moment, and by workers that die on the way."""

from datetime import date, datetime, time, timedelta
from itertools import count
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Contract
from accounts.tests.at_once import at_once
from billing import audit
from billing.models import Account, LedgerEntry
from billing.tests.factories import NOON
from notifications.models import Notice
from tariffs import months, suspension
from tariffs.models import Suspension
from tariffs.suspension import SuspensionRefused
from tariffs.tests.factories import charged, served

pytestmark = pytest.mark.django_db(transaction=True)

FIRST, LAST = date(2026, 11, 21), date(2026, 12, 5)


def at(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(0, 1)))


def paid() -> Contract:
    contract = served(balance=2000)
    charged(contract)
    # The free days of the year are used: each day has its line.
    Suspension.objects.create(
        operation=uuid4(),
        contract=contract,
        starts_on="2026-03-01",
        ends_on="2026-03-30",
        state="over",
        created_at=NOON,
    )
    return contract


def plan(contract, operation=None) -> Suspension:
    return suspension.plan(contract.pk, first=FIRST, last=LAST, operation=operation or uuid4(), now=NOON)


def keys(contract) -> list[str]:
    own = LedgerEntry.objects.filter(account=contract.pk, key__startswith="suspension:")
    return sorted(own.values_list("key", flat=True))


def test_of_many_requests_at_once_one_pause_is_planned():
    contract, click = paid(), uuid4()

    answers = at_once(8, lambda number: plan(contract, click if number % 2 else None))

    assert Suspension.objects.filter(state="planned").count() == 1
    assert all(isinstance(answer, Suspension | SuspensionRefused) for answer in answers)
    assert Notice.objects.count() == 1


def test_many_workers_begin_it_once_and_charge_each_day_once():
    contract = paid()
    pause = plan(contract)

    at_once(6, lambda _number: suspension.do_due(now=at(date(2026, 11, 23))))

    days = [f"suspension:{pause.pk}:2026-11-{day}" for day in (21, 22, 23)]
    assert keys(contract) == sorted([f"suspension:{pause.pk}:back", *days])
    assert audit.differences() == []


def test_a_cancel_and_the_beginning_at_once_are_one_or_the_other():
    contract = paid()
    pause = plan(contract)

    at_once(
        6,
        lambda number: suspension.cancel(pause.pk, now=at(FIRST)) if number % 2 else suspension.do_due(now=at(FIRST)),
    )

    pause.refresh_from_db()
    state = Contract.objects.get(pk=contract.pk).state
    assert (pause.state, state) in {("cancelled", "active"), ("running", "wish")}
    assert bool(keys(contract)) == (pause.state == "running")


def test_many_early_ends_charge_the_days_once():
    contract = paid()
    pause = plan(contract)
    suspension.do_due(now=at(FIRST))

    at_once(6, lambda _number: suspension.end_early(pause.pk, now=at(date(2026, 11, 23))))
    suspension.do_due(now=at(date(2026, 11, 24)))

    assert [key for key in keys(contract) if key.endswith("rest")] == [f"suspension:{pause.pk}:rest"]
    assert Contract.objects.get(pk=contract.pk).state == "active"


def test_a_pause_from_the_1st_and_the_month_run_at_once_cost_nothing():
    contract = served(balance=2000)
    charged(contract)
    suspension.plan(contract.pk, first=date(2026, 12, 1), last=LAST + timedelta(days=9), operation=uuid4(), now=NOON)
    now = at(date(2026, 12, 1)) + timedelta(minutes=10)
    months.begin(now=now)
    ranges = months.take_waiting(now=now)

    at_once(
        6,
        lambda number: (
            [months.charge(each, clock=lambda: now) for each in ranges] if number % 2 else suspension.do_due(now=now)
        ),
    )

    assert Account.objects.get(pk=contract.pk).balance == 1400
    assert Contract.objects.get(pk=contract.pk).state == "wish"
    assert audit.differences() == []


class Killed(BaseException):
    """A death is nothing that a task could catch."""


@pytest.mark.parametrize("day", [date(2026, 11, 23), date(2026, 12, 6)])
def test_a_worker_killed_at_any_statement_leaves_what_the_next_one_ends(day):
    whole, torn = paid(), paid()
    for contract in (whole, torn):
        plan(contract)
    suspension.do_due([whole.pk], now=at(day))

    deaths = next(statement for statement in count() if not _dies_at(statement, torn, day))

    assert deaths > 10
    numberless = [[key.split(":", 2)[2] for key in keys(contract)] for contract in (whole, torn)]
    assert numberless[0] == numberless[1]
    assert Contract.objects.get(pk=torn.pk).state == Contract.objects.get(pk=whole.pk).state
    assert Notice.objects.filter(contract=torn).count() == Notice.objects.filter(contract=whole).count()
    assert audit.differences() == []


def _dies_at(statement: int, contract, day: date) -> bool:
    """Whether a worker that is killed before its statement of this number came to it."""
    numbers = count()

    def before(execute, *asked):
        if next(numbers) == statement:
            raise Killed
        return execute(*asked)

    try:
        with connection.execute_wrapper(before):
            suspension.do_due([contract.pk], now=at(day))
    except Killed:
        return True
    return False
