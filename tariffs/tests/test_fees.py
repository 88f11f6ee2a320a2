"""What SQL tells of a contract's months is what the picture and the pricing tell in Python."""

import json
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.tests.factories import ContractFactory
from billing import outlook, parts, shares
from billing.models import Account
from billing.seller import Months
from billing.tests.factories import NOON
from tariffs import picture, pricing
from tariffs.models import OptionPrice, Service, Subscription, Switch, TariffPrice
from tariffs.tests.factories import (
    FIRST,
    LONG_AGO,
    NEXT,
    TODAY,
    OfferFactory,
    OfferUseFactory,
    OptionFactory,
    OptionUseFactory,
    TariffFactory,
    served,
)

pytestmark = pytest.mark.django_db


def planned(contract, tariff, on) -> Switch:
    old = Subscription.objects.get(contract=contract, until=None).tariff
    return Switch.objects.create(
        operation=uuid4(), contract=contract, old=old, tariff=tariff, on=on, created_at=NOON - timedelta(days=1)
    )


def months_of(contract, today=TODAY) -> Months:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tariffs_months(%s, %s)::text", [contract.pk, today])
        return Months.read(json.loads(cursor.fetchone()[0]))


def fees(contract, *days) -> list[Decimal | None]:
    months = months_of(contract)
    return [months.fee(day) for day in days]


# What changes a month to come


def test_today_and_the_months_to_come_have_the_same_fee_while_nothing_changes():
    contract = served(fee=600)

    assert fees(contract, TODAY, NEXT, date(2030, 5, 1)) == [600, 600, 600]


def test_a_contract_without_a_tariff_has_no_fee():
    contract = ContractFactory()
    OptionUseFactory(contract=contract)

    assert fees(contract, TODAY, NEXT) == [None, None]


def test_a_planned_switch_counts_from_the_first_month_after_its_day():
    contract = served(fee=600)
    planned(contract, TariffFactory(city=contract.city, fee=900), date(2026, 12, 15))

    assert fees(contract, TODAY, NEXT, date(2027, 1, 1)) == [600, 600, 900]


def test_a_switch_that_waits_to_be_done_today_is_not_done_yet():
    contract = served(fee=600)
    planned(contract, TariffFactory(city=contract.city, fee=900), TODAY)

    assert fees(contract, TODAY, NEXT) == [600, 900]


def test_a_price_counts_from_its_month():
    contract = served(fee=600)
    TariffPrice.objects.create(tariff=contract.subscriptions.get().tariff, fee=650, since=date(2027, 2, 1))

    assert fees(contract, NEXT, date(2027, 1, 1), date(2027, 2, 1)) == [600, 600, 650]


def test_an_option_switched_off_and_an_offer_that_ends_change_the_month_after():
    contract = served(fee=600)
    OptionUseFactory(contract=contract, until=NEXT)
    OfferUseFactory(contract=contract, until=date(2027, 2, 1))

    assert fees(contract, TODAY, NEXT, date(2027, 1, 1), date(2027, 2, 1)) == [400, 300, 300, 600]


def test_an_offer_that_ends_with_the_29th_of_february():
    contract = served(fee=600)
    OfferUseFactory(contract=contract, since=date(2028, 1, 1), until=date(2028, 3, 1))

    assert fees(contract, date(2028, 1, 1), date(2028, 2, 1), date(2028, 3, 1)) == [300, 300, 600]


def test_every_kind_of_part_becomes_a_line_with_its_own_key():
    contract = served(fee=600, name="Дом 100")
    use = OptionUseFactory(contract=contract, quantity=2, option=OptionFactory(name="Приставка", fee=100))
    taken = OfferUseFactory(contract=contract, offer__name="Половина")
    key = f"month:{contract.pk}:2026-11"

    lines = outlook.stand(contract.pk, now=NOON).lines(FIRST)

    assert [(line.key, line.amount, line.title) for line in lines] == [
        (key, -600, "Дом 100"),
        (f"{key}:option:{use.pk}", -200, "Приставка × 2"),
        (f"{key}:offer:{taken.pk}", 300, "Половина"),
    ]


def test_under_a_free_tariff_the_first_paid_option_says_that_the_month_is_charged():
    contract = served(fee=0)
    OptionUseFactory(contract=contract)

    lines = outlook.stand(contract.pk, now=NOON).lines(FIRST)

    assert [(line.key, line.amount) for line in lines] == [(f"month:{contract.pk}:2026-11", -100)]


# The same as in Python

MONTHS = [date(2026, month, 1) for month in range(9, 13)] + [date(2027, month, 1) for month in range(1, 4)]
ANY_MONTH = st.sampled_from(MONTHS)
ANY_DAY = st.dates(date(2026, 9, 1), date(2027, 3, 31))
FEES = st.decimals(0, 1500, places=2)
SERVICES = st.lists(st.sampled_from(Service.values), min_size=1, unique=True)
NEEDS = st.sampled_from(["", Service.INTERNET, Service.TV])
MEANT = st.sampled_from(["all", "old", "new"])  # the tariffs an offer is for
CASES = st.fixed_dictionaries(
    {
        "tariffs": st.lists(st.tuples(FEES, SERVICES, st.none() | st.tuples(ANY_MONTH, FEES)), min_size=2, max_size=2),
        "options": st.lists(
            st.tuples(FEES, NEEDS, st.integers(1, 3), ANY_DAY, st.none() | st.integers(0, 90), st.none() | ANY_MONTH),
            max_size=3,
        ),
        "offers": st.lists(
            st.tuples(
                st.integers(1, 100),
                ANY_MONTH,
                st.integers(1, 4),
                st.integers(-1, 2),
                st.sampled_from(["all", "old", "new"]),
            ),
            max_size=4,
        ),
        "switch_on": st.none() | st.dates(TODAY + timedelta(days=1), TODAY + timedelta(days=60)),
        "day": ANY_DAY,
    }
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=CASES)
def test_sql_and_python_tell_the_same_parts(case):
    with transaction.atomic():
        contract, new = generated(case)
        switch = planned(contract, new, case["switch_on"]) if case["switch_on"] else None
        months, rest = months_of(contract), _rest(contract, case["day"])
        assert rest == parts.rest(pricing.parts(picture.of(contract.pk, case["day"])), case["day"])
        if switch:
            Subscription.objects.filter(contract=contract).update(until=switch.on)
            Subscription.objects.create(contract=contract, tariff=new, since=switch.on)
        for day in [TODAY, *(shares.first_of_month(TODAY, ahead) for ahead in range(1, 8))]:
            assert list(months.parts(day)) == pricing.parts(picture.of(contract.pk, day)), day
        transaction.set_rollback(True)


def _rest(contract, day) -> Decimal:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tariffs_rest(%s, %s)", [contract.pk, day])
        return cursor.fetchone()[0]


def generated(case):
    contract = ContractFactory(started_on=LONG_AGO)
    tariffs = [TariffFactory(city=contract.city, fee=fee, services=has) for fee, has, _price in case["tariffs"]]
    for tariff, (_fee, _has, price) in zip(tariffs, case["tariffs"], strict=True):
        if price:
            TariffPrice.objects.create(tariff=tariff, since=price[0], fee=price[1])
    Subscription.objects.create(contract=contract, tariff=tariffs[0], since=LONG_AGO)
    options = [_option(contract, *each) for each in case["options"]]
    for percent, since, length, which, meant in case["offers"]:
        option = options[which] if 0 <= which < len(options) else None
        offer = OfferFactory(percent=percent, option=option)
        if meant != "all":
            offer.tariffs.add(tariffs[meant == "new"])
        OfferUseFactory(contract=contract, offer=offer, since=since, until=shares.first_of_month(since, length))
    return contract, tariffs[1]


def _option(contract, fee, needs, quantity, since, length, priced_since):
    option = OptionFactory(needs=needs, fee=fee)
    if priced_since:
        OptionPrice.objects.create(option=option, fee=fee + 1, since=priced_since)
    until = None if length is None else since + timedelta(days=length)
    OptionUseFactory(contract=contract, option=option, quantity=quantity, since=since, until=until)
    return option


# What pages and tasks see


def test_the_standing_and_the_query_over_standings_agree():
    contract = served(fee="599.99", balance=10)
    OptionUseFactory(contract=contract, option=OptionFactory(fee="0.10"))
    OfferUseFactory(contract=contract)

    standing = outlook.stand(contract.pk, now=NOON)
    row = outlook.standing(now=NOON).get(pk=contract.pk)

    assert (row.money, row.due) == (standing.money, standing.due)
    assert standing.fee == Decimal("300.09")


def test_a_standing_is_one_query(django_assert_num_queries):
    contract = served()

    with django_assert_num_queries(1):
        assert outlook.stand(contract.pk, now=NOON).contract.subscriber.name


def test_many_standings_are_one_query(django_assert_num_queries):
    for _number in range(3):
        served()

    with django_assert_num_queries(1):
        assert len(list(outlook.each(Account.objects.all(), now=NOON))) == 3
