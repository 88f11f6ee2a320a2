"""Whether the service is on, why not, and how fast it is now."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest

from accounts.models import Contract
from accounts.tests.factories import ContractFactory
from billing.tests.factories import NOON
from tariffs import access, usage
from tariffs.access import Reason
from tariffs.models import Boost, Service, Subscription, TrafficDay
from tariffs.tests.factories import LONG_AGO, NEXT, TODAY, TariffFactory, served

GB = usage.GIGABYTE
State = Contract.State
pytestmark = pytest.mark.django_db


def boosted(contract, *, factor=2, started_at=NOON - timedelta(hours=1), hours=3, **fields) -> Boost:
    ends_at = started_at + timedelta(hours=hours)
    return Boost.objects.create(contract=contract, factor=factor, started_at=started_at, ends_at=ends_at, **fields)


def used(contract, *, down=0, up=0, day=TODAY):
    TrafficDay.objects.create(contract=contract, day=day, down=down * GB, up=up * GB)


def speed(contract, *, now=NOON):
    stands = access.stand(contract.pk, now=now)
    return stands.down, stands.up


def set_state(contract, state):
    ended_on = date(2026, 11, 1) if state == State.TERMINATED else None
    Contract.objects.filter(pk=contract.pk).update(state=state, ended_on=ended_on)


def test_an_active_contract_has_the_speed_of_its_tariff():
    contract = served(speed_down=100, speed_up=50)

    stands = access.stand(contract.pk, now=NOON)

    assert (stands.is_on, stands.reason, stands.down, stands.up) == (True, None, 100, 50)
    assert (stands.tariff.name, stands.boost, stands.is_past_volume) == (
        contract.subscriptions.get().tariff.name,
        None,
        False,
    )


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (State.SUSPENDED_FOR_DEBT, Reason.DEBT),
        (State.SUSPENDED_BY_WISH, Reason.WISH),
        (State.TERMINATED, Reason.TERMINATED),
    ],
)
def test_a_suspended_or_ended_contract_has_no_speed(state, reason):
    contract = served()
    boosted(contract)
    set_state(contract, state)

    stands = access.stand(contract.pk, now=NOON)

    assert (stands.is_on, stands.reason, stands.down, stands.up) == (False, reason, None, None)
    assert access.of(Contract.objects.get(pk=contract.pk)).reason == reason


def test_without_a_tariff_there_is_no_service():
    stands = access.stand(ContractFactory().pk, now=NOON)

    assert (stands.is_on, stands.reason, stands.tariff, stands.down) == (False, Reason.TARIFF, None, None)


def test_television_alone_is_on_and_has_no_speed():
    contract = served(services=[Service.TV])

    stands = access.stand(contract.pk, now=NOON)

    assert (stands.is_on, stands.down, stands.up) == (True, None, None)


@pytest.mark.parametrize(
    ("now", "down"),
    [
        (datetime(2026, 11, 30, 19, 59, 59, tzinfo=UTC), 100),
        (datetime(2026, 11, 30, 20, tzinfo=UTC), 300),  # midnight in Izhevsk
    ],
)
def test_the_tariff_of_the_local_day_counts(now, down):
    contract = ContractFactory()
    old, new = TariffFactory(speed_down=100), TariffFactory(speed_down=300)
    Subscription.objects.create(contract=contract, tariff=old, since=LONG_AGO, until=NEXT)
    Subscription.objects.create(contract=contract, tariff=new, since=NEXT)

    assert speed(contract, now=now) == (down, down)


def test_before_its_first_day_a_tariff_does_not_count():
    contract = ContractFactory()
    Subscription.objects.create(contract=contract, tariff=TariffFactory(), since=NEXT)

    assert access.stand(contract.pk, now=NOON).reason == Reason.TARIFF


# Boosts


def test_a_boost_multiplies_both_speeds():
    contract = served(speed_down=100, speed_up=55)
    boost = boosted(contract, factor=Decimal("2.5"))

    assert speed(contract) == (250, 138)
    assert access.stand(contract.pk, now=NOON).boost == boost


@pytest.mark.parametrize(("full", "times"), [(500, 1000), (400, 800), (2000, 2000)])
def test_a_boost_goes_up_to_the_lines_limit_and_slows_nobody(full, times, settings):
    settings.LINE_MBIT = 1000
    contract = served(speed_down=full)
    boosted(contract, factor=2 if full < 500 else 3)

    assert speed(contract) == (times, times)


@pytest.mark.parametrize("full", [1, 33, 77, 100, 333, 450, 1500])
@pytest.mark.parametrize("factor", ["1.0", "1.5", "2.0", "2.5", "9.9"])
def test_the_speed_foretold_is_the_speed_given(full, factor):
    contract = served(speed_down=full)
    boosted(contract, factor=Decimal(factor))

    assert speed(contract)[0] == access.boosted(full, Decimal(factor))


def test_a_boost_counts_until_its_end_also_if_nobody_has_closed_it():
    contract = served(speed_down=100)
    boost = boosted(contract)

    assert speed(contract, now=boost.ends_at - timedelta(seconds=1)) == (200, 200)
    assert speed(contract, now=boost.ends_at) == (100, 100)
    assert access.stand(contract.pk, now=boost.ends_at).boost is None


def test_a_stopped_boost_does_not_count():
    contract = served(speed_down=100)
    boosted(contract, state=Boost.State.STOPPED)

    assert speed(contract) == (100, 100)


def test_a_bundle_without_internet_has_no_speed_to_lift():
    contract = served(services=[Service.TV, Service.TELEPHONY])
    boosted(contract)

    assert speed(contract) == (None, None)


# The included volume


def test_past_the_volume_the_speed_falls_to_the_floor():
    contract = served(speed_down=100, volume_gb=10, floor_speed=2)
    used(contract, down=6, up=2, day=date(2026, 11, 1))
    assert speed(contract) == (100, 100)

    used(contract, down=1, up=1)

    assert speed(contract) == (2, 2)
    assert access.stand(contract.pk, now=NOON).is_past_volume


def test_the_floor_ends_with_the_local_month():
    contract = served(speed_down=100, volume_gb=10, floor_speed=2)
    used(contract, down=10)

    assert speed(contract, now=datetime(2026, 11, 30, 19, 59, tzinfo=UTC)) == (2, 2)
    assert speed(contract, now=datetime(2026, 11, 30, 20, tzinfo=UTC)) == (100, 100)


def test_traffic_of_another_contract_or_without_a_volume_slows_nobody():
    limited = served(speed_down=100, volume_gb=10, floor_speed=2)
    free = served(speed_down=100)
    used(free, down=1000)

    assert (speed(limited), speed(free)) == ((100, 100), (100, 100))


def test_a_boost_lifts_the_full_speed_also_past_the_volume():
    contract = served(speed_down=100, volume_gb=10, floor_speed=2)
    used(contract, down=10)
    boosted(contract)

    assert speed(contract) == (200, 200)


def test_a_floor_faster_than_the_tariff_lifts_nobody():
    contract = served(speed_down=5, volume_gb=1, floor_speed=10)
    used(contract, down=1)

    assert speed(contract) == (5, 5)


TARIFFS = {
    "none": None,
    "television": {"services": [Service.TV]},
    "internet": {"speed_down": 100, "speed_up": 55},
    "bundle": {"services": [Service.INTERNET, Service.TV], "speed_down": 33, "speed_up": 11},
    "bundle without internet": {"services": [Service.TV, Service.TELEPHONY]},
    "volume": {"speed_down": 100, "speed_up": 5, "volume_gb": 10, "floor_speed": 7},
    "faster than the line": {"speed_down": 2000, "speed_up": 600},
}


@pytest.mark.parametrize("tariff", TARIFFS.values(), ids=TARIFFS)
def test_what_is_compared_for_all_is_what_a_page_shows_of_one(tariff):
    """Two derivations, one answer: for every state, boost and amount of traffic."""
    for state, factor, gigabytes in product(State, [None, Decimal("1.5"), Decimal("9.9")], [0, 9, 10]):
        contract = served(**tariff) if tariff else ContractFactory()
        set_state(contract, state)
        if factor:
            boosted(contract, factor=factor)
        used(contract, down=gigabytes)

    for row in access.derived(now=NOON):
        stands = access.stand(row.pk, now=NOON)
        assert (row.off, row.speeds) == (stands.reason or "", [stands.down, stands.up])


def test_one_query_tells_it(django_assert_num_queries):
    contract = served(volume_gb=10, floor_speed=2)
    boosted(contract)

    with django_assert_num_queries(1):
        stands = access.stand(contract.pk, now=NOON)
        assert stands.tariff.name
        assert stands.boost.factor
