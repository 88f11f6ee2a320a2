"""A switch on a day to come: planned, replaced, cancelled, done on its day or after it, or not done."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from accounts.models import Contract, JournalEntry
from accounts.tests.factories import StaffFactory
from billing.models import Account, LedgerEntry
from billing.tests.factories import NOON, put
from notifications.models import Notice
from tariffs import months, picture, pricing, switching
from tariffs.models import Subscription, Switch, Tariff
from tariffs.switching import SwitchRefused
from tariffs.tests.factories import FIRST, LONG_AGO, NEXT, TODAY, TariffFactory, charged, served

pytestmark = pytest.mark.django_db

MID = date(2026, 12, 15)
State = Switch.State


@pytest.fixture
def contract():
    """600 ₽ a month, this one charged; 2,000 ₽ left."""
    contract = served(fee=600, balance=2600)
    charged(contract)
    return contract


@pytest.fixture
def faster(contract):
    return TariffFactory(city=contract.city, fee=900, name="Быстрый", switch_fee=50)


def at(day: date, hour: int = 0, minute: int = 5) -> datetime:
    """A local time of Izhevsk."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=UTC) - timedelta(hours=4)


def plan(contract, tariff, on, *, now=NOON, **options):
    return switching.plan(contract.pk, tariff_id=tariff.pk, on=on, operation=uuid4(), now=now, **options)


def state(switch) -> str:
    switch.refresh_from_db()
    return switch.state


def sums(switch) -> list[Decimal]:
    own = LedgerEntry.objects.filter(key__startswith=f"switch:{switch.pk}:").order_by("pk")
    return [entry.amount for entry in own]


def periods(contract):
    rows = Subscription.objects.filter(contract=contract).order_by("since", "pk")
    return [(row.since, row.until) for row in rows]


def test_money_is_missing_on_the_first_that_comes_before_though_the_switch_gives_some_back(contract):
    put(contract.pk, -1500)  # 500 left, 600 needed on 1 December
    cheaper = TariffFactory(city=contract.city, fee=0)

    ground = switching.ground(contract.pk, now=NOON)
    terms = switching.quote(ground, ground.holding.tariffs[cheaper.pk], switching.When(MID))

    assert terms.steps[-1].balance_after > 0
    assert (terms.missing, terms.missing_on, terms.stops_service) == (Decimal(100), NEXT, True)


# --- Planned, replaced, cancelled


def test_planning_moves_no_money_and_is_told(contract, faster):
    before = LedgerEntry.objects.count()

    switch = plan(contract, faster, MID)

    assert state(switch) == State.PLANNED
    assert LedgerEntry.objects.count() == before
    facts = {"tariff": "Быстрый", "tariff_en": "", "on": "2026-12-15", "staff": False}
    assert Notice.objects.get(kind="switch_planned").facts == facts


def test_another_one_takes_its_place(contract, faster):
    first = plan(contract, faster, MID)

    second = plan(contract, TariffFactory(city=contract.city), NEXT)

    assert (state(first), state(second)) == (State.REPLACED, State.PLANNED)


def test_a_switch_at_once_takes_its_place_too(contract, faster):
    first = plan(contract, faster, MID)
    other = TariffFactory(city=contract.city)

    switching.switch_now(contract.pk, tariff_id=other.pk, operation=uuid4(), now=NOON)

    assert state(first) == State.REPLACED


def test_it_is_cancelled_until_it_happens(contract, faster):
    switch = plan(contract, faster, NEXT)

    for _click in range(2):
        switching.cancel(contract.pk, switch_id=switch.pk, now=NOON)

    assert state(switch) == State.CANCELLED
    assert Notice.objects.filter(kind="switch_cancelled").count() == 1
    assert switching.do_due(now=at(NEXT)) == 0


def test_one_that_has_happened_is_not_cancelled(contract, faster):
    switch = plan(contract, faster, NEXT)
    switching.do_due(now=at(NEXT))

    with pytest.raises(SwitchRefused, match="over"):
        switching.cancel(contract.pk, switch_id=switch.pk, now=at(NEXT, 12))


def test_one_of_another_contract_is_not_found(contract, faster):
    switch = plan(contract, faster, NEXT)

    with pytest.raises(SwitchRefused, match="no such switch"):
        switching.cancel(served().pk, switch_id=switch.pk, now=NOON)


def test_what_staff_have_planned_only_staff_cancel(contract, faster):
    staff = StaffFactory()
    switch = plan(contract, faster, NEXT, by=staff)

    with pytest.raises(SwitchRefused, match=r"operator has planned.*call us"):
        switching.cancel(contract.pk, switch_id=switch.pk, now=NOON)
    switching.cancel(contract.pk, switch_id=switch.pk, now=NOON, by=staff)

    assert state(switch) == State.CANCELLED
    assert list(JournalEntry.objects.order_by("pk").values_list("action", "actor")) == [
        ("switch_planned", staff.pk),
        ("switch_cancelled", staff.pk),
    ]


# --- Done


def test_from_the_first_it_is_free_and_the_month_takes_it_in(contract, faster):
    switch = plan(contract, faster, NEXT)

    assert switching.do_due(now=at(NEXT)) == 1
    charged(contract, since=NEXT, now=at(NEXT))

    assert (state(switch), sums(switch)) == (State.DONE, [])
    assert periods(contract) == [(LONG_AGO, NEXT), (NEXT, None)]
    assert LedgerEntry.objects.get(key=f"month:{contract.pk}:2026-12").amount == -900


def test_from_the_first_money_for_the_month_is_the_months_own_matter(contract, faster):
    put(contract.pk, -2000)
    switch = plan(contract, faster, NEXT)

    switching.do_due(now=at(NEXT))

    assert state(switch) == State.DONE


def test_within_a_month_the_days_are_split_and_the_fee_is_paid(contract, faster):
    switch = plan(contract, faster, MID)
    charged(contract, since=NEXT, now=at(NEXT))

    switching.do_due(now=at(MID))

    assert sums(switch) == [Decimal("329.03"), Decimal("-493.55"), Decimal("-50.00")]  # 17 of 31 days
    assert periods(contract) == [(LONG_AGO, MID), (MID, None)]


def test_nothing_is_done_before_its_day_nor_twice(contract, faster):
    switch = plan(contract, faster, NEXT)

    done = [switching.do_due(now=moment) for moment in (at(NEXT) - timedelta(minutes=6), at(NEXT), at(NEXT, 1))]

    assert done == [0, 1, 0]
    assert state(switch) == State.DONE


def test_after_downtime_a_month_that_is_not_charged_is_switched_from_its_day(contract, faster):
    plan(contract, faster, NEXT)

    switching.do_due(now=at(date(2026, 12, 3)))

    assert periods(contract) == [(LONG_AGO, NEXT), (NEXT, None)]


def test_after_downtime_a_charged_month_is_split_from_today_on(contract, faster):
    switch = plan(contract, faster, NEXT)
    charged(contract, since=NEXT, now=at(NEXT))

    switching.do_due(now=at(date(2026, 12, 3)))

    assert sums(switch) == [Decimal("561.29"), Decimal("-841.94")]  # 29 of 31 days, still free
    assert periods(contract) == [(LONG_AGO, date(2026, 12, 3)), (date(2026, 12, 3), None)]


def test_after_downtime_over_a_month_end_no_day_of_a_charged_month_is_lost(contract, faster):
    plan(contract, faster, MID)
    charged(contract, since=NEXT, now=at(NEXT))

    switching.do_due(now=at(date(2027, 1, 1)))

    assert periods(contract)[-1] == (date(2027, 1, 1), None)


@pytest.mark.parametrize("on", [date(2028, 2, 29), date(2028, 1, 31), date(2028, 3, 1)])
def test_a_leap_day_and_a_last_day_are_days_as_others(on):
    contract = served(fee=600, balance=5000)
    now = at(date(2028, 1, 15), 12)
    charged(contract, since=date(2028, 1, 1), now=now)
    switch = plan(contract, TariffFactory(city=contract.city, fee=900), on, now=now)
    for ahead in range(1, on.month):
        charged(contract, since=date(2028, ahead + 1, 1), now=at(date(2028, ahead + 1, 1)))

    switching.do_due(now=at(on))

    days = {29: 29, 31: 31, 1: 31}[on.day]
    share = [round(Decimal(fee) * (days - on.day + 1) / days, 2) for fee in (600, -900)]
    assert (state(switch), sums(switch)) == (State.DONE, share)


@pytest.mark.parametrize("on", [NEXT, MID, date(2027, 1, 1), date(2027, 1, 19)])
def test_the_preview_of_a_day_to_come_is_what_is_posted_until_then(contract, faster, on):
    put(contract.pk, 5000)
    ground = switching.ground(contract.pk, now=NOON)
    seen = switching.quote(ground, ground.holding.tariffs[faster.pk], switching.When(on))
    last = LedgerEntry.objects.latest("pk").pk
    plan(contract, faster, on, seal=seen.seal)

    for day in (NEXT, MID, date(2027, 1, 1), date(2027, 1, 19)):
        switching.do_due(now=at(day))
        if day.day == 1 and day <= on:
            charged(contract, since=day, now=at(day, 0, 10))

    posted = LedgerEntry.objects.filter(pk__gt=last).order_by("pk")
    assert [(e.kind, e.amount, e.title) for e in posted] == [
        (s.line.kind, s.line.amount, s.line.title) for s in seen.steps
    ]
    assert Account.objects.get(pk=contract.pk).balance == seen.steps[-1].balance_after


# --- Not done


def failure(contract) -> tuple[str, dict]:
    return Switch.objects.get(contract=contract).failure, Notice.objects.get(kind="switch_failed").facts


def test_without_the_money_on_its_day_it_is_not_done_and_the_sum_is_told(contract, faster):
    switch = plan(contract, faster, MID)
    charged(contract, since=NEXT, now=at(NEXT))
    put(contract.pk, -1300)  # 100 left, 214.52 needed

    switching.do_due(now=at(MID))

    assert (state(switch), sums(switch)) == (State.FAILED, [])
    assert failure(contract)[0] == "money:114.52"
    assert failure(contract)[1]["sum"] == "114.52"
    assert periods(contract) == [(LONG_AGO, None)]
    assert switching.do_due(now=at(MID, 1)) == 0


def test_in_debt_on_its_day_it_is_not_done(contract, faster):
    plan(contract, faster, MID)
    put(contract.pk, -2100)
    Contract.objects.update(state=Contract.State.SUSPENDED_FOR_DEBT)

    switching.do_due(now=at(MID))

    assert failure(contract)[0] == "debt:429.03"  # 100 ₽ and 17 days of the old tariff


def test_a_tariff_that_was_put_into_the_archive_is_not_switched_to(contract, faster):
    plan(contract, faster, NEXT)
    Tariff.objects.filter(pk=faster.pk).update(is_archived=True)

    switching.do_due(now=at(NEXT))

    assert failure(contract)[0] == "archived"


def test_a_paused_contract_keeps_its_plan_until_it_runs(contract, faster):
    switch = plan(contract, faster, NEXT)
    Contract.objects.update(state=Contract.State.SUSPENDED_BY_WISH)

    assert switching.do_due(now=at(NEXT)) == 0
    Contract.objects.update(state=Contract.State.ACTIVE)
    assert switching.do_due(now=at(MID)) == 1

    assert state(switch) == State.DONE


def test_a_contract_that_is_about_to_return_waits_for_it(contract, faster):
    switch = plan(contract, faster, MID)
    charged(contract, since=NEXT, now=at(NEXT))
    Contract.objects.update(state=Contract.State.SUSPENDED_FOR_DEBT)

    assert switching.do_due(now=at(MID)) == 0
    assert state(switch) == State.PLANNED


def test_a_contract_that_ended_meanwhile_is_not_switched(contract, faster):
    plan(contract, faster, NEXT)
    Contract.objects.update(state=Contract.State.TERMINATED, ended_on=TODAY)

    switching.do_due(now=at(NEXT))

    assert failure(contract)[0] == "ended"


def test_a_fault_with_one_contract_does_not_keep_the_others(contract, faster, monkeypatch):
    other = served(balance=1000)
    switches = [plan(each, faster, NEXT) for each in (contract, other)]
    stand = switching.ground
    monkeypatch.setattr(switching, "ground", lambda pk, **options: 1 / 0 if pk == contract.pk else stand(pk, **options))

    assert switching.do_due(now=at(NEXT)) == 1
    assert [state(switch) for switch in switches] == [State.PLANNED, State.DONE]


@pytest.mark.parametrize("bound", [lambda pk: range(pk, pk + 1), lambda pk: [pk]], ids=["range", "list"])
def test_the_month_run_does_those_of_its_range(contract, faster, bound):
    other = served(balance=1000)
    switches = [plan(each, faster, NEXT) for each in (contract, other)]

    assert switching.do_due(now=at(NEXT), contract_ids=bound(contract.pk)) == 1
    assert [state(switch) for switch in switches] == [State.DONE, State.PLANNED]


def test_the_picture_of_the_day_has_the_new_tariff(contract, faster):
    plan(contract, faster, NEXT)
    switching.do_due(now=at(NEXT))

    assert [pricing.monthly(picture.of(contract.pk, day)) for day in (FIRST, NEXT)] == [600, 900]


# --- With the month run


def run_month(now):
    months.begin(now=now)
    for range_id in months.take_waiting(now=now):
        months.charge(range_id, clock=lambda: now)


def test_the_month_run_charges_the_tariff_that_begins_with_its_month(contract, faster):
    switch = plan(contract, faster, NEXT)

    run_month(at(NEXT, 0, 10))

    assert (state(switch), sums(switch)) == (State.DONE, [])
    entry = LedgerEntry.objects.get(key=f"month:{contract.pk}:2026-12")
    assert (entry.amount, entry.title) == (-900, "Быстрый")


def test_a_switch_after_the_month_run_splits_what_it_charged(contract, faster):
    switch = plan(contract, faster, MID)

    run_month(at(NEXT, 0, 10))
    switching.do_due(now=at(MID))

    assert sums(switch) == [Decimal("329.03"), Decimal("-493.55"), Decimal("-50.00")]
