"""What an account will hold in the next sixty days."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Contract
from accounts.tests.factories import ContractFactory
from billing import forecast, outlook
from billing.forecast import Event
from billing.models import Account, EntryKind
from billing.outlook import Standing
from billing.seller import Months
from billing.tests.factories import NOON, PromisedPaymentFactory, account_of, put

TODAY = date(2026, 11, 20)


def seen(balance, fee="500", *, credit=0, promised=0, until=None, state=Contract.State.ACTIVE, now=NOON):
    account = Account(contract=Contract(state=state), balance=Decimal(balance), credit_limit=Decimal(credit))
    months = Months.same(Decimal(fee) if fee else None)
    standing = Standing(account, TODAY, months, True, Decimal(promised), until)
    return forecast.of(standing, now=now)


def told(expected) -> list[tuple]:
    return [(line.on, line.event, line.amount, line.balance) for line in expected.lines]


def midnight_after(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 20, tzinfo=UTC)  # in Izhevsk


def test_each_month_is_charged_on_its_first():
    assert told(seen(1300)) == [
        (date(2026, 12, 1), Event.FEE, -500, 800),
        (date(2027, 1, 1), Event.FEE, -500, 300),
    ]


def test_the_service_stops_on_the_first_that_cannot_be_paid_and_nothing_is_charged_after():
    expected = seen(700)

    assert told(expected) == [(date(2026, 12, 1), Event.FEE, -500, 200), (date(2027, 1, 1), Event.STOP, 0, 200)]
    assert expected.stop.missing == 300
    assert expected.below_zero_on is None


def test_credit_lets_the_balance_go_below_zero():
    expected = seen(100, credit=1000)

    assert [line.balance for line in expected.lines] == [-400, -900]
    assert expected.below_zero_on == date(2026, 12, 1)
    assert expected.stop is None


def test_a_promise_pays_for_a_month_until_its_term_and_then_the_service_stops():
    expected = seen(100, promised=400, until=midnight_after(date(2026, 12, 3)))

    assert told(expected) == [
        (date(2026, 12, 1), Event.FEE, -500, -400),
        (date(2026, 12, 3), Event.STOP, 0, -400),
    ]
    assert expected.stop.missing == 400
    assert expected.below_zero_on == date(2026, 12, 1)


def test_a_promise_that_ends_at_the_midnight_before_the_month_does_not_pay_for_it():
    expected = seen(100, promised=400, until=midnight_after(date(2026, 11, 30)))

    assert [(line.on, line.event) for line in expected.lines] == [
        (date(2026, 11, 30), Event.TERM),
        (date(2026, 12, 1), Event.STOP),
    ]


def test_an_account_that_owes_now_is_below_zero_today():
    assert seen(-50, credit=100).below_zero_on == TODAY


def test_sixty_days_are_the_last():
    days = [line.on for line in seen(5000, now=datetime(2027, 1, 31, 8, tzinfo=UTC)).lines]

    assert days == [date(2027, 2, 1), date(2027, 3, 1), date(2027, 4, 1)]


def test_the_day_is_the_local_one():
    assert seen(5000, now=datetime(2026, 11, 30, 20, 30, tzinfo=UTC)).lines[0].on == date(2027, 1, 1)


@pytest.mark.parametrize("state", [state for state in Contract.State if state != Contract.State.ACTIVE])
def test_while_the_service_is_off_there_is_no_forecast(state):
    assert seen(500, state=state) is None


def test_without_a_monthly_fee_there_is_no_forecast():
    assert seen(500, fee=None) is None


@given(
    balance=st.integers(-2000, 5000),
    fee=st.integers(1, 2000),
    credit=st.integers(0, 2000),
    days=st.integers(0, 400),
)
def test_every_line_follows_from_the_one_before_and_no_month_is_charged_beyond_the_money(balance, fee, credit, days):
    expected = seen(balance, fee, credit=credit, now=NOON + timedelta(days=days))

    before = Decimal(balance)
    for line in expected.lines:
        assert line.balance == before + line.amount
        assert line.event == Event.FEE or line is expected.lines[-1]
        assert line.event == Event.STOP or line.balance >= -credit
        before = line.balance
    assert all(expected.today < line.on <= expected.end for line in expected.lines)


@pytest.mark.django_db
def test_fee_credit_and_promise_come_from_the_standing_of_the_account():
    contract = ContractFactory()
    put(contract.pk, -500, kind=EntryKind.MONTH, now=datetime(2026, 11, 1, 8, tzinfo=UTC))
    account = account_of(contract, balance=600)
    PromisedPaymentFactory(account=account, amount=400, due_at=midnight_after(date(2026, 12, 3)))

    expected = forecast.of(outlook.stand(contract.pk, now=NOON), now=NOON)

    assert told(expected) == [(date(2026, 12, 1), Event.FEE, -500, -400), (date(2026, 12, 3), Event.STOP, 0, -400)]
