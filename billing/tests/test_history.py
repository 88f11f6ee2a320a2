"""The history of an account, page by page."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.tests.factories import ContractFactory
from billing import history
from billing.models import Account, EntryKind, LedgerEntry
from billing.paging import Cursor

NOON = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
EVERYTHING = history.Filters()


def account_with(*amounts, kind=EntryKind.TOP_UP, every=timedelta(days=1)) -> Account:
    contract = ContractFactory()
    LedgerEntry.objects.bulk_create(
        LedgerEntry(account_id=contract.pk, kind=kind, amount=amount, key=f"{contract.pk}:{n}", at=NOON + every * n)
        for n, amount in enumerate(amounts)
    )
    return Account.objects.get(pk=contract.pk)


def balances(page) -> list[Decimal]:
    return [entry.balance_after for entry in page]


@pytest.mark.django_db
def test_the_newest_line_comes_first_with_the_balance_after_it():
    account = account_with(100, -30, 5)

    page = history.page(account, EVERYTHING)

    assert [(entry.amount, entry.balance_after) for entry in page] == [(5, 75), (-30, 70), (100, 100)]


@pytest.mark.django_db
def test_an_empty_account_has_an_empty_history():
    page = history.page(account_with(), EVERYTHING)

    assert (page.rows, page.older, page.newer) == ([], None, None)


@pytest.mark.django_db
def test_pages_follow_each_other_without_gap_or_repeat():
    account = account_with(*range(1, 8))

    first = history.page(account, EVERYTHING, rows=3)
    second = history.page(account, EVERYTHING, first.older, rows=3)
    third = history.page(account, EVERYTHING, second.older, rows=3)
    back = history.page(account, EVERYTHING, third.newer, rows=3)

    assert [[int(entry.amount) for entry in page] for page in (first, second, third)] == [[7, 6, 5], [4, 3, 2], [1]]
    assert (first.newer, third.older) == (None, None)
    assert back.rows == second.rows


@pytest.mark.django_db
def test_entries_of_one_moment_are_told_apart():
    account = account_with(1, 2, 3, 4, every=timedelta(0))

    first = history.page(account, EVERYTHING, rows=2)
    second = history.page(account, EVERYTHING, first.older, rows=2)

    assert balances(first) + balances(second) == [10, 6, 3, 1]


@pytest.mark.django_db
def test_the_page_that_came_back_to_the_newest_says_so():
    account = account_with(*range(1, 5))
    second = history.page(account, EVERYTHING, history.page(account, EVERYTHING, rows=2).older, rows=2)

    back = history.page(account, EVERYTHING, second.newer, rows=2)

    assert (back.newer, [int(entry.amount) for entry in back]) == (None, [4, 3])


@pytest.mark.django_db
def test_filters_hide_lines_but_not_from_the_balance():
    account = account_with(100, -30, 50)

    page = history.page(account, history.Filters(since=date(2026, 12, 2), until=date(2026, 12, 2)))

    assert [(entry.amount, entry.balance_after) for entry in page] == [(-30, 70)]


@pytest.mark.django_db
def test_a_day_is_a_local_day():
    contract = ContractFactory()
    late = datetime(2026, 12, 1, 19, 59, tzinfo=UTC)  # 23:59 in Samara
    LedgerEntry.objects.bulk_create(
        LedgerEntry(account_id=contract.pk, kind=EntryKind.TOP_UP, amount=n + 1, key=str(n), at=moment)
        for n, moment in enumerate([late, late + timedelta(minutes=1)])
    )
    account = Account.objects.get(pk=contract.pk)

    page = history.page(account, history.Filters(until=date(2026, 12, 1)))

    assert [int(entry.amount) for entry in page] == [1]


@pytest.mark.django_db
def test_totals_are_of_what_is_filtered():
    account = account_with(100, -30, 50)

    totals = history.totals(account, history.Filters(since=date(2026, 12, 2)))

    assert (totals.received, totals.spent) == (50, 30)


@pytest.mark.django_db
@pytest.mark.parametrize("filters", [EVERYTHING, history.Filters(since=date(2026, 12, 2))])
def test_the_totals_beside_a_page_are_those_of_all_pages(filters):
    account = account_with(100, -30, *[1] * 70)
    first = history.page(account, filters)

    beside = [history.page_with_totals(account, filters, cursor)[1] for cursor in (None, first.older)]

    assert beside == [history.totals(account, filters)] * 2


@pytest.mark.django_db
def test_the_totals_beside_an_empty_page_are_zero_only_when_the_filters_let_nothing_through():
    account = account_with(100)
    beyond = history.Cursor(NOON - timedelta(days=9), 1, is_older=True)

    assert history.page_with_totals(account, EVERYTHING, beyond)[1].received == 100
    assert history.page_with_totals(account, history.Filters(until=date(2020, 1, 1)))[1].received == 0


@pytest.mark.parametrize("text", ["", "x", "💥", "b2xkZXJ8eHwx", "a" * 10_000, "b2xkZXJ8MjAyNi0xMi0wMXwx"])
def test_what_is_not_a_cursor_starts_at_the_newest(text):
    assert Cursor.parse(text) is None


@pytest.mark.django_db
def test_other_accounts_do_not_matter():
    account_with(7, 7, 7)

    page = history.page(account_with(100, -30), EVERYTHING)

    assert balances(page) == [70, 100]


class AnyHistory(TestCase):
    @given(
        kopecks=st.lists(st.integers(-10_000, 10_000).filter(bool), max_size=30),
        rows=st.integers(1, 7),
        same_moment=st.booleans(),
    )
    @settings(max_examples=30, deadline=None)
    def test_every_line_shows_the_sum_so_far(self, kopecks, rows, same_moment):
        amounts = [Decimal(number) / 100 for number in kopecks]
        account = account_with(*amounts, every=timedelta(0) if same_moment else timedelta(hours=1))
        seen, cursor = [], None

        while True:
            page = history.page(account, EVERYTHING, cursor, rows=rows)
            seen += balances(page)
            if not (cursor := page.older):
                break

        assert seen == [sum(amounts[: n + 1], Decimal(0)) for n in range(len(amounts))][::-1]
