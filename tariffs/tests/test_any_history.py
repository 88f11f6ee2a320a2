"""Whatever a subscriber does for three years: balances are sums, no day is paid twice, what was shown is posted."""

import os
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from billing import audit, charges
from billing.charges import Line
from billing.models import EntryKind
from tariffs.models import OfferUse, Suspension
from tariffs.suspension_days import Span
from tariffs.tests import paid_days
from tariffs.tests.history import Life, undone

# A few in each run; HISTORIES=200 to look for longer.
HISTORIES = int(os.environ.get("HISTORIES", "3"))
PHASES = (Phase.explicit, Phase.generate)  # shrinking a history of years takes hours
YEARS = 3
ACTS = (
    *("top_up", "top_up", "top_up", "spend", "new_price"),
    *("switch_now", "switch_now", "switch_later", "switch_later", "cancel_switch"),
    *("option", "option", "option_off", "option_keep", "offer", "offer", "turbo", "turbo_stop"),
    *("pause", "pause", "pause", "cancel_pause", "end_pause", "end_pause"),
)
STEPS = st.tuples(st.integers(0, 20), st.sampled_from(ACTS), st.integers(0, 60))


@pytest.mark.django_db
@settings(max_examples=HISTORIES, deadline=None, phases=PHASES, derandomize="HISTORIES" not in os.environ)
@given(
    start=st.sampled_from([date(2026, 1, 1), date(2026, 11, 1), date(2027, 2, 1)]),
    fees=st.lists(st.decimals(10, 1500, places=2), min_size=3, max_size=3),
    steps=st.lists(STEPS, min_size=50, max_size=100),
)
def test_any_history_of_a_contract_adds_up(start, fees, steps):
    with undone():
        life = Life(start, fees)

        for days, name, number in steps:
            if (life.today - start).days > YEARS * 365:
                break
            life.pass_days(days)
            life.act(name, number)
        life.pass_days(40)

        assert audit.differences() == []
        assert_no_day_is_paid_twice(life)
        assert_parts_add_up(life)
        assert_days_follow_the_service(life)


def assert_no_day_is_paid_twice(life):
    paid = paid_days.read(life.contract.pk, life.asked)
    days = {day for held in paid.tariffs.values() for day in held}
    twice = {day: paid.of_day(day) for day in days if sorted(paid.of_day(day).values()) not in ([], [1])}
    assert twice == {}
    units = {units for held in paid.options.values() for units in held.values()}
    assert units <= {0, 1, 2, 3}


def assert_parts_add_up(life):
    paid = paid_days.read(life.contract.pk, life.asked)
    wrong = {
        (name, month): (total, paid_days.expected(paid, name, month))
        for (name, month), total in paid.sums.items()
        if total != paid_days.expected(paid, name, month)
    }
    assert wrong == {}
    for taken in OfferUse.objects.filter(contract=life.contract, percent__isnull=False):
        months = {month for use, month in paid.taken_off if use == taken.pk}
        off = {month: paid_days.expected_off(paid, taken, month) for month in months}
        assert {month: paid.taken_off[taken.pk, month] for month in months} == off


def assert_days_follow_the_service(life):
    """A day on which the service runs is paid; a day of a pause is not."""
    paid = paid_days.read(life.contract.pk, life.asked)
    unpaid = [day for day, is_on in life.served.items() if is_on and not paid.of_day(day)]
    began = Suspension.objects.filter(contract=life.contract, state__in=["running", "over"])
    pauses = [Span(pause.starts_on, min(pause.ends_on, life.today)) for pause in began]
    assert unpaid == []
    assert [day for pause in pauses for day in pause.each_day() if paid.of_day(day)] == []


def test_the_reading_finds_a_day_that_is_paid_twice(db):
    life = Life(date(2026, 11, 1), [Decimal(600), Decimal(900), Decimal(100)])
    life.pass_days(14)
    life.act("switch_now", 1)
    assert (life.done, life.refused) == (1, 0)
    assert_no_day_is_paid_twice(life)

    twice = Line("switch:0:rest", EntryKind.MONTH, Decimal(-300), life.tariffs[0].name)
    charges.post(life.contract.pk, [twice], now=life.now)

    with pytest.raises(AssertionError):
        assert_no_day_is_paid_twice(life)
    with pytest.raises(AssertionError):
        assert_parts_add_up(life)
