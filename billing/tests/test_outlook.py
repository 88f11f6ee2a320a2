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
from billing.seller import Months
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
