"""A statement fits the history: its opening, its lines, its closing."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.tests.factories import ContractFactory
from billing import history, statements
from billing.models import EntryKind, LedgerEntry
from billing.statements import Period
from billing.tests.factories import account_of, put

NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))


def on(day: int, hour: int = 8, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 11, 23), ["2026-10-01 2026-10-31", "2026-11-01 2026-11-23", "2026-10-01 2026-11-23", "2026-01-01"]),
        (date(2028, 3, 31), ["2028-02-01 2028-02-29", "2028-03-01 2028-03-31", "2028-01-01 2028-03-31", "2028-01-01"]),
        (date(2027, 1, 1), ["2026-12-01 2026-12-31", "2027-01-01 2027-01-01", "2027-01-01 2027-01-01", "2027-01-01"]),
    ],
)
def test_the_usual_periods_end_today_or_with_the_month(today, expected):
    periods = [f"{period.since} {period.until}" for period in statements.presets(today).values()]

    assert periods == [*expected[:3], f"{expected[3]} {today}"]


@pytest.mark.parametrize(
    ("since", "until", "too_long"),
    [
        ("2021-01-01", "2025-12-31", False),
        ("2021-01-01", "2026-01-01", True),
        ("2020-02-29", "2025-02-28", False),
        ("2020-02-29", "2025-03-01", True),
    ],
)
def test_five_years_are_counted_by_the_calendar(since, until, too_long):
    assert Period(date.fromisoformat(since), date.fromisoformat(until)).is_too_long is too_long


@pytest.mark.django_db
def test_a_statement_tells_what_was_before_what_came_and_what_went():
    account = account_of()
    put(account.pk, 1000, kind=EntryKind.TOP_UP, now=on(31, month=10))
    put(account.pk, -650, kind=EntryKind.MONTH, now=on(1))
    put(account.pk, 500, kind=EntryKind.TOP_UP, now=on(5))
    put(account.pk, 200, kind=EntryKind.TOP_UP, now=on(6))
    put(account.pk, 99, kind=EntryKind.TOP_UP, now=on(1, month=12))

    statement = statements.of(account.contract, NOVEMBER)

    assert (statement.opening, statement.received, statement.spent, statement.closing) == (1000, 700, 650, 1050)
    assert [(kind.kind, kind.amount, kind.count) for kind in statement.kinds] == [("topup", 700, 2), ("month", -650, 1)]


@pytest.mark.django_db
def test_days_are_local_days():
    account = account_of()
    put(account.pk, 1, now=datetime(2026, 10, 31, 19, 59, tzinfo=UTC))  # 23:59 in Izhevsk
    put(account.pk, 10, now=datetime(2026, 10, 31, 20, 0, tzinfo=UTC))
    put(account.pk, 100, now=datetime(2026, 11, 30, 19, 59, tzinfo=UTC))
    put(account.pk, 1000, now=datetime(2026, 11, 30, 20, 0, tzinfo=UTC))

    statement = statements.of(account.contract, NOVEMBER)

    assert (statement.opening, statement.closing) == (1, 111)
    assert [entry.amount for entry in statements.lines(account.contract, NOVEMBER)] == [10, 100]


@pytest.mark.django_db
def test_an_account_without_operations_has_an_empty_statement():
    statement = statements.of(ContractFactory(), NOVEMBER)

    assert (statement.opening, statement.kinds, statement.closing, statement.pages) == (0, [], 0, 1)


@pytest.mark.django_db
def test_other_contracts_do_not_matter():
    account = account_of()
    put(account_of().pk, 500, now=on(5))

    assert statements.of(account.contract, NOVEMBER).count == 0
    assert list(statements.lines(account.contract, NOVEMBER)) == []


@pytest.mark.django_db
def test_too_many_lines_for_paper_are_refused_with_both_numbers(settings):
    settings.STATEMENT_PDF_LINES = 1
    account = account_of()
    put(account.pk, 1, now=on(5))
    put(account.pk, 1, now=on(6))

    with pytest.raises(statements.StatementRefused, match=r"up to 1 operations, and here are 2"):
        statements.of(account.contract, NOVEMBER).refuse_if_too_long_for_paper()


class AnyLedger(TestCase):
    @given(
        moves=st.lists(
            st.tuples(
                st.integers(-500_000, 500_000).filter(bool), st.integers(0, 90 * 24), st.sampled_from(EntryKind.values)
            ),
            max_size=40,
        ),
        first=st.integers(0, 80),
        days=st.integers(0, 30),
    )
    @settings(max_examples=40, deadline=None)
    def test_opening_and_lines_make_the_closing_and_the_balances_are_those_of_the_history(self, moves, first, days):
        contract = ContractFactory()
        start = datetime(2026, 8, 31, 20, tzinfo=UTC)
        LedgerEntry.objects.bulk_create(
            LedgerEntry(
                account_id=contract.pk,
                kind=kind,
                amount=Decimal(kopecks) / 100,
                key=f"{contract.pk}:{n}",
                at=start + timedelta(hours=hours),
            )
            for n, (kopecks, hours, kind) in enumerate(moves)
        )
        since = date(2026, 9, 1) + timedelta(days=first)
        period = Period(since, since + timedelta(days=days))
        statement = statements.of(contract, period)

        lines = list(statements.lines(contract, period))
        counted = [entry.balance_after for entry in statements.with_balances(statement.opening, lines)]
        paged = [
            entry.balance_after
            for number in range(1, statement.pages + 1)
            for entry in statements.page(contract, statement, number)
        ]
        account = contract.account
        account.refresh_from_db()
        seen = history.page(account, history.Filters(since=period.since, until=period.until), rows=100)

        assert statement.opening + sum(entry.amount for entry in lines) == statement.closing
        assert sum(kind.amount for kind in statement.kinds) == statement.received - statement.spent
        assert counted == paged == [entry.balance_after for entry in seen][::-1]
        assert counted[-1:] in ([], [statement.closing])
