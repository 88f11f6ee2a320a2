"""The demo's data, filled once for all these tests."""

import hashlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.hashers import check_password
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from accounts import contracts, identity, roles
from accounts.models import ConnectionRequest, Contract, House, JournalEntry, SignInLock, Subscriber, User
from billing import audit
from billing.models import (
    Account,
    Adjustment,
    Autopay,
    BankPayment,
    EntryKind,
    LedgerEntry,
    Payment,
    PromisedPayment,
    Receipt,
    Refund,
)
from mark_portal import demo
from mark_portal.demo import days, people
from mark_portal.demo.stories import MONTHS_BACK
from notifications.models import Notice

NOON = datetime(2026, 12, 17, 8, 0, tzinfo=UTC)
MOMENTS = [
    NOON,
    datetime(2026, 12, 31, 20, 5, tzinfo=UTC),  # 1 January, 00:05 in Izhevsk: the night's charge has not run
    datetime(2027, 1, 1, 6, 0, tzinfo=UTC),
    datetime(2028, 2, 29, 6, 0, tzinfo=UTC),
    datetime(2027, 5, 31, 19, 59, tzinfo=UTC),
]
State = Contract.State
pytestmark = pytest.mark.django_db  # without it this file alone would find no tables


@pytest.fixture(scope="module", autouse=True)
def filled(django_db_setup, django_db_blocker):
    """Filled at noon, taken back, and filled again in the evening: the lines printed and the digests of both."""
    with django_db_blocker.unblock(), transaction.atomic():
        before = transaction.savepoint()
        demo.fill(NOON)
        first = digest()
        transaction.savepoint_rollback(before)
        lines = demo.fill(NOON + timedelta(hours=9))
        yield lines, first, digest()
        transaction.set_rollback(True)


def digest():
    """Of everything but keys, salts and what counts back from the minute of the fill."""
    tables = [
        House.objects.values_list("street__city__slug", "street__name", "number"),
        Subscriber.objects.values_list("ref", "kind", "name", "phone", "email", "passport_match", "inn_match", "kpp"),
        Contract.objects.values_list("number", "house__number", "flat", "subscriber__ref", "state", "started_on"),
        LedgerEntry.objects.values_list("account__contract__number", "kind", "amount", "at", "title", "author__login"),
        Adjustment.objects.values_list("account__contract__number", "operation", "amount", "state", "created_at"),
        ConnectionRequest.objects.values_list("name", "phone", "state"),
        Payment.objects.exclude(state="pending").values_list("account__contract__number", "gateway_id", "paid_at"),
        BankPayment.objects.exclude(status="waiting").values_list("number", "status", "card"),
        Receipt.objects.values_list("operation", "state", "fiscal_sign", "registered_at"),
        Refund.objects.values_list("operation", "state", "amount", "created_at"),
        PromisedPayment.objects.values_list("operation", "state", "amount", "granted_at", "closed_at"),
        Autopay.objects.values_list("method__title", "consented_at", "stopped_at"),
        Notice.objects.values_list("contract__number", "kind", "at", "read_at"),
    ]
    rows = [sorted(tuple(map(_plain, row)) for row in table) for table in tables]
    return hashlib.sha256(repr(rows).encode()).hexdigest()


def _plain(value):
    return bytes(value) if isinstance(value, memoryview) else str(value)


def test_two_fills_of_one_day_are_the_same(filled):
    _lines, first, second = filled

    assert first == second


def test_another_day_tells_other_stories():
    assert demo.tell_stories(NOON) != demo.tell_stories(NOON + timedelta(days=1))


def test_every_topic_says_what_it_did(filled):
    assert [line.partition(":")[0] for line in filled[0]] == [
        "places", "staff", "contracts", "services", "money", "requests", "traces",
    ]  # fmt: skip


def test_a_second_fill_changes_nothing():
    before = LedgerEntry.objects.count()

    assert demo.fill(NOON) == []
    assert LedgerEntry.objects.count() == before


def test_balances_are_the_sums_of_their_entries():
    assert audit.differences() == []
    assert LedgerEntry.objects.count() > 10_000


def test_every_state_is_present_in_both_cities():
    counts = Counter(Contract.objects.values_list("city__slug", "state"))

    assert sum(counts.values()) == 300
    assert set(counts) == {(city, state) for city in ("izhevsk", "votkinsk") for state in State}
    assert Contract.objects.filter(city__slug="votkinsk").count() == 80


def test_ids_of_entries_ascend_with_time():
    times = list(LedgerEntry.objects.order_by("pk").values_list("at", flat=True))

    assert times == sorted(times)


def test_no_entry_lies_before_the_start_or_after_the_end():
    for contract in Contract.objects.prefetch_related("account__entries"):
        moments = [timezone.localdate(entry.at) for entry in contract.account.entries.all()]
        assert min(moments) >= contract.started_on
        assert max(moments) <= (contract.ended_on or NOON.date())


def test_the_demo_subscriber_has_entries_in_each_of_24_months_and_money_ahead():
    contract = Contract.objects.select_related("city", "account", "user").get(number="100001")
    entries = LedgerEntry.objects.filter(account=contract.account)
    months = {days.month_of(timezone.localdate(at)) for at in entries.values_list("at", flat=True)}
    month = f"month:{contract.pk}:{NOON:%Y-%m}"
    fee = -entries.filter(key__startswith=month).aggregate(sum=Sum("amount"))["sum"]

    current = days.month_of(NOON.date())
    assert months == set(range(current - MONTHS_BACK, current + 1))
    assert {kind for (kind,) in entries.values_list("kind")} >= {
        "topup",
        "month",
        "charge",
        "refund",
        "payout",
        "adjust",
        "discount",
    }
    assert (contract.city.slug, contract.user.login, contract.state) == ("izhevsk", "100001", State.ACTIVE)
    assert fee <= contract.account.balance < 3 * fee
    assert contract.user.sessions.count() == 2


def test_the_password_opens_subscribers_and_staff():
    encoded = set(User.objects.values_list("password", flat=True))

    assert len(encoded) == 1
    assert check_password("demo-mark-2026", encoded.pop())


def test_each_role_has_a_member_of_staff_and_nobody_is_a_superuser():
    staff = User.objects.filter(is_staff=True)

    assert set(staff.values_list("groups__name", flat=True)) == set(roles.ALL)
    assert not staff.filter(is_superuser=True).exists()
    assert list(staff.get(login="operator-votkinsk").cities.values_list("slug", flat=True)) == ["votkinsk"]


def test_the_next_contract_follows_the_last_one():
    assert int(contracts.next_number()) > 100_300


def test_debtors_have_nothing_and_a_few_less_than_nothing():
    """A few rubles would bring their service back for the last days of the month."""
    balances = Account.objects.filter(contract__state=State.SUSPENDED_FOR_DEBT).values_list("balance", flat=True)

    assert all(balance < 7 for balance in balances)
    assert sum(balance < 0 for balance in balances) == 5


def test_adjustments_stand_in_every_state_and_the_posted_ones_in_the_ledger():
    assert set(Adjustment.objects.values_list("state", flat=True)) == set(Adjustment.State)
    for adjustment in Adjustment.objects.filter(state=Adjustment.State.POSTED):
        entry = LedgerEntry.objects.get(key=f"adjustment:{adjustment.pk}")
        assert (entry.amount, entry.account_id) == (adjustment.amount, adjustment.account_id)
        assert adjustment.needs_second == (adjustment.second_id is not None)


def test_the_pages_of_staff_are_not_empty():
    now = NOON + timedelta(hours=9)

    assert set(ConnectionRequest.objects.values_list("state", flat=True)) == set(ConnectionRequest.State)
    assert ConnectionRequest.objects.open().filter(deadline_at__lt=now).exists()
    assert SignInLock.objects.in_force(now=now).count() == 1
    assert not JournalEntry.objects.filter(at__gt=now).exists()


def test_subscribers_can_be_identified():
    assert not Subscriber.objects.filter(kind="person", passport_match=None).exists()
    assert not Subscriber.objects.filter(kind="legal", inn_match=None).exists()
    assert Subscriber.objects.filter(kind="legal").count() == 25


@pytest.mark.parametrize("start", ["189900001", "1899000001"])
def test_made_up_inn_pass_the_check_of_the_admin(start):
    assert identity.inn(people.inn(start)).startswith(start)


@pytest.mark.parametrize(("his", "hers"), [("Иванов", "Иванова"), ("Чайковский", "Чайковская"), ("Черных", "Черных")])
def test_surnames_agree_with_their_women(his, hers):
    assert people.feminine(his) == hers


@pytest.mark.parametrize("now", MOMENTS)
def test_a_monthly_fee_is_charged_once_and_never_beyond_what_is_lent(now):
    for story in demo.tell_stories(now):
        balance, charged = story.plan.credit_limit + (1000 if story.lent else 0), Counter()
        for number, line in enumerate(story.lines):
            balance += line.amount
            if line.kind == EntryKind.MONTH:
                charged[days.month_of(timezone.localdate(line.at)), line.code] += 1
            if line.kind not in (EntryKind.MONTH, EntryKind.DISCOUNT):
                continue
            is_last_of_its_charge = not any(other.at == line.at for other in story.lines[number + 1 :][:1])
            assert balance >= 0 or not is_last_of_its_charge
        assert max(charged.values()) == 1


@pytest.mark.parametrize("now", MOMENTS)
def test_stories_run_forward_and_never_past_now(now):
    for story in demo.tell_stories(now):
        moments = [line.at for line in story.lines]
        assert moments == sorted(moments)
        assert moments[-1] <= now


@pytest.mark.parametrize("now", MOMENTS[1:])
def test_an_active_contract_has_paid_for_the_month(now):
    """Five minutes into a month it has paid for the one before."""
    current = days.month_of(timezone.localdate(now - timedelta(minutes=10)))
    for story in demo.tell_stories(now):
        if story.state == State.ACTIVE:
            last = [line.at for line in story.lines if line.kind == EntryKind.MONTH][-1]
            assert days.month_of(timezone.localdate(last)) == current


def test_the_fee_has_risen():
    fees = LedgerEntry.objects.filter(account__contract__number="100001", kind=EntryKind.MONTH, title__endswith="ТВ")

    assert set(fees.values_list("amount", flat=True)) == {Decimal(-600), Decimal(-650)}
    assert fees.aggregate(total=Sum("amount"))["total"] < 0
