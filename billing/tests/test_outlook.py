"""Until when the money lasts."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Contract
from accounts.tests.factories import ContractFactory
from billing import outlook
from billing.models import EntryKind, LedgerEntry
from billing.parts import Part
from billing.seller import Months, Period
from billing.tests.factories import NOON

TODAY = date(2026, 11, 23)
ACTIVE = Contract(state=Contract.State.ACTIVE)


def seen(balance, fee="500", *, today=TODAY, contract=ACTIVE, **money) -> outlook.Outlook:
    return outlook.of(contract, Decimal(balance), Months.same(Decimal(fee) if fee else None), today=today, **money)


@pytest.mark.parametrize(
    ("balance", "until"),
    [
        ("-1", date(2026, 11, 30)),
        ("0", date(2026, 11, 30)),
        ("499.99", date(2026, 11, 30)),
        ("500", date(2026, 12, 31)),
        ("1499.99", date(2027, 1, 31)),
        ("1500", date(2027, 2, 28)),
    ],
)
def test_each_full_fee_pays_for_one_more_month(balance, until):
    assert seen(balance).paid_until == until


def test_a_leap_february_is_paid_to_its_end():
    assert seen("500", today=date(2028, 1, 31)).paid_until == date(2028, 2, 29)


def test_the_next_charge_is_on_the_first():
    outlook_ = seen("100", today=date(2026, 12, 31))

    assert (outlook_.next_charge_on, outlook_.next_charge, outlook_.missing) == (date(2027, 1, 1), 500, 400)


def test_nothing_is_missing_when_the_money_is_there():
    assert seen("500").missing == 0


def test_a_very_large_balance_lasts_beyond_the_horizon():
    assert seen("1000000").is_beyond_horizon


@pytest.mark.parametrize("state", [Contract.State.SUSPENDED_FOR_DEBT, Contract.State.SUSPENDED_BY_WISH])
def test_a_suspended_contract_has_no_date(state):
    outlook_ = seen("300", contract=Contract(state=state))

    assert (outlook_.paid_until, outlook_.next_charge_on, outlook_.missing) == (None, None, 0)


def test_without_a_monthly_fee_there_is_no_date():
    assert seen("300", fee=None).paid_until is None


@given(day=st.dates(date(2000, 1, 1), date(2090, 1, 1)), ahead=st.integers(0, 60))
def test_the_first_of_a_month_ahead_is_that_many_months_away(day, ahead):
    first = outlook.first_of_month(day, ahead)

    assert first.day == 1
    assert (first.year - day.year) * 12 + first.month - day.month == ahead


@pytest.mark.django_db
def test_the_fee_is_the_last_one_charged():
    contract = ContractFactory()
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            account_id=contract.pk, kind=kind, amount=amount, key=str(amount), at=datetime(2026, month, 1, tzinfo=UTC)
        )
        for month, kind, amount in [
            (9, EntryKind.MONTH, -500),
            (10, EntryKind.MONTH, -550),
            (11, EntryKind.CHARGE, -99),
        ]
    )

    assert outlook.stand(contract.pk, now=NOON).fee == 550


@pytest.mark.django_db
def test_a_first_month_charged_by_days_is_not_the_fee():
    contract = ContractFactory()
    LedgerEntry.objects.create(
        account_id=contract.pk, kind=EntryKind.MONTH, amount=-120, key="m", at=datetime(2026, 11, 20, tzinfo=UTC)
    )

    assert outlook.stand(contract.pk, now=NOON).fee is None


@pytest.mark.django_db
def test_an_account_without_a_month_has_no_fee():
    assert outlook.stand(ContractFactory().pk, now=NOON).fee is None


# Fees that differ, and credit


def months(*fees) -> Months:
    """December, January… cost so much, and the last one goes on."""
    rest = [
        Period(outlook.first_of_month(TODAY, ahead), (Part("", "", Decimal(fee)),)) for ahead, fee in enumerate(fees, 1)
    ]
    return Months((Period(TODAY, (Part("", "", Decimal(500)),)), *rest))


@pytest.mark.parametrize(
    ("fees", "balance", "until", "missing"),
    [
        ((500, 700), 1100, date(2026, 12, 31), 0),  # a dearer tariff from January
        ((500, 300), 800, date(2027, 1, 31), 0),
        ((700,), 600, date(2026, 11, 30), 100),  # the price to come, not that of today
        ((0, 0, 600), 0, date(2027, 1, 31), 600),  # free at first
    ],
)
def test_each_month_is_paid_at_its_own_fee(fees, balance, until, missing):
    outlook_ = outlook.of(ACTIVE, Decimal(balance), months(*fees), today=TODAY)

    assert (outlook_.paid_until, outlook_.missing) == (until, missing)


def test_the_next_charge_is_the_first_that_is_not_free():
    outlook_ = outlook.of(ACTIVE, Decimal(0), months(0, 600), today=TODAY)

    assert (outlook_.next_charge_on, outlook_.next_charge) == (date(2027, 1, 1), 600)


def test_a_free_tariff_has_no_charge_to_come_and_lacks_nothing():
    outlook_ = outlook.of(ACTIVE, Decimal(0), Months.same(Decimal(0)), today=TODAY)

    assert (outlook_.fee, outlook_.next_charge_on, outlook_.paid_until, outlook_.missing) == (0, None, None, 0)


@pytest.mark.parametrize(
    ("balance", "credit", "until", "missing"),
    [
        (0, 1000, date(2027, 1, 31), 0),
        (-800, 1000, date(2026, 11, 30), 300),
        (-800, 1300, date(2026, 12, 31), 0),
    ],
)
def test_months_are_paid_from_the_credit_that_a_contract_allows_too(balance, credit, until, missing):
    outlook_ = seen(balance, credit=Decimal(credit))

    assert (outlook_.paid_until, outlook_.missing) == (until, missing)


@pytest.mark.parametrize(("balance", "until", "missing"), [(1000, date(2026, 12, 31), 0), (499, date(2026, 11, 22), 1)])
def test_a_month_that_begins_and_is_not_charged_yet_comes_first(balance, until, missing):
    outlook_ = seen(balance, due=Decimal(500))

    assert (outlook_.next_charge_on, outlook_.paid_until, outlook_.missing) == (TODAY, until, missing)


def test_without_periods_nothing_is_charged_and_before_the_first_its_parts_hold():
    assert (Months().fee(TODAY), Months().parts(TODAY)) == (None, ())
    assert months(700).fee(date(2026, 11, 1)) == 500
