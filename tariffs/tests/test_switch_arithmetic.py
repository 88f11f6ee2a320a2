"""Whatever is switched when: what was seen is what is posted, and the parts of a month add up."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from billing import shares
from billing.models import Account, LedgerEntry
from tariffs import picture, pricing, switching
from tariffs.models import Service, Subscription
from tariffs.switching import SwitchRefused, When
from tariffs.tests.factories import (
    OfferFactory,
    OfferUseFactory,
    OptionFactory,
    OptionUseFactory,
    TariffFactory,
    charged,
    served,
)

pytestmark = pytest.mark.django_db

FEES = st.decimals(0, 3000, places=2)
DAYS = st.dates(date(2027, 12, 1), date(2028, 3, 31))  # over a leap day
SERVICES = st.lists(st.sampled_from(Service.values), min_size=1, unique=True)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 8, tzinfo=UTC)


class RolledBack(Exception):
    """Each example leaves the database as it was."""


def example(story):
    try:
        with transaction.atomic():
            story()
            raise RolledBack
    except RolledBack:
        pass


@st.composite
def worlds(draw):
    return {
        "old": draw(FEES),
        "new": draw(FEES),
        "switch_fee": draw(st.sampled_from([Decimal(0), Decimal("49.90")])),
        "services": draw(SERVICES),
        "options": draw(
            st.lists(st.tuples(FEES, st.sampled_from(["", *Service.values]), st.integers(1, 3)), max_size=3)
        ),
        "percents": draw(st.lists(st.tuples(st.integers(1, 100), st.sampled_from(["old", "new", ""])), max_size=3)),
    }


def built(world, day: date, *, balance: int = 20_000):
    contract = served(fee=world["old"], balance=balance)
    own = Subscription.objects.get(contract=contract).tariff
    kept = {name: world[name] for name in ("services", "switch_fee")}
    new = TariffFactory(city=contract.city, fee=world["new"], **kept)
    for fee, needs, quantity in world["options"]:
        OptionUseFactory(
            contract=contract, option=OptionFactory(fee=fee, needs=needs, max_quantity=3), quantity=quantity
        )
    for percent, meant_for in world["percents"]:
        offer = OfferFactory(percent=percent)
        offer.tariffs.add(*{"old": [own], "new": [new], "": []}[meant_for])
        first = shares.first_of_month(day)
        OfferUseFactory(contract=contract, offer=offer, since=first, until=shares.first_of_month(first, 3))
    return contract, new


def posted(since: int):
    return list(LedgerEntry.objects.filter(pk__gt=since).order_by("pk"))


@settings(max_examples=25, deadline=None)
@given(world=worlds(), day=DAYS)
def test_at_once_the_preview_is_the_posting_and_the_parts_add_up(world, day):
    def story():
        contract, new = built(world, day)
        charged(contract, since=shares.first_of_month(day), now=noon(day))
        last = LedgerEntry.objects.latest("pk").pk
        ground = switching.ground(contract.pk, now=noon(day))
        seen = switching.quote(ground, ground.holding.tariffs[new.pk], When.now(day))
        own = [step for step in seen.steps if step.is_own]

        switching.switch_now(contract.pk, tariff_id=new.pk, operation=uuid4(), now=noon(day), seal=seen.seal)

        entries = posted(last)
        assert [(e.amount, e.title) for e in entries] == [(s.line.amount, s.line.title) for s in own]
        balance = Account.objects.get(pk=contract.pk).balance
        assert balance == (own[-1].balance_after if own else seen.balance)
        # What each side of the day costs by its picture, and nothing else.
        assert (
            20_000 - balance
            == share(seen.before, day, before=True)
            + share(picture.of(contract.pk, day), day, before=False)
            + world["switch_fee"]
        )

    example(story)


def share(drawn, day: date, *, before: bool) -> Decimal:
    """What the days of a month before a day, or from it on, cost, part by part."""
    total = Decimal(0)
    for part in pricing.parts(drawn):
        rest = shares.rest(abs(part.fee), day)
        amount = abs(part.fee) - rest if before else rest
        total += amount if part.fee > 0 else -amount
    return total


@settings(max_examples=20, deadline=None)
@given(world=worlds(), day=DAYS, ahead=st.integers(1, 60))
def test_on_a_day_to_come_the_preview_is_what_is_posted_until_then(world, day, ahead):
    def story():
        # Enough for three of the dearest months: who cannot pay one on the way is not switched.
        contract, new = built(world, day, balance=150_000)
        charged(contract, since=shares.first_of_month(day), now=noon(day))
        on = day + timedelta(days=ahead)
        ground = switching.ground(contract.pk, now=noon(day))
        seen = switching.quote(ground, ground.holding.tariffs[new.pk], When(on))
        last = LedgerEntry.objects.latest("pk").pk
        switching.plan(contract.pk, tariff_id=new.pk, on=on, operation=uuid4(), now=noon(day), seal=seen.seal)

        for passed in range(1, ahead + 1):
            today = day + timedelta(days=passed)
            if today.day == 1 or today == on:
                switching.do_due(now=noon(today))
            if today.day == 1:
                charged(contract, since=today, now=noon(today))

        assert [(e.amount, e.title) for e in posted(last)] == [(s.line.amount, s.line.title) for s in seen.steps]

    example(story)


@settings(max_examples=8, deadline=None)
@given(
    fees=st.lists(FEES, min_size=2, max_size=4),
    wishes=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40), st.booleans()), max_size=8),
)
def test_any_sequence_of_switches_costs_no_day_twice(fees, wishes):
    def story():
        contract = served(fee=fees[0], balance=100_000)
        tariffs = [Subscription.objects.get(contract=contract).tariff]
        tariffs += [TariffFactory(city=contract.city, fee=fee) for fee in fees[1:]]
        day = date(2028, 1, 15)
        end = date(2028, 7, 1)
        charged(contract, since=date(2028, 1, 1), now=noon(day))
        wishes_left = list(wishes)
        while day < end:
            switching.do_due(now=noon(day))
            if day.day == 1:
                charged(contract, since=day, now=noon(day))
            if wishes_left and day.day % 9 == 0:
                wish(contract, tariffs, wishes_left.pop(), noon(day))
            day += timedelta(days=1)

        assert 100_000 - Account.objects.get(pk=contract.pk).balance == by_days(contract, end)

    example(story)


def wish(contract, tariffs, asked, now):
    number, ahead, is_at_once = asked
    options = {"tariff_id": tariffs[number % len(tariffs)].pk, "operation": uuid4(), "now": now}
    try:
        if is_at_once:
            switching.switch_now(contract.pk, **options)
        else:
            switching.plan(contract.pk, on=now.date() + timedelta(days=ahead), **options)
    except SwitchRefused:
        pass


def by_days(contract, end: date) -> Decimal:
    """What the tariffs of all days cost: each month's periods, split by the days they held."""
    total, month = Decimal(0), date(2028, 1, 1)
    rows = list(Subscription.objects.filter(contract=contract).order_by("since", "pk").select_related("tariff"))
    while month < end:
        following = shares.first_of_month(month, 1)
        for row in rows:
            since, until = max(row.since, month), min(row.until or following, following)
            if since < until:
                fee = row.tariff.prices.get().fee
                total += shares.part(fee, since, until - timedelta(days=1))
        month = following
    return total
