"""The demo's services: what a contract has agrees with what its ledger charged, and each state is there to be seen."""

import itertools
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from accounts.models import Contract
from billing import outlook, shares
from billing.models import EntryKind, LedgerEntry
from mark_portal import demo
from tariffs import picture, pricing
from tariffs.models import (
    Boost,
    OfferUse,
    OptionUse,
    Subscription,
    Suspension,
    Switch,
    Tariff,
    TrafficDay,
    TrafficHour,
)

MOMENTS = [
    datetime(2026, 12, 17, 8, 0, tzinfo=UTC),
    datetime(2026, 12, 31, 20, 5, tzinfo=UTC),  # 1 January, 00:05 in Izhevsk: the night's charge has not run
    datetime(2028, 2, 29, 6, 0, tzinfo=UTC),
]
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module", params=MOMENTS, autouse=True)
def now(request, django_db_setup, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        demo.fill(request.param)
        yield request.param
        transaction.set_rollback(True)


def test_every_whole_month_was_charged_as_the_catalogue_says():
    """The parts of each contract on the 1sts of the last half year, their names and sums, are those of its ledger."""
    entries = LedgerEntry.objects.filter(kind__in=[EntryKind.MONTH, EntryKind.DISCOUNT], at__day=1, at__hour=0)
    months = {timezone.localdate(at).replace(day=1) for at in entries.values_list("at", flat=True)}
    for month in sorted(months)[-6:]:
        of_month = entries.filter(at__date=month)
        ids = set(of_month.values_list("account_id", flat=True))
        expected = {
            (line.key, line.kind, line.amount, line.title)
            for contract_id, seen in picture.of_many(ids, month).items()
            for line in pricing.month_lines(seen, month)
        }
        assert expected == set(of_month.values_list("key", "kind", "amount", "title"))


def test_every_contract_has_had_one_tariff_at_a_time_since_its_start():
    for contract in Contract.objects.prefetch_related("subscriptions"):
        rows = sorted(contract.subscriptions.all(), key=lambda row: row.since)
        assert rows[0].since == contract.started_on
        assert all(former.until == later.since for former, later in itertools.pairwise(rows))
        assert rows[-1].until == (contract.ended_on and contract.ended_on + timedelta(1))


def test_the_outlook_of_an_active_contract_knows_its_fee(now):
    today = timezone.localdate(now)
    active = Contract.objects.filter(state=Contract.State.ACTIVE).values_list("pk", flat=True)[:40]
    for contract_id in active:
        standing = outlook.stand(contract_id, now=now)
        assert standing.fee == pricing.monthly(picture.of(contract_id, today))


def test_both_cities_sell_twenty_tariffs_and_options_over_every_service():
    for city in ("izhevsk", "votkinsk"):
        tariffs = Tariff.objects.filter(city__slug=city, is_archived=False)
        assert tariffs.count() >= 12
        assert set(tariffs.values_list("family", flat=True)) == {"internet", "tv", "telephony", "bundle"}
    assert Tariff.objects.filter(is_archived=True).exists()


def test_options_discounts_switches_and_pauses_are_there():
    assert OptionUse.objects.count() > 20
    assert OfferUse.objects.filter(percent=30).count() > 10
    assert set(Switch.objects.values_list("state", flat=True)) == {"done", "planned"}
    assert set(Suspension.objects.values_list("state", flat=True)) == {"planned", "running"}
    by_wish = Contract.objects.filter(state=Contract.State.SUSPENDED_BY_WISH)
    assert set(Suspension.objects.filter(state="running").values_list("contract", flat=True)) == set(
        by_wish.values_list("pk", flat=True)
    )


def test_a_boost_runs_and_was_paid_for(now):
    boost = Boost.objects.get()

    assert boost.started_at < now < boost.ends_at
    assert boost.state == Boost.State.RUNNING
    for press in boost.presses.all():
        entry = LedgerEntry.objects.get(key=f"turbo:{press.pk}")
        assert (entry.amount, entry.account_id) == (-press.price, boost.contract_id)


def test_a_volume_is_spent_this_month(now):
    first = shares.first_of_month(timezone.localdate(now))
    spent = Subscription.objects.in_force(first).filter(tariff__volume_gb__isnull=False)
    month = TrafficDay.objects.filter(contract__in=spent.values("contract"), day__gte=first)
    sums = month.values("contract").annotate(sum=Sum("down") + Sum("up")).values_list("sum", flat=True)

    assert max(sums) > 200 * 10**9


def test_days_of_traffic_are_the_sums_of_their_hours(now):
    today = timezone.localdate(now)
    hours = {}
    for contract_id, hour, down in TrafficHour.objects.values_list("contract_id", "hour", "down"):
        key = (contract_id, timezone.localdate(hour))
        hours[key] = hours.get(key, 0) + down
    recent = TrafficDay.objects.filter(day__gte=today - timedelta(days=13), day__lt=today)
    assert recent.count() > 1_000
    for row in recent:
        assert hours[row.contract_id, row.day] == pytest.approx(row.down, abs=24)


def test_some_have_a_year_of_traffic(now):
    long_ago = timezone.localdate(now) - timedelta(days=365)

    assert TrafficDay.objects.filter(day=long_ago).values("contract").distinct().count() > 20
    assert TrafficDay.objects.filter(contract__number="100001", day=long_ago).exists()


def test_the_demo_subscriber_pays_for_an_option_and_saves_by_an_offer(now):
    today = timezone.localdate(now)
    contract = Contract.objects.get(number="100001")
    parts = pricing.parts(picture.of(contract.pk, today))

    assert [part.title for part in parts] == [
        "Интернет 300 + ТВ",
        "Статический IP-адрес",
        "Вместе дольше: −10 % на полгода",
    ]
    assert sum(part.fee for part in parts) == Decimal(705)
