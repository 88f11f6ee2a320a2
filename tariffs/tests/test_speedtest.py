"""What is kept of a speed test, how often, and what it says against the tariff."""

from datetime import timedelta
from uuid import uuid4

import pytest

from accounts.limits import LimitReached
from accounts.models import Contract
from accounts.tests.at_once import at_once
from accounts.tests.factories import ContractFactory
from billing.tests.factories import NOON
from tariffs import speedtest
from tariffs.models import Boost, Service, SpeedTest
from tariffs.speedtest import Level, Measured, ResultRefused
from tariffs.tests.factories import served

pytestmark = pytest.mark.django_db

RESULT = Measured(ping=3.14159, jitter=0.5, down=94.26, up=51.0)


@pytest.fixture(autouse=True)
def _noon(time_machine):
    """A day of another year is written with its year."""
    time_machine.move_to(NOON, tick=False)


def save(contract, *, operation=None, now=NOON, result=RESULT):
    return speedtest.save(contract.pk, result, operation=operation or uuid4(), now=now)


def a_test(**fields):
    return SpeedTest(**{"ping": 3, "jitter": 1, "down": 90, "up": 90, "tariff_down": 100, "tariff_up": 100, **fields})


# --- Saving


def test_a_result_is_kept_with_what_the_line_was_to_give():
    contract = served(speed_down=100, speed_up=60)

    save(contract)

    test = SpeedTest.objects.get()
    assert (test.contract_id, test.at) == (contract.pk, NOON)
    assert (test.ping, test.jitter, test.down, test.up) == (3.14, 0.5, 94.26, 51.0)
    assert (test.tariff_down, test.tariff_up) == (100, 60)
    assert not test.is_boosted
    assert not test.had_outage


def test_a_running_boost_is_kept_with_its_speed():
    contract = served(speed_down=100)
    Boost.objects.create(contract=contract, factor=2, started_at=NOON, ends_at=NOON + timedelta(hours=1))

    test = save(contract, now=NOON + timedelta(minutes=1))

    assert (test.tariff_down, test.is_boosted) == (200, True)


@pytest.mark.parametrize("given", [{"services": [Service.TV]}, None])
def test_without_internet_there_is_nothing_to_compare_with(given):
    contract = served(**given) if given else ContractFactory()

    test = save(contract)

    assert test.tariff_down is None
    assert speedtest.verdict(test) is None


def test_while_the_service_is_off_there_is_nothing_to_compare_with():
    contract = served()
    Contract.objects.filter(pk=contract.pk).update(state=Contract.State.SUSPENDED_FOR_DEBT)

    assert save(contract).tariff_down is None


def test_a_result_sent_twice_is_kept_once():
    contract, operation = served(), uuid4()

    first, second = [save(contract, operation=operation) for _ in range(2)]

    assert first == second == SpeedTest.objects.get()


@pytest.mark.django_db(transaction=True)
def test_two_sendings_at_once_are_one_result():
    contract, operation = served(), uuid4()

    saved = at_once(8, lambda _: save(contract, operation=operation).pk)

    assert set(saved) == {SpeedTest.objects.get().pk}


def test_what_another_contract_has_sent_is_refused():
    operation = uuid4()
    save(served(), operation=operation)

    with pytest.raises(ResultRefused, match="grown old"):
        save(served(), operation=operation)


def test_a_contract_keeps_so_many_results_in_an_hour():
    contract = served()
    for _ in range(speedtest.SAVED.ceiling):
        save(contract)

    with pytest.raises(LimitReached):
        save(contract)
    save(served())
    save(contract, now=NOON + timedelta(hours=1))

    assert SpeedTest.objects.filter(contract=contract).count() == speedtest.SAVED.ceiling + 1


def test_a_result_sent_again_does_not_count():
    contract, operation = served(), uuid4()
    for _ in range(speedtest.SAVED.ceiling + 1):
        save(contract, operation=operation)

    assert save(contract).pk


# --- Against the tariff


@pytest.mark.parametrize(
    ("down", "up", "level"),
    [(94, 92, Level.GOOD), (80, 80, Level.GOOD), (79.9, 99, Level.FAIR), (99, 50, Level.FAIR), (49, 99, Level.POOR)],
)
def test_the_worse_way_decides(down, up, level):
    judged = speedtest.verdict(a_test(down=down, up=up))

    assert (judged.down, judged.up, judged.level) == (round(down), round(up), level)


def test_faster_than_the_tariff_is_good():
    assert speedtest.verdict(a_test(down=104.6, up=103)) == speedtest.Verdict(105, 103, Level.GOOD)


def test_a_tariff_may_name_no_speed_of_upload():
    assert speedtest.verdict(a_test(up=1, tariff_up=None)) == speedtest.Verdict(90, None, Level.GOOD)


# --- As text


def test_a_result_is_told_in_plain_text():
    contract = served()
    test = a_test(at=NOON, down=94.26, up=51.04, tariff_up=50, is_boosted=True, had_outage=True)

    assert speedtest.as_text(test, contract).splitlines() == [
        f"Speed test of 20 November, 12:00, contract {contract.number}",
        "Download: 94.3 of 100 Mbit/s (94 %)",
        "Upload: 51 of 50 Mbit/s (102 %)",
        "Ping: 3 ms, jitter: 1 ms",
        "Turbo was on",
        "There was an outage at the address",
    ]


def test_without_a_tariff_the_text_tells_the_speeds_alone():
    contract = ContractFactory()
    test = a_test(at=NOON, tariff_down=None, tariff_up=None)

    assert speedtest.as_text(test, contract).splitlines()[1:] == [
        "Download: 90 Mbit/s",
        "Upload: 90 Mbit/s",
        "Ping: 3 ms, jitter: 1 ms",
    ]
