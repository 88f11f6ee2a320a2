"""The included volume: what is used in a local month, and what is left."""

from datetime import date

import pytest

from tariffs import usage
from tariffs.models import Subscription, TrafficDay
from tariffs.tests.factories import TODAY, served
from tariffs.usage import GIGABYTE

pytestmark = pytest.mark.django_db


def limited(*, volume_gb=100):
    return served(volume_gb=volume_gb, floor_speed=1)


def used(contract, gigabytes, *, day=TODAY, up=0):
    TrafficDay.objects.create(contract=contract, day=day, down=int(gigabytes * GIGABYTE), up=int(up * GIGABYTE))


def past(today=TODAY):
    return set(
        Subscription.objects.in_force(today).filter(usage.past_volume(today)).values_list("contract_id", flat=True)
    )


def test_both_directions_count():
    contract = limited()
    used(contract, 30, up=12)

    assert usage.of(contract.pk, today=TODAY).left == 58 * GIGABYTE


def test_only_days_of_this_month_count():
    contract = limited()
    for day in (date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 30), date(2026, 12, 1)):
        used(contract, 10, day=day)

    assert usage.of(contract.pk, today=TODAY).used == 20 * GIGABYTE


def test_nothing_used_is_nothing_used():
    volume = usage.of(limited().pk, today=TODAY)

    assert (volume.used, volume.left, volume.is_past) == (0, 100 * GIGABYTE, False)


def test_a_tariff_without_a_limit_has_no_volume():
    contract = served()
    used(contract, 5_000)

    assert usage.of(contract.pk, today=TODAY) is None
    assert past() == set()


def test_another_contract_does_not_count():
    contract = limited()
    used(limited(), 100)

    assert usage.of(contract.pk, today=TODAY).used == 0
    assert contract.pk not in past()


def test_the_last_byte_used_is_past_the_volume():
    nearly, wholly = limited(), limited()
    TrafficDay.objects.create(contract=nearly, day=TODAY, down=100 * GIGABYTE - 1, up=0)
    TrafficDay.objects.create(contract=wholly, day=TODAY, down=100 * GIGABYTE - 1, up=1)

    assert past() == {wholly.pk}
    assert [usage.of(contract.pk, today=TODAY).is_past for contract in (nearly, wholly)] == [False, True]


def test_what_is_past_the_volume_is_so_until_the_month_ends():
    contract = limited()
    used(contract, 101)

    assert (past(), past(date(2026, 11, 30)), past(date(2026, 12, 1))) == ({contract.pk}, {contract.pk}, set())
    assert usage.of(contract.pk, today=TODAY).ends_on == date(2026, 12, 1)


def test_a_leap_day_belongs_to_february():
    contract = limited()
    used(contract, 60, day=date(2028, 2, 29))
    used(contract, 60, day=date(2028, 2, 1))

    assert past(date(2028, 2, 29)) == {contract.pk}
    assert past(date(2028, 3, 1)) == set()


def test_a_volume_is_read_in_one_query(django_assert_num_queries):
    contract = limited()
    used(contract, 1)

    with django_assert_num_queries(1):
        usage.of(contract.pk, today=TODAY)
