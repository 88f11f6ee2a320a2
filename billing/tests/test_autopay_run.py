"""The days of autopay, by the sandbox's bank."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Event
from time import sleep

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import Contract
from accounts.tests.at_once import at_once
from billing import autopay, autopay_run, payments, saved_methods
from billing.models import Account, Autopay, BankPayment, EntryKind, Payment
from billing.tests.factories import AutopayFactory, PaymentMethodFactory, account_of, put
from notifications.models import Notice

FIRST = datetime(2026, 10, 31, 20, 10, tzinfo=UTC)  # 1 November, 00:10 in Izhevsk
DAY_BEFORE = datetime(2026, 11, 29, 8, tzinfo=UTC)
LAST_DAY = datetime(2026, 11, 30, 8, tzinfo=UTC)  # noon in Izhevsk


def an_autopay(balance=100, *, fee=600, card="4477", **fields) -> Autopay:
    account = account_of(balance=Decimal(balance) + fee)
    put(account.pk, -fee, kind=EntryKind.MONTH, now=FIRST)
    method = PaymentMethodFactory(account=account, title=f"Мир •• {card}")
    return AutopayFactory(method=method, **fields)


@pytest.fixture
def running(db):
    return an_autopay()


def balance_of(running) -> Decimal:
    return Account.objects.get(pk=running.pk).balance


def told() -> list[str]:
    return list(Notice.objects.order_by("pk").values_list("kind", flat=True))


def test_on_the_day_before_the_charge_what_is_missing_is_topped_up_from_the_card(running):
    autopay_run.run_due(now=LAST_DAY)

    payment = Payment.objects.get()
    assert (payment.state, payment.amount, balance_of(running)) == (Payment.State.SUCCEEDED, 500, 600)
    assert (payment.is_automatic, payment.method, payment.saved_method) == (True, "saved", running.method)
    assert (payment.contact, told()) == (running.contact, ["autopay_paid"])


@pytest.mark.parametrize(
    "now",
    [
        LAST_DAY.replace(hour=5, minute=59),  # 09:59
        datetime(2026, 11, 30, 20, 0, tzinfo=UTC),  # midnight has passed: 1 December
        LAST_DAY - timedelta(days=15),
    ],
)
def test_at_no_other_time(running, now):
    autopay_run.run_due(now=now)

    assert not Payment.objects.exists()


@pytest.mark.parametrize(
    "now",
    [
        LAST_DAY.replace(hour=6),  # 10:00
        datetime(2026, 11, 30, 19, 59, tzinfo=UTC),  # 23:59
        datetime(2027, 2, 28, 8, tzinfo=UTC),
        datetime(2028, 2, 29, 8, tzinfo=UTC),
        datetime(2026, 12, 31, 8, tzinfo=UTC),
    ],
)
def test_from_ten_to_midnight_of_any_last_day(running, now):
    autopay_run.run_due(now=now)

    assert Payment.objects.get().amount == 500


def test_once_a_charge_however_often_it_runs(running):
    for minutes in range(0, 600, 50):
        autopay_run.run_due(now=LAST_DAY + timedelta(minutes=minutes))
    put(running.pk, -300)  # even if money was spent since
    autopay_run.run_due(now=LAST_DAY + timedelta(hours=10))

    assert (Payment.objects.count(), balance_of(running)) == (1, 300)


def test_once_more_before_the_next_charge(running):
    autopay_run.run_due(now=LAST_DAY)
    put(running.pk, -600, kind=EntryKind.MONTH, now=FIRST + timedelta(days=30))

    autopay_run.run_due(now=LAST_DAY + timedelta(days=31))

    assert [payment.amount for payment in Payment.objects.order_by("pk")] == [500, 600]


def test_nothing_when_the_money_is_there(db):
    an_autopay(balance=600)

    autopay_run.run_due(now=LAST_DAY)

    assert (Payment.objects.count(), told()) == (0, [])


def test_money_spent_later_that_day_is_still_topped_up(db):
    running = an_autopay(balance=600)
    autopay_run.run_due(now=LAST_DAY)
    put(running.pk, -50)

    autopay_run.run_due(now=LAST_DAY + timedelta(hours=3))

    assert Payment.objects.get().amount == 50


def test_above_the_limit_nothing_is_charged_and_it_is_told_once(db):
    an_autopay(limit=Decimal("499.99"))

    autopay_run.run_due(now=LAST_DAY)
    autopay_run.run_due(now=LAST_DAY + timedelta(hours=1))

    assert (Payment.objects.count(), told()) == (0, ["autopay_over_limit"])
    assert Notice.objects.get().facts == {
        "sum": "500.00",
        "limit": "499.99",
        "card": "Мир •• 4477",
        "charge_on": "2026-12-01",
    }


@pytest.mark.parametrize("state", [Contract.State.SUSPENDED_BY_WISH, Contract.State.TERMINATED])
def test_contracts_that_are_not_charged_are_left_alone(running, state):
    ended_on = FIRST.date() if state == Contract.State.TERMINATED else None
    Contract.objects.filter(pk=running.pk).update(state=state, ended_on=ended_on)

    autopay_run.run_due(now=LAST_DAY)

    assert not Payment.objects.exists()


def test_a_service_that_is_off_for_debt_returns_and_has_its_next_month(db):
    running = an_autopay(balance=0)
    Contract.objects.filter(pk=running.pk).update(state=Contract.State.SUSPENDED_FOR_DEBT)

    autopay_run.run_due(now=LAST_DAY)

    assert Payment.objects.get().amount == Decimal("620")


@pytest.mark.parametrize("end", ["off", "card"])
def test_one_switched_off_charges_nothing(running, end):
    if end == "off":
        autopay.turn_off(running.pk, now=DAY_BEFORE)
    else:
        saved_methods.forget(running.pk, method_id=running.method_id, now=DAY_BEFORE)

    autopay_run.run_due(now=LAST_DAY)

    assert not Payment.objects.exists()


def test_a_declined_card_is_told_and_not_tried_again_for_this_charge(db):
    running = an_autopay(card="0002")

    autopay_run.run_due(now=LAST_DAY)
    autopay_run.run_due(now=LAST_DAY + timedelta(hours=1))

    running.refresh_from_db()
    assert (running.failures, Payment.objects.get().failure) == (1, "insufficient_funds")
    assert told() == ["autopay_failed"]


def test_after_three_months_of_failures_it_is_switched_off(db):
    running = an_autopay(card="0002")

    for last_day in (
        LAST_DAY,
        LAST_DAY + timedelta(days=31),
        LAST_DAY + timedelta(days=62),
        datetime(2027, 2, 28, 8, tzinfo=UTC),
    ):
        autopay_run.run_due(now=last_day)

    running.refresh_from_db()
    assert (running.is_on, running.stopped, Payment.objects.count()) == (False, "failures", 3)
    assert told() == ["autopay_failed", "autopay_failed", "autopay_stopped"]


def test_a_card_that_the_bank_has_withdrawn_ends_it_at_once(db):
    running = an_autopay(card="0341")

    autopay_run.run_due(now=LAST_DAY)

    running.refresh_from_db()
    assert (running.is_on, running.stopped, told()) == (False, "card", ["autopay_stopped"])


def test_a_lost_answer_is_asked_for_again_and_one_payment_is_made(db):
    running = an_autopay(card="0408")

    autopay_run.run_due(now=LAST_DAY)
    at_first = Payment.objects.get().state
    payments.recheck_hanging(now=LAST_DAY + timedelta(minutes=1))

    assert (at_first, Payment.objects.get().state) == (Payment.State.NEW, Payment.State.SUCCEEDED)
    assert (BankPayment.objects.count(), balance_of(running)) == (1, 600)


@pytest.mark.parametrize("dies_in", ["start", "learn"])
def test_a_worker_killed_before_or_after_the_bank_charges_once(running, monkeypatch, dies_in):
    def die(*_args, **_kwargs):
        raise SystemExit

    with monkeypatch.context() as dying, pytest.raises(SystemExit):
        dying.setattr(payments, dies_in, die)
        autopay_run.run_due(now=LAST_DAY)
    autopay_run.run_due(now=LAST_DAY + timedelta(minutes=2))
    payments.recheck_hanging(now=LAST_DAY + timedelta(minutes=2))

    assert (Payment.objects.count(), BankPayment.objects.count(), balance_of(running)) == (1, 1, 600)


def test_a_gateway_that_is_switched_off_is_told_and_is_no_failure_of_the_card(running, settings):
    settings.PAYMENT_GATEWAYS = []

    autopay_run.run_due(now=LAST_DAY)
    autopay_run.run_due(now=LAST_DAY + timedelta(hours=1))

    running.refresh_from_db()
    assert (running.failures, Payment.objects.count(), told()) == (0, 0, ["autopay_failed"])


def test_two_days_before_the_charge_the_sum_is_announced_once(running):
    autopay_run.run_due(now=DAY_BEFORE)
    autopay_run.run_due(now=DAY_BEFORE + timedelta(hours=1))

    notice = Notice.objects.get()
    assert (notice.kind, notice.facts["sum"], notice.facts["charge_on"]) == ("autopay_tomorrow", "500.00", "2026-12-01")
    assert not Payment.objects.exists()


def test_a_limit_too_small_is_said_in_time_to_raise_it(db):
    running = an_autopay(limit=Decimal(400))
    autopay_run.run_due(now=DAY_BEFORE)
    Autopay.objects.update(limit=500)

    autopay_run.run_due(now=LAST_DAY)

    assert (told(), balance_of(running)) == (["autopay_over_limit", "autopay_paid"], 600)


def test_one_round_charges_so_many_and_the_next_goes_on(db, monkeypatch):
    monkeypatch.setattr(autopay_run, "A_ROUND", 2)
    for _ in range(3):
        an_autopay()

    rounds = [autopay_run.run_due(now=LAST_DAY + timedelta(minutes=number)) for number in range(3)]

    assert rounds == [2, 1, 0]


def test_looking_at_those_who_need_nothing_costs_one_query(db, django_assert_num_queries):
    for _ in range(5):
        an_autopay(balance=600)

    with django_assert_num_queries(1):
        autopay_run.run_due(now=LAST_DAY)


SUMS = st.decimals(Decimal("-2000"), Decimal("2000"), places=2)
FEES = st.decimals(Decimal("0.01"), Decimal("2000"), places=2)
LIMITS = st.decimals(Decimal("1"), Decimal("3000"), places=2)


@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=SUMS, fee=FEES, limit=LIMITS, is_off=st.booleans())
def test_never_more_than_agreed_and_enough_when_it_charges(db, before, fee, limit, is_off):
    running = an_autopay(balance=before, fee=fee, limit=limit)
    if is_off:
        Contract.objects.filter(pk=running.pk).update(state=Contract.State.SUSPENDED_FOR_DEBT)

    autopay_run.run_due(now=LAST_DAY)

    payment = Payment.objects.filter(account=running.pk).first()
    if payment is None:
        needed = fee - before + (fee if is_off else 0)
        assert needed <= 0 or before >= fee or max(needed, Decimal(1)) > limit
    else:
        assert Decimal(1) <= payment.amount <= limit
        assert balance_of(running) >= fee


@pytest.mark.django_db(transaction=True)
def test_eight_workers_at_once_charge_each_card_once():
    autopays = [an_autopay() for _ in range(4)]

    results = at_once(8, lambda _number: autopay_run.run_due(now=LAST_DAY))

    assert not [result for result in results if isinstance(result, Exception)]
    assert (Payment.objects.count(), BankPayment.objects.count()) == (4, 4)
    assert {balance_of(running) for running in autopays} == {600}


@pytest.mark.django_db(transaction=True)
def test_switched_off_at_the_same_moment_it_charges_once_or_never():
    for _ in range(5):
        running = an_autopay()

        at_once(
            2,
            lambda number, pk=running.pk: (
                autopay_run.run_due(now=LAST_DAY) if number else autopay.turn_off(pk, now=LAST_DAY)
            ),
        )

        paid = Payment.objects.filter(account=running.pk).count()
        assert balance_of(running) == (600 if paid else 100)
        assert not Autopay.objects.get(pk=running.pk).is_on


@pytest.mark.django_db(transaction=True)
def test_one_being_switched_off_is_waited_for_and_not_charged():
    running, is_held = an_autopay(), Event()

    def switch_off_slowly():
        with transaction.atomic():
            autopay.turn_off(running.pk, now=LAST_DAY)
            is_held.set()
            sleep(0.5)

    def charge_meanwhile():
        is_held.wait()
        return autopay_run.run_due(now=LAST_DAY)

    _off, charged = at_once(2, lambda number: charge_meanwhile() if number else switch_off_slowly())

    assert (charged, Payment.objects.count()) == (0, 0)
