"""What the page foresees of a pause is what is posted, and each paid day is paid once."""

import re
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from billing import audit, outlook, shares
from billing.models import Account, LedgerEntry
from tariffs import months, suspension, suspension_terms
from tariffs.models import OptionPrice, Subscription, Suspension, TariffPrice
from tariffs.suspension_days import DAY, Span, fee_on, last_possible, year_of
from tariffs.tests.factories import (
    OfferFactory,
    OfferUseFactory,
    OptionFactory,
    OptionUseFactory,
    charged,
    served,
)

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)  # shrinking a story of months takes minutes
FEES = st.decimals(Decimal("0.07"), 3000, places=2)
DAYS = st.dates(date(2026, 1, 1), date(2029, 1, 1))


@contextmanager
def undone():
    """Each generated case in a database of its own."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def at(day: date, hour=0, minute=1) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(hour, minute)))


def live(days: Span) -> None:
    """The tasks of the days on which something happens; the daily fee catches up."""
    keys = {days.first, days.last, *(day for day in days.each_day() if day.day in (1, 2, 15))}
    for day in sorted(keys):
        suspension.do_due(now=at(day))
        months.begin(now=at(day, 0, 10))
        for number in months.take_waiting(now=at(day, 0, 10)):
            months.charge(number, clock=lambda: at(day, 0, 10))  # noqa: B023  called here and now


def posted_since(contract, last_pk: int) -> set[tuple[str, Decimal]]:
    entries = LedgerEntry.objects.filter(account=contract.pk, pk__gt=last_pk)
    return {(entry.key, entry.amount) for entry in entries}


@pytest.mark.django_db
@settings(max_examples=10, deadline=None, phases=PHASES)
@given(
    today=DAYS,
    ahead=st.integers(1, 100),
    length=st.integers(7, 90),
    used=st.integers(0, 60),
    fee=FEES,
    new_fee=FEES,
    option_fee=FEES,
    percent=st.integers(1, 100),
    early=st.none() | st.integers(1, 80),
)
def test_what_is_foreseen_is_posted(today, ahead, length, used, fee, new_fee, option_fee, percent, early):
    with undone():
        contract = _of_prices(today, fee, new_fee, option_fee, percent)
        if used:
            _used(contract, today, used)
        pause = Span(today + timedelta(days=ahead), today + timedelta(days=ahead + length - 1))
        charged(contract, since=shares.first_of_month(today), now=at(today))
        standing = outlook.stand(contract.pk, now=at(today, 12))
        terms = suspension_terms.quote(standing, list(suspension.of(contract.pk)), pause)
        assume(not terms.reasons)
        before = LedgerEntry.objects.order_by("pk").last().pk

        planned = suspension.plan(contract.pk, first=pause.first, last=pause.last, operation=uuid4(), now=at(today, 12))
        live(Span(today + DAY, pause.last + DAY))

        assert planned.starts_on == pause.first
        assert posted_since(contract, before) == _lines(terms.forecast, planned)
        assert terms.forecast.steps(standing)[-1].balance_after == Account.objects.get(pk=contract.pk).balance
        assert audit.differences() == []


@pytest.mark.django_db
@settings(max_examples=10, deadline=None, phases=PHASES)
@given(today=DAYS, length=st.integers(8, 70), after=st.integers(0, 60), fee=FEES, option_fee=FEES)
def test_an_early_end_charges_what_was_shown_and_the_month_adds_up(today, length, after, fee, option_fee):
    with undone():
        contract = _of_prices(today, fee, fee, option_fee, 10)
        charged(contract, since=shares.first_of_month(today), now=at(today))
        first, end_on = today + DAY, today + DAY + timedelta(days=min(after, length - 2))
        pause = suspension.plan(
            contract.pk, first=first, last=today + timedelta(days=length), operation=uuid4(), now=at(today, 12)
        )
        live(Span(first, end_on))
        standing, now = outlook.stand(contract.pk, now=at(end_on, 12)), at(end_on, 12)
        terms = suspension.ending(Suspension.objects.get(pk=pause.pk), standing)
        before = LedgerEntry.objects.order_by("pk").last().pk

        suspension.end_early(pause.pk, now=now)
        live(Span(end_on + DAY, end_on + DAY))

        lines = {(line.key, line.amount) for line in [*terms.again, *terms.month]}
        assert posted_since(contract, before) - _fees(contract) == lines
        assert _paid_in_month(contract, first) == shares.rest(fee, first.replace(day=1)) - _share_off(
            fee, first, end_on
        )


def _of_prices(today, fee, new_fee, option_fee, percent):
    """A tariff whose price changes in two months, an option, an offer that ends in three."""
    contract = served(fee=fee, balance=50_000)
    tariff = Subscription.objects.get(contract=contract).tariff
    TariffPrice.objects.create(tariff=tariff, fee=new_fee, since=shares.first_of_month(today, 2))
    option = OptionFactory(fee=option_fee)
    OptionPrice.objects.create(option=option, fee=new_fee, since=shares.first_of_month(today, 1))
    OptionUseFactory(contract=contract, option=option, quantity=2)
    until = shares.first_of_month(today, 3)
    OfferUseFactory(contract=contract, offer=OfferFactory(percent=percent), since=date(2020, 1, 1), until=until)
    return contract


def _used(contract, today, used: int) -> None:
    """Days of this year that were paused before; none in its first days."""
    first = max(date(today.year, 1, 1), today - timedelta(days=used + 1))
    last = min(first + timedelta(days=used - 1), today - DAY)
    if first <= last:
        fields = {"starts_on": first, "ends_on": last, "state": "over", "created_at": at(first)}
        Suspension.objects.create(operation=uuid4(), contract=contract, **fields)


def _lines(forecast, pause) -> set[tuple[str, Decimal]]:
    dated = [*forecast.months, *forecast.back, *forecast.fees, *forecast.returns]
    return {(line.key.replace("suspension:0", f"suspension:{pause.pk}"), line.amount) for _on, line in dated}


def _fees(contract) -> set[tuple[str, Decimal]]:
    return {
        (entry.key, entry.amount) for entry in LedgerEntry.objects.filter(account=contract.pk, title__contains="Добр")
    }


def _paid_in_month(contract, day: date) -> Decimal:
    """What the tariff's own lines of a month come to."""
    own = re.compile(rf"{shares.month_key(contract.pk, day)}|suspension:[0-9]+:(back|rest)")
    entries = LedgerEntry.objects.filter(account=contract.pk)
    return -sum(entry.amount for entry in entries if own.fullmatch(entry.key))


def _share_off(fee: Decimal, first: date, last: date) -> Decimal:
    return shares.part(fee, first, min(last, shares.first_of_month(first, 1) - DAY))


@given(
    spans=st.lists(st.tuples(st.integers(0, 1000), st.integers(1, 60)), max_size=5),
    year=st.integers(2026, 2028),
)
def test_a_year_has_exactly_its_free_days(spans, year):
    spans = _apart(spans)
    days = [day for span in spans for day in span.each_day() if day.year == year]

    free = [day for day in days if not fee_on(spans, day)]

    assert free == days[:30]
    assert year_of(spans, year).used == len(days)


@given(spans=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 30)), max_size=4), ahead=st.integers(0, 300))
def test_the_last_possible_day_is_the_last_that_the_years_have(spans, ahead):
    spans = _apart(spans)
    first = date(2027, 6, 1) + timedelta(days=ahead)
    spans = [span for span in spans if span.last < first]

    last = last_possible(spans, first)

    def fits(until: date) -> bool:
        years = range(first.year, until.year + 1)
        return all(Span(first, until).within(year) <= year_of(spans, year).left for year in years)

    assert last < first or fits(last)
    assert not fits(last + DAY)


def _apart(pairs: list[tuple[int, int]]) -> list[Span]:
    spans, day = [], date(2026, 1, 1)
    for gap, days in pairs:
        first = day + timedelta(days=gap)
        spans.append(Span(first, first + timedelta(days=days - 1)))
        day = spans[-1].last + timedelta(days=2)
    return spans
