"""Telling that the included volume runs out: each step once a month, the deepest one reached."""

from datetime import timedelta

import pytest

from accounts import contracts
from accounts.tests.at_once import at_once
from accounts.tests.factories import ContractFactory, StaffFactory
from notifications import words
from notifications.models import Notice
from tariffs import volume_notices
from tariffs.models import Subscription, TrafficDay
from tariffs.tests.factories import LONG_AGO, NOON, TODAY, TariffFactory, served
from tariffs.usage import GIGABYTE

pytestmark = pytest.mark.django_db


def limited():
    return served(volume_gb=100, floor_speed=2)


def use(contract, gigabytes, *, day=TODAY):
    TrafficDay.objects.update_or_create(
        contract=contract, day=day, defaults={"down": int(gigabytes * GIGABYTE), "up": 0}
    )


def told(contract, *, now=NOON):
    volume_notices.tell_due(now=now)
    return list(Notice.objects.filter(contract=contract).order_by("pk").values_list("kind", flat=True))


@pytest.mark.parametrize(
    ("gigabytes", "kinds"),
    [
        (79.9, []),
        (80, ["volume_left_20"]),
        (94.9, ["volume_left_20"]),
        (95, ["volume_left_5"]),
        (99.9, ["volume_left_5"]),
        (100, ["volume_over"]),
        (500, ["volume_over"]),
    ],
)
def test_the_deepest_step_reached_is_told(gigabytes, kinds):
    contract = limited()
    use(contract, gigabytes)

    assert told(contract) == kinds


def test_every_step_is_told_once_as_it_comes():
    contract = limited()

    for gigabytes in (85, 86, 96, 97, 100, 120):
        use(contract, gigabytes)
        volume_notices.tell_due(now=NOON)

    assert told(contract) == ["volume_left_20", "volume_left_5", "volume_over"]


def test_a_step_back_by_a_corrected_file_is_not_told():
    contract = limited()
    use(contract, 96)
    volume_notices.tell_due(now=NOON)
    use(contract, 85)

    assert told(contract) == ["volume_left_5"]


def test_the_next_month_is_told_anew():
    contract = limited()
    use(contract, 85)
    volume_notices.tell_due(now=NOON)
    use(contract, 85, day=TODAY + timedelta(days=20))

    assert told(contract, now=NOON + timedelta(days=20)) == ["volume_left_20", "volume_left_20"]


def test_another_tariff_is_told_anew():
    contract = limited()
    use(contract, 100)
    volume_notices.tell_due(now=NOON)
    larger = TariffFactory(city=contract.city, volume_gb=120, floor_speed=2)
    Subscription.objects.filter(contract=contract).update(until=TODAY)
    Subscription.objects.create(contract=contract, tariff=larger, since=TODAY)

    assert told(contract) == ["volume_over", "volume_left_20"]


def test_a_tariff_without_a_limit_is_not_told():
    contract = served()
    use(contract, 5_000)

    assert told(contract) == []


def test_a_terminated_contract_is_not_told():
    contract = served(volume_gb=100, floor_speed=2, contract=ContractFactory(started_on=LONG_AGO))
    use(contract, 100)
    contracts.terminate(contract, actor=StaffFactory(), reason="x", ended_on=TODAY, now=NOON)

    assert told(contract) == []


def test_candidates_are_found_in_one_query(django_assert_num_queries):
    for _number in range(3):
        use(limited(), 10)

    with django_assert_num_queries(1):
        volume_notices.tell_due(now=NOON)


@pytest.mark.parametrize("kind", volume_notices.STEPS)
def test_a_notice_says_what_is_left_and_what_comes(kind):
    contract = limited()
    use(contract, {"volume_left_20": 87.6, "volume_left_5": 96.5, "volume_over": 101}[kind])
    volume_notices.tell_due(now=NOON)

    said = words.of(Notice.objects.get(kind=kind))

    assert said.title
    assert "2 Mbit/s" in said.text
    assert "1 December" in said.text
    assert said.link == "/cabinet/statistics/"


@pytest.mark.django_db(transaction=True)
def test_two_tasks_at_once_tell_once():
    contract = limited()
    use(contract, 85)

    at_once(4, lambda _number: volume_notices.tell_due(now=NOON))

    assert Notice.objects.filter(contract=contract).count() == 1
