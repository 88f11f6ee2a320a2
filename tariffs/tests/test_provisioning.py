"""What access is becomes numbered changes, and the network is told of them in order."""

from datetime import timedelta

import pytest
import structlog

from accounts import journal
from accounts.models import Contract
from accounts.tests.at_once import at_once
from accounts.tests.factories import ContractFactory, StaffFactory
from billing.models import Account
from billing.tests.factories import NOON, put
from tariffs import access, provisioners, provisioning, reconcile
from tariffs.models import AccessChange, AccessState, Service, Subscription
from tariffs.provisioners import Order, Refused, Unreachable
from tariffs.tests.factories import LONG_AGO, TariffFactory, served
from tariffs.tests.test_access import boosted, set_state, used

State = Contract.State
SECOND = timedelta(seconds=1)
pytestmark = pytest.mark.django_db


class Equipment:
    """Carries out orders, or answers with `trouble`."""

    def __init__(self):
        self.orders: list[Order] = []
        self.trouble: Exception | None = None

    def apply(self, order: Order) -> None:
        if self.trouble:
            raise self.trouble
        self.orders.append(order)

    def told(self) -> list[tuple[int, bool, int | None]]:
        return [(order.number, order.is_on, order.down) for order in self.orders]


@pytest.fixture
def equipment(monkeypatch):
    equipment = Equipment()
    monkeypatch.setattr(provisioners, "chosen", lambda: equipment)
    return equipment


def send(now=NOON):
    provisioning.send_due(clock=lambda: now)


def changes(contract=None):
    rows = AccessChange.objects.filter(contract=contract) if contract else AccessChange.objects.all()
    return list(rows.order_by("number").values_list("number", "is_on", "down", "up", "reason"))


# Deciding


def test_the_first_comparison_writes_the_first_change():
    contract = served(speed_down=100, speed_up=50)

    assert provisioning.compare(now=NOON) == 1

    assert changes(contract) == [(1, True, 100, 50, "")]
    state = AccessState.objects.get(contract=contract)
    assert (state.is_on, state.down, state.up, state.number) == (True, 100, 50, 1)


def test_what_does_not_differ_is_left_alone():
    served(), served(services=[Service.TV]), ContractFactory()
    provisioning.compare(now=NOON)

    assert provisioning.compare(now=NOON + SECOND) == 0
    assert AccessChange.objects.count() == 3


def test_each_difference_is_the_next_change_of_its_contract():
    contract, other = served(speed_down=100), served()
    provisioning.compare(now=NOON)
    boost = boosted(contract, hours=2)

    provisioning.compare(now=NOON)
    provisioning.compare(now=boost.ends_at)
    set_state(contract, State.SUSPENDED_FOR_DEBT)
    provisioning.compare(now=boost.ends_at)

    assert changes(contract) == [
        (1, True, 100, 100, ""),
        (2, True, 200, 200, ""),
        (3, True, 100, 100, ""),
        (4, False, None, None, "debt"),
    ]
    assert len(changes(other)) == 1


def test_the_volume_used_up_is_a_difference():
    contract = served(speed_down=100, volume_gb=10, floor_speed=2)
    provisioning.compare(now=NOON)
    used(contract, down=10)

    assert provisioning.compare(now=NOON) == 1
    assert changes(contract)[-1] == (2, True, 2, 2, "")


def test_only_another_reason_is_no_difference():
    """Off stays off: the equipment has nothing to do when a debtor's contract ends."""
    contract = served()
    set_state(contract, State.SUSPENDED_FOR_DEBT)
    provisioning.compare(now=NOON)
    set_state(contract, State.TERMINATED)

    assert provisioning.compare(now=NOON) == 0


def test_two_tariffs_in_force_by_mistake_are_one_change():
    contract = served(speed_down=100)
    Subscription.objects.create(
        contract=contract, tariff=TariffFactory(), since=LONG_AGO, until=NOON.date() + timedelta(9)
    )

    assert provisioning.compare(now=NOON) == 1


def test_many_contracts_are_compared_in_steps(monkeypatch):
    monkeypatch.setattr(provisioning, "A_STEP", 2)
    for _ in range(5):
        served()

    assert provisioning.compare(now=NOON) == 5
    assert AccessState.objects.count() == 5


@pytest.mark.django_db(transaction=True)
def test_comparing_eight_times_at_once_writes_one_change():
    contract = served()

    counts = at_once(8, lambda _number: provisioning.compare(now=NOON))

    assert (sum(counts), len(changes(contract))) == (1, 1)


def test_the_open_pages_of_a_contract_hear_of_its_change(monkeypatch):
    heard = []
    monkeypatch.setattr(provisioning.live, "publish", lambda contract_id, event: heard.append((contract_id, event)))
    contract = served()
    provisioning.compare(now=NOON)
    boosted(contract)

    provisioning.compare(now=NOON)

    assert heard == [(contract.pk, "service")]


# Sending


def test_changes_are_sent_in_their_order(equipment):
    contract = served(speed_down=100)
    for state in (State.ACTIVE, State.SUSPENDED_FOR_DEBT, State.ACTIVE):
        set_state(contract, state)
        provisioning.compare(now=NOON)

    send()

    assert equipment.told() == [(1, True, 100), (2, False, None), (3, True, 100)]
    assert {order.contract_number for order in equipment.orders} == {contract.number}
    assert set(AccessChange.objects.values_list("sent_at", "next_try_at", "error")) == {(NOON, None, "")}


def test_what_was_accepted_is_not_sent_again(equipment):
    served()
    provisioning.compare(now=NOON)
    send()

    send(now=NOON + timedelta(days=1))

    assert len(equipment.orders) == 1


@pytest.mark.parametrize("trouble", [Refused("no such port"), Unreachable("timed out")])
def test_a_later_change_waits_for_the_earlier_one(equipment, trouble):
    contract = served(speed_down=100)
    provisioning.compare(now=NOON)
    set_state(contract, State.SUSPENDED_FOR_DEBT)
    provisioning.compare(now=NOON)
    equipment.trouble = trouble
    send()

    equipment.trouble = None
    send(now=NOON + SECOND)
    assert equipment.orders == []

    send(now=NOON + timedelta(seconds=5))
    assert equipment.told() == [(1, True, 100), (2, False, None)]


def test_pauses_grow_up_to_five_minutes(equipment):
    served()
    provisioning.compare(now=NOON)
    equipment.trouble, now, pauses = Unreachable("timed out"), NOON, []

    for _ in range(9):
        send(now=now)
        change = AccessChange.objects.get()
        pauses.append((change.next_try_at - now).total_seconds())
        now = change.next_try_at

    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert (change.attempts, change.error, change.sent_at) == (9, "timed out", None)


@pytest.mark.parametrize(
    ("trouble", "said"), [(Refused("no such port"), "no such port"), (ValueError("oops"), "ValueError: oops")]
)
def test_a_change_that_cannot_be_done_does_not_hold_others_up(equipment, trouble, said):
    served(), served()
    provisioning.compare(now=NOON)
    first = AccessChange.objects.earliest("pk").contract.number

    def apply(order):
        if order.contract_number == first:
            raise trouble
        equipment.orders.append(order)

    equipment.apply = apply

    send()

    assert len(equipment.orders) == 1
    assert AccessChange.objects.get(sent_at=None).error == said


def test_silent_equipment_is_asked_once_and_the_rest_is_not_counted_as_tried(equipment):
    for _ in range(3):
        served()
    provisioning.compare(now=NOON)
    equipment.trouble = Unreachable("timed out")

    assert provisioning.send_some(now=NOON) == 0

    assert sorted(AccessChange.objects.values_list("attempts", flat=True)) == [0, 0, 1]


def test_a_worker_that_died_with_a_change_only_delays_it(equipment):
    served()
    provisioning.compare(now=NOON)
    provisioning._claim(now=NOON)

    send(now=NOON + timedelta(seconds=59))
    assert equipment.orders == []

    send(now=NOON + provisioning.CLAIMED_FOR)
    assert len(equipment.orders) == 1


@pytest.mark.django_db(transaction=True)
def test_eight_workers_send_each_change_once_and_in_order(equipment):
    contracts = [served(speed_down=100) for _ in range(12)]
    for state in (State.ACTIVE, State.SUSPENDED_FOR_DEBT, State.ACTIVE):
        for contract in contracts:
            set_state(contract, state)
        provisioning.compare(now=NOON)

    at_once(8, lambda _number: send())
    send()

    assert len(equipment.orders) == 36
    for contract in contracts:
        numbers = [order.number for order in equipment.orders if order.contract_number == contract.number]
        assert numbers == [1, 2, 3]


@pytest.mark.django_db(transaction=True)
def test_nothing_is_sent_inside_a_transaction(equipment):
    from django.db import connection

    served()
    provisioning.compare(now=NOON)
    inside = []
    equipment.apply = lambda _order: inside.append(connection.in_atomic_block)

    send()

    assert inside == [False]


def test_the_log_is_told_the_whole_state():
    contract = served(speed_down=100, speed_up=50)
    provisioning.compare(now=NOON)

    with structlog.testing.capture_logs() as logs:
        send()

    assert [line for line in logs if line["event"] == "access_changed"] == [
        {
            "event": "access_changed",
            "log_level": "info",
            "contract_number": contract.number,
            "number": 1,
            "is_on": True,
            "down": 100,
            "up": 50,
        }
    ]


def test_a_provisioner_that_is_not_there_is_an_error(settings):
    settings.PROVISIONER = "pigeons"

    served()
    provisioning.compare(now=NOON)

    with pytest.raises(ImportError, match="pigeons"):
        send()
    assert AccessChange.objects.get().attempts == 0


# The money and the network


def test_money_that_arrives_brings_the_service_back_within_one_round_of_each_task(equipment):
    contract = served(fee=600, balance=0, speed_down=100)
    set_state(contract, State.SUSPENDED_FOR_DEBT)
    provisioning.compare(now=NOON)
    send()
    put(contract.pk, 600)

    reconcile.run(now=NOON + 5 * SECOND)
    provisioning.compare(now=NOON + 10 * SECOND)
    send(now=NOON + 10 * SECOND)

    assert access.stand(contract.pk, now=NOON + 10 * SECOND).is_on
    assert equipment.told() == [(1, False, None), (2, True, 100)]
    assert AccessChange.objects.latest("number").sent_at - NOON < timedelta(minutes=1)
    assert Account.objects.get(pk=contract.pk).balance >= 0


def test_the_timetable_looks_often_enough_for_a_minute():
    from mark_portal.celery import app

    app.finalize()
    every = {row["task"].rpartition(".")[2]: row["schedule"] for row in app.conf.beat_schedule.values()}

    assert every["return_lately_paid"] + every["provision"] <= timedelta(seconds=15)


# Staff


def test_a_change_that_waits_for_long_is_stuck(equipment):
    served()
    provisioning.compare(now=NOON)

    assert not provisioning.stuck(now=NOON + timedelta(minutes=5)).exists()
    assert provisioning.stuck(now=NOON + timedelta(minutes=5, seconds=1)).exists()
    send()
    assert not provisioning.stuck(now=NOON + timedelta(days=1)).exists()


def test_staff_have_it_tried_again_at_once(equipment):
    contract = served()
    provisioning.compare(now=NOON)
    equipment.trouble = Refused("no such port")
    send()
    equipment.trouble, engineer = None, StaffFactory()

    provisioning.try_again(AccessChange.objects.get().pk, by=engineer, now=NOON + SECOND)
    send(now=NOON + SECOND)

    assert len(equipment.orders) == 1
    row = journal.of(contract)[0]
    assert (row.action, row.actor, row.changes["error"]) == ("access_change_retried", engineer, "no such port")


def test_an_accepted_change_is_not_tried_again(equipment):
    served()
    provisioning.compare(now=NOON)
    send()

    with pytest.raises(provisioning.NothingToSend, match="already"):
        provisioning.try_again(AccessChange.objects.get().pk, by=StaffFactory(), now=NOON)


def test_a_change_has_its_own_number():
    from django.db import IntegrityError

    contract = served()
    provisioning.compare(now=NOON)

    with pytest.raises(IntegrityError, match="one_change_of_access_of_a_number"):
        AccessChange.objects.create(contract=contract, number=1, is_on=True, created_at=NOON)
