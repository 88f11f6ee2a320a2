"""Prices from a 1st to come, and telling of them."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.utils import translation

from accounts.models import Contract, JournalEntry
from accounts.tests.at_once import at_once
from accounts.tests.factories import StaffFactory
from billing.tests.factories import NOON
from notifications import words
from notifications.models import Notice, Topic
from tariffs import prices
from tariffs.models import OptionPrice, Subscription, Switch, Tariff, TariffPrice
from tariffs.tests.factories import LONG_AGO, NEXT, TODAY, OptionUseFactory, TariffFactory, served

pytestmark = pytest.mark.django_db
LAST_DAY_IN_TIME = NOON + timedelta(days=1)  # ten days before 1 December


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(NOON, tick=False):
        yield


def tariff_of(contract) -> Tariff:
    return Subscription.objects.get(contract=contract).tariff


def taken_by(tariff, count):
    """So many contracts that have had it since long ago."""
    contracts = [served() for _ in range(count)]
    Subscription.objects.update(tariff=tariff)
    return contracts


def planned(tariff, fee=700, since=NEXT, now=NOON):
    return prices.plan(tariff, fee=Decimal(fee), since=since, by=None, now=now)


def said_to(contract) -> words.Words:
    return words.of(Notice.objects.filter(contract=contract, kind=prices.TOLD).latest("pk"))


# --- From when


@pytest.mark.parametrize(
    ("today", "possible"),
    [
        (date(2026, 11, 20), date(2026, 12, 1)),
        (date(2026, 11, 21), date(2026, 12, 1)),
        (date(2026, 11, 22), date(2027, 1, 1)),
        (date(2026, 12, 31), date(2027, 2, 1)),
    ],
)
def test_a_new_price_begins_with_the_first_month_there_is_time_to_tell_of(today, possible):
    tariff = TariffFactory()

    assert prices.first_possible(tariff, today=today) == possible


def test_the_first_price_may_begin_with_this_month():
    tariff = TariffFactory(fee=500)
    tariff.prices.all().delete()

    assert prices.first_possible(tariff, today=TODAY) == date(2026, 11, 1)


@pytest.mark.parametrize(
    ("since", "why"),
    [
        (date(2026, 12, 2), "1st"),
        (date(2026, 11, 1), "1 December or later"),
        (date(2029, 1, 1), "two years"),
        (date(9999, 12, 1), "two years"),
    ],
)
def test_a_price_is_refused_with_the_reason_and_the_first_possible_day(since, why):
    tariff = TariffFactory()

    with pytest.raises(prices.PriceRefused) as refused:
        planned(tariff, since=since)

    assert why in str(refused.value).replace("\N{NO-BREAK SPACE}", " ")


def test_a_second_price_from_the_same_day_is_refused():
    tariff = TariffFactory()
    planned(tariff)

    with pytest.raises(prices.PriceRefused, match="already"):
        planned(tariff, 800)


def test_a_price_that_is_set_is_journaled():
    tariff, manager = TariffFactory(fee=600), StaffFactory()

    prices.plan(tariff, fee=Decimal(700), since=NEXT, by=manager, now=NOON)

    entry = JournalEntry.objects.get(action="price_planned")
    assert (entry.actor, entry.changes) == (manager, {"fee": ["600.00", "700"], "since": "2026-12-01"})


# --- Correcting and removing


def test_a_price_in_force_stays():
    price = TariffFactory().prices.get()

    with pytest.raises(prices.PriceRefused, match="in force since"):
        prices.correct(price, fee=Decimal(1), by=None, now=NOON)
    with pytest.raises(prices.PriceRefused, match="in force since"):
        prices.withdraw(price, by=None, now=NOON)


def test_a_price_that_nobody_was_told_of_is_removed():
    tariff = TariffFactory(fee=600)

    prices.withdraw(planned(tariff), by=None, now=NOON)

    assert [price.fee for price in tariff.prices.all()] == [600]


def test_a_price_that_somebody_was_told_of_is_not_removed():
    price = planned(tariff_of(served()))
    prices.announce_due(now=NOON)

    with pytest.raises(prices.PriceRefused, match="have been told"):
        prices.withdraw(price, by=None, now=NOON)


@pytest.mark.parametrize("fee", [650, 600])
def test_a_price_told_is_corrected_downwards_until_its_day(fee):
    price = planned(tariff_of(served()), 700)
    late = NOON + timedelta(days=9)

    new = prices.correct(price, fee=Decimal(fee), by=None, now=late)

    assert (new.fee, new.since, new.announced_at) == (fee, NEXT, None)


def test_it_is_too_late_to_raise_a_price_within_the_days_of_notice():
    price = planned(TariffFactory(), 700)

    prices.correct(price, fee=Decimal(750), by=None, now=LAST_DAY_IN_TIME)
    with pytest.raises(prices.PriceRefused, match="too late to raise"):
        prices.correct(TariffPrice.objects.get(fee=750), fee=Decimal(760), by=None, now=NOON + timedelta(days=2))


def test_a_price_that_somebody_has_just_changed_is_not_changed_again():
    price = planned(TariffFactory())
    prices.correct(TariffPrice.objects.get(pk=price.pk), fee=Decimal(650), by=None, now=NOON)

    with pytest.raises(prices.PriceRefused, match="just changed"):
        prices.correct(price, fee=Decimal(660), by=None, now=NOON)


# --- Telling


def test_who_has_the_tariff_is_told_of_the_old_and_the_new_fee():
    contract = served(fee=600)
    tariff = tariff_of(contract)
    price = planned(tariff, 700)

    prices.announce_due(now=NOON)

    notice = Notice.objects.get(contract=contract)
    said = words.of(notice)
    assert (notice.topic, notice.about) == (Topic.TARIFF, f"price:{price.pk}")
    assert said.title.replace("\N{NO-BREAK SPACE}", " ") == f"«{tariff.name}» from 1 December: 700.00 ₽ a month"
    assert "600.00" in said.text


def test_who_has_the_option_is_told():
    use = OptionUseFactory()

    price = planned(use.option, 150)
    prices.announce_due(now=NOON)

    notice = Notice.objects.get(contract=use.contract)
    assert (notice.about, notice.facts["old"], notice.facts["fee"]) == (f"option_price:{price.pk}", "100.00", "150.00")
    assert OptionPrice.objects.get(pk=price.pk).announced_at == NOON


def test_an_english_reader_is_told_the_english_name():
    contract = served(name="Соты", name_en="Honeycomb")
    planned(tariff_of(contract))

    prices.announce_due(now=NOON)

    assert "Honeycomb" in said_to(contract).title
    with translation.override("ru"):
        assert "Соты" in said_to(contract).title


def test_who_has_planned_to_switch_to_it_is_told():
    contract, tariff = served(), TariffFactory()
    Switch.objects.create(
        operation="00000000-0000-4000-8000-000000000001",
        contract=contract,
        old=tariff_of(contract),
        tariff=tariff,
        on=NEXT,
        created_at=NOON,
    )

    planned(tariff)
    prices.announce_due(now=NOON)

    assert Notice.objects.filter(contract=contract, kind=prices.TOLD).count() == 1


def test_those_of_other_tariffs_those_who_left_and_terminated_contracts_are_not_told():
    tariff = TariffFactory()
    left, terminated, other = taken_by(tariff, 3)
    Subscription.objects.filter(contract=other).update(tariff=TariffFactory())
    Subscription.objects.filter(contract=left).update(until=NEXT)
    Contract.objects.filter(pk=terminated.pk).update(state="terminated", ended_on=TODAY)

    planned(tariff)
    prices.announce_due(now=NOON)

    assert not Notice.objects.exists()


def test_a_second_run_tells_nobody_again():
    planned(tariff_of(served()))
    prices.announce_due(now=NOON)

    prices.announce_due(now=NOON)

    assert Notice.objects.count() == 1


def test_a_run_that_died_between_batches_is_taken_up_by_the_next(monkeypatch):
    tariff = TariffFactory()
    taken_by(tariff, 5)
    price = planned(tariff)
    monkeypatch.setattr(prices, "BATCH", 2)

    last = prices._announce_batch(TariffPrice, price.pk, 0, now=NOON)
    half = prices.progress(price)
    prices.announce_due(now=NOON)

    price.refresh_from_db()
    assert (last is not None, half) == (True, prices.Progress(told=2, of=5))
    assert (prices.progress(price), price.announced_at) == (prices.Progress(told=5, of=5), NOON)
    assert Notice.objects.count() == 5


def test_who_takes_the_tariff_while_others_are_told_is_told_too(monkeypatch):
    tariff = TariffFactory()
    late, *_ = taken_by(tariff, 3)
    Subscription.objects.filter(contract=late).update(since=date(2027, 1, 1))
    price = planned(tariff)
    monkeypatch.setattr(prices, "BATCH", 1)

    after = prices._announce_batch(TariffPrice, price.pk, 0, now=NOON)
    Subscription.objects.filter(contract=late).update(since=LONG_AGO)
    while after is not None:
        after = prices._announce_batch(TariffPrice, price.pk, after, now=NOON)

    assert Notice.objects.filter(contract=late).count() == 1


def test_a_first_price_and_a_price_that_stays_are_told_to_nobody():
    contract = served(fee=600)
    planned(tariff_of(contract), 600)
    new = TariffFactory()
    new.prices.all().delete()
    planned(new, 900, date(2026, 11, 1))

    prices.announce_due(now=NOON)

    assert not Notice.objects.exists()
    assert not TariffPrice.objects.filter(announced_at=None, since__gte=date(2026, 11, 1)).exists()


def test_prices_of_long_ago_are_not_told():
    served()

    prices.announce_due(now=NOON)

    assert not Notice.objects.exists()


def test_who_heard_of_a_price_hears_of_its_correction():
    contract = served(fee=600)
    price = planned(tariff_of(contract), 700)
    prices.announce_due(now=NOON)

    prices.correct(price, fee=Decimal(650), by=None, now=NOON)
    prices.announce_due(now=NOON)

    said = said_to(contract)
    assert "650.00" in said.title
    assert "We told you of 700.00" in said.text


def test_only_who_heard_of_a_price_hears_that_it_stays_as_it_was(monkeypatch):
    tariff = TariffFactory(fee=600)
    first, second = taken_by(tariff, 2)
    price = planned(tariff, 700)
    monkeypatch.setattr(prices, "BATCH", 1)
    prices._announce_batch(TariffPrice, price.pk, 0, now=NOON)

    prices.correct(price, fee=Decimal(600), by=None, now=NOON)
    prices.announce_due(now=NOON)

    assert "does not change" in said_to(first).title
    assert not Notice.objects.filter(contract=second).exists()


def test_a_price_corrected_there_and_back_is_told_each_time():
    contract = served(fee=600)
    price = planned(tariff_of(contract), 700)
    prices.announce_due(now=NOON)

    for fee in (650, 700):
        price = prices.correct(price, fee=Decimal(fee), by=None, now=NOON)
        prices.announce_due(now=NOON)

    assert Notice.objects.filter(contract=contract).count() == 3
    assert "700.00" in said_to(contract).title


# --- At once


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_tell_everybody_once():
    tariff = TariffFactory()
    taken_by(tariff, 4)
    planned(tariff)

    at_once(2, lambda _: prices.announce_due(now=NOON))
    prices.announce_due(now=NOON)

    assert Notice.objects.count() == 4


@pytest.mark.django_db(transaction=True)
def test_two_managers_at_once_set_one_price():
    tariff = TariffFactory()

    outcomes = at_once(2, lambda number: planned(tariff, 700 + number))

    assert sum(isinstance(outcome, prices.PriceRefused) for outcome in outcomes) == 1
    assert tariff.prices.filter(since=NEXT).count() == 1
