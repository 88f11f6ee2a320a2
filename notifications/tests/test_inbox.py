"""The inbox: its order, its pages, what is unread."""

from datetime import timedelta

import pytest

from accounts.tests.at_once import at_once
from accounts.tests.factories import ContractFactory
from notifications import inbox, outbox
from notifications.models import Notice, Topic
from notifications.tests.factories import NOON, NoticeFactory

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)


def test_the_newest_comes_first_and_of_one_moment_the_last_told():
    contract = ContractFactory()
    old, first, second = (NoticeFactory(contract=contract, at=at) for at in (NOON, LATER, LATER))

    assert inbox.page(contract.pk).notices == [second, first, old]


def test_pages_follow_each_other_without_a_gap_or_a_repeat():
    contract = ContractFactory()
    NoticeFactory.create_batch(7, contract=contract)
    NoticeFactory.create_batch(4, contract=contract, at=LATER)
    pages, after = [], None

    while after or not pages:
        page = inbox.page(contract.pk, after=after, rows=3)
        pages.append(page.notices)
        after = page.older

    assert [len(page) for page in pages] == [3, 3, 3, 2]
    assert [notice for page in pages for notice in page] == list(contract.notices.all())


def test_a_topic_leaves_the_others_out():
    contract = ContractFactory()
    NoticeFactory(contract=contract)
    outage = NoticeFactory(contract=contract, topic=Topic.OUTAGE)

    assert inbox.page(contract.pk, topic=Topic.OUTAGE).notices == [outage]


def test_another_contracts_notices_are_not_shown_nor_a_place_to_start_from():
    mine, theirs = NoticeFactory(), NoticeFactory(at=NOON - timedelta(days=1))

    assert inbox.page(mine.contract_id, after=theirs.pk).notices == [mine]


def test_reading_marks_what_was_seen_and_nothing_else():
    contract = ContractFactory()
    seen, unseen = NoticeFactory.create_batch(2, contract=contract)

    marked = inbox.mark_read(contract.pk, only=[seen.pk], now=LATER)

    assert (marked, inbox.unread_count(contract.pk)) == (1, 1)
    assert Notice.objects.get(read_at=LATER) == seen
    assert Notice.objects.get(read_at=None) == unseen


def test_reading_everything_leaves_what_came_after_the_page_was_drawn():
    contract = ContractFactory()
    shown = NoticeFactory.create_batch(2, contract=contract)
    came_since = NoticeFactory(contract=contract)

    inbox.mark_read(contract.pk, until=shown[-1].pk, now=LATER)

    assert Notice.objects.get(read_at=None) == came_since


def test_nobody_reads_for_another_contract():
    notice = NoticeFactory()

    marked = inbox.mark_read(ContractFactory().pk, only=[notice.pk], until=None, now=LATER)

    assert (marked, inbox.unread_count(notice.contract_id)) == (0, 1)


def test_the_moment_of_the_first_reading_stays():
    notice = NoticeFactory()
    inbox.mark_read(notice.contract_id, only=[notice.pk], now=NOON)

    inbox.mark_read(notice.contract_id, only=[notice.pk], now=LATER)

    notice.refresh_from_db()
    assert notice.read_at == NOON


def test_counting_stops_at_a_hundred():
    contract = ContractFactory()
    NoticeFactory.create_batch(inbox.COUNTED_UP_TO + 3, contract=contract)

    assert inbox.unread_count(contract.pk) == inbox.COUNTED_UP_TO


@pytest.mark.django_db(transaction=True)
def test_a_fact_told_eight_times_at_once_is_one_notice():
    contract = ContractFactory()

    results = at_once(
        8,
        lambda _n: outbox.tell(contract.pk, Topic.MONEY, "payment_credited", about="payment:1", now=NOON, sum="500.00"),
    )

    assert {notice.pk for notice in results} == {Notice.objects.get().pk}
