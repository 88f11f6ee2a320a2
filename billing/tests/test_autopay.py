"""The consent to charge a saved card, what it takes, how failures end it."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Contract
from accounts.tests.at_once import at_once
from accounts.tests.factories import ContractFactory
from billing import autopay, crediting, payments, saved_methods, shares
from billing.gateways import PaymentState, Saved, Status
from billing.models import Account, Autopay, Payment, PaymentMethod
from billing.outlook import Standing
from billing.seller import Months
from billing.tests.factories import NOON, AutopayFactory, PaymentFactory, PaymentMethodFactory, account_of
from notifications.models import Notice


def turn_on(method, *, contract_id=None, **given):
    agreed = {"limit": Decimal(1500), "contact": "ivanova@example.ru", "consent": "I agree."} | given
    return autopay.turn_on(contract_id or method.account_id, method_id=method.pk, now=NOON, **agreed)


def told() -> list[str]:
    return list(Notice.objects.order_by("pk").values_list("kind", flat=True))


@pytest.fixture
def method(db):
    return PaymentMethodFactory()


def test_the_very_words_agreed_to_are_kept_with_the_card_the_limit_and_the_contact(method):
    turned_on = turn_on(method, consent=autopay.consent_words())

    words, particulars = turned_on.consent.split("\n\n")
    assert words == autopay.consent_words()
    assert particulars == "Мир •• 4477 · 1,500.00\u00a0₽ · ivanova@example.ru"
    assert (turned_on.is_on, turned_on.consented_at, told()) == (True, NOON, ["autopay_on"])


def test_the_words_name_sum_regularity_and_how_to_stop():
    words = autopay.consent_words()

    for said in ("missing", "never more than the limit", "one day before each monthly charge", "switch autopay off"):
        assert said in words


def test_the_same_consent_again_changes_nothing(method):
    first = turn_on(method)

    again = turn_on(method, consent="I agree, later.")

    assert (again.consent, told()) == (first.consent, ["autopay_on"])


def test_another_limit_is_another_consent_and_forgets_failures(method):
    turn_on(method)
    Autopay.objects.update(failures=2)

    changed = autopay.turn_on(
        method.account_id,
        method_id=method.pk,
        limit=Decimal(900),
        contact="+79120000001",
        consent="I agree.",
        now=NOON + timedelta(days=1),
    )

    assert (changed.limit, changed.failures, told()) == (900, 0, ["autopay_on", "autopay_on"])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"limit": Decimal("0.99")}, "limit"),
        ({"limit": Decimal(100_001)}, "limit"),
        ({"limit": Decimal("100.001")}, "limit"),
        ({"consent": ""}, "consent"),
        ({"contact": "nobody"}, "e-mail"),
    ],
)
def test_what_is_not_agreed_to(method, given, words):
    with pytest.raises(autopay.AutopayRefused, match=words):
        turn_on(method, **given)

    assert not Autopay.objects.exists()


def test_another_contracts_card_is_nobodys(method):
    with pytest.raises(autopay.AutopayRefused, match="no such saved card"):
        turn_on(method, contract_id=account_of().pk)


def test_a_removed_card_is_refused(method):
    saved_methods.forget(method.account_id, method_id=method.pk, now=NOON)

    with pytest.raises(autopay.AutopayRefused, match="no such saved card"):
        turn_on(method)


def test_a_terminated_contract_has_no_autopay(db):
    contract = ContractFactory(state=Contract.State.TERMINATED, ended_on=date(2026, 11, 1))
    method = PaymentMethodFactory(account=account_of(contract))

    with pytest.raises(autopay.AutopayRefused, match="has ended"):
        turn_on(method)


def test_switched_off_it_says_why_and_tells_once(method):
    turn_on(method)

    autopay.turn_off(method.account_id, now=NOON)
    autopay.turn_off(method.account_id, now=NOON)

    off = Autopay.objects.get()
    assert (off.is_on, off.stopped, off.stopped_at, told()) == (False, "wish", NOON, ["autopay_on", "autopay_off"])


def test_switching_off_what_was_never_on_does_nothing(method):
    autopay.turn_off(method.account_id, now=NOON)

    assert told() == []


def test_removing_its_card_stops_it(method):
    turn_on(method)

    saved_methods.forget(method.account_id, method_id=method.pk, now=NOON)

    stopped = Autopay.objects.get()
    assert (stopped.is_on, stopped.stopped, told()) == (False, "card", ["autopay_on", "autopay_off"])


def test_removing_another_card_does_not(method):
    turn_on(method)
    other = PaymentMethodFactory(account=method.account)

    saved_methods.forget(method.account_id, method_id=other.pk, now=NOON)

    assert Autopay.objects.get().is_on


@pytest.mark.parametrize("whose", ["another contract's", "removed already"])
def test_only_ones_own_card_is_removed_and_once(method, whose):
    contract_id = method.account_id
    if whose == "another contract's":
        contract_id = account_of().pk
    else:
        saved_methods.forget(contract_id, method_id=method.pk, now=NOON)

    with pytest.raises(saved_methods.NoSuchMethod):
        saved_methods.forget(contract_id, method_id=method.pk, now=NOON)

    assert PaymentMethod.objects.usable().count() == (1 if whose == "another contract's" else 0)


def test_a_removed_card_that_is_kept_again_returns(method):
    saved_methods.forget(method.account_id, method_id=method.pk, now=NOON)

    saved_methods.keep(method.account, method.gateway, Saved(method.gateway_id, "Мир •• 4477"), now=NOON)

    assert PaymentMethod.objects.usable().get() == method


def test_a_number_of_another_account_is_not_lent(method):
    other = account_of()

    kept = saved_methods.keep(other, method.gateway, Saved(method.gateway_id, "Мир •• 4477"), now=NOON)

    assert (kept, other.payment_methods.count()) == (None, 0)


# --- What it takes


def planned(state="active", *, balance="0", fee="600", today=date(2026, 11, 20)) -> autopay.Plan:
    account = Account(contract=Contract(state=state), balance=Decimal(balance))
    months = Months.same(Decimal(fee) if fee else None)
    return autopay.plan(Standing(account, today, months, True, Decimal(0), None))


def taken(*args, **fields) -> Decimal:
    return planned(*args, **fields).amount


@pytest.mark.parametrize(
    ("balance", "amount"),
    [("0", "600"), ("100.50", "499.50"), ("-50", "650"), ("600", "0"), ("900", "0"), ("599.60", "1")],
)
def test_it_takes_exactly_what_is_missing_but_no_less_than_a_payment_can_be(balance, amount):
    assert taken(balance=balance) == Decimal(amount)


def test_nothing_without_a_monthly_fee():
    assert taken(balance="-100", fee=None) == 0


@pytest.mark.parametrize("state", ["wish", "terminated"])
def test_nothing_while_nothing_is_charged(state):
    assert taken(state, balance="0") == 0


@pytest.mark.parametrize(("today", "amount"), [(date(2026, 11, 20), "620"), (date(2028, 2, 29), "620.69")])
def test_for_a_service_off_for_debt_also_the_day_on_which_it_returns(today, amount):
    assert taken("debt", balance="0", today=today) == Decimal(amount)


def test_that_sum_covers_the_day_and_the_month():
    last_day = date(2026, 11, 30)

    balance = Decimal("17.33") + taken("debt", balance="17.33", fee="777.77", today=last_day)

    assert balance - shares.rest(Decimal("777.77"), last_day) - Decimal("777.77") == 0


@pytest.mark.parametrize(
    ("today", "takes_on", "charge_on"),
    [
        (date(2026, 11, 20), date(2026, 11, 30), date(2026, 12, 1)),
        (date(2026, 12, 31), date(2026, 12, 31), date(2027, 1, 1)),
        (date(2028, 2, 1), date(2028, 2, 29), date(2028, 3, 1)),
    ],
)
def test_it_takes_one_day_before_the_charge(today, takes_on, charge_on):
    plan = planned(today=today)

    assert (plan.takes_on, plan.charge_on) == (takes_on, charge_on)


# --- Successes and failures


@pytest.fixture
def running(db):
    return AutopayFactory()


def a_payment(running, **fields) -> Payment:
    return PaymentFactory(
        account=running.account, method="saved", saved_method=running.method, is_automatic=True, **fields
    )


def fail(running, failure="insufficient_funds", **fields):
    payment = a_payment(running, **fields)
    with transaction.atomic():
        crediting.cancel(crediting.lock(payment.pk), failure=failure, now=NOON)
    running.refresh_from_db()


def succeed(payment):
    state = PaymentState(
        gateway_id=payment.gateway_id,
        status=Status.SUCCEEDED,
        amount=payment.amount,
        currency="RUB",
        shop="sandbox",
        reference=str(payment.operation),
        contract_number=payment.account.contract.number,
    )
    payments.learn(payment.pk, state, now=NOON)


def test_a_failure_is_counted_and_told_with_the_banks_reason(running):
    fail(running)

    notice = Notice.objects.get()
    assert (running.failures, running.is_on, notice.kind) == (1, True, "autopay_failed")
    assert (notice.facts["failure"], notice.facts["card"]) == ("insufficient_funds", "Мир •• 4477")


def test_the_third_failure_in_a_row_switches_it_off(running):
    for _ in range(3):
        fail(running)

    assert (running.is_on, running.stopped, running.failures) == (False, "failures", 3)
    assert told() == ["autopay_failed", "autopay_failed", "autopay_stopped"]


def test_a_success_forgets_the_failures(running):
    fail(running)
    fail(running)

    succeed(a_payment(running))
    fail(running)

    assert (running.is_on, running.failures) == (True, 1)


def test_a_payment_closed_twice_is_counted_once(running):
    payment = a_payment(running)

    for _ in range(3):
        with transaction.atomic():
            crediting.cancel(crediting.lock(payment.pk), failure="declined", now=NOON)

    running.refresh_from_db()
    assert (running.failures, told()) == (1, ["autopay_failed"])


def test_one_paid_by_autopay_is_told_as_such(running):
    succeed(a_payment(running))

    assert told() == ["autopay_paid"]


def test_a_permission_withdrawn_at_the_bank_ends_it_at_once(running):
    fail(running, "method_revoked")

    running.method.refresh_from_db()
    assert (running.is_on, running.stopped, told()) == (False, "card", ["autopay_stopped"])
    assert running.method.forgotten_at == NOON


def test_an_ordinary_payments_failure_is_not_counted(running):
    payment = PaymentFactory(account=running.account)

    with transaction.atomic():
        crediting.cancel(crediting.lock(payment.pk), failure="declined", now=NOON)

    running.refresh_from_db()
    assert (running.failures, told()) == (0, [])


def test_a_failure_of_the_former_card_is_told_and_not_counted(running):
    payment = a_payment(running)
    Autopay.objects.update(method=PaymentMethodFactory(account=running.account))

    with transaction.atomic():
        crediting.cancel(crediting.lock(payment.pk), failure="declined", now=NOON)

    running.refresh_from_db()
    assert (running.failures, told()) == (0, ["autopay_failed"])


@pytest.mark.parametrize(
    "fields", [{"is_on": False}, {"stopped": "wish"}, {"is_on": False, "stopped_at": NOON}, {"stopped_at": NOON}]
)
def test_the_database_refuses_one_stopped_without_a_reason(running, fields):
    with pytest.raises(IntegrityError, match="a_stopped_autopay_says_why"), transaction.atomic():
        Autopay.objects.update(**fields)


def test_the_database_keeps_one_card_per_number_at_a_gateway(method):
    with pytest.raises(IntegrityError, match="one_saved_method_per_number"), transaction.atomic():
        PaymentMethodFactory(gateway_id=method.gateway_id)


# --- At once


@pytest.mark.django_db(transaction=True)
def test_eight_clicks_at_once_are_one_consent():
    method = PaymentMethodFactory()

    results = at_once(8, lambda _number: turn_on(method))

    assert {type(result) for result in results} == {Autopay}
    assert (Autopay.objects.count(), told()) == (1, ["autopay_on"])


@pytest.mark.django_db(transaction=True)
def test_a_card_removed_while_it_is_chosen_never_stays_in_a_running_autopay():
    for _ in range(5):
        method = PaymentMethodFactory()

        at_once(
            2,
            lambda number, method=method: (
                turn_on(method) if number else saved_methods.forget(method.account_id, method_id=method.pk, now=NOON)
            ),
        )

        assert not Autopay.objects.filter(account=method.account, is_on=True).exists()


@pytest.mark.django_db(transaction=True)
def test_three_failures_at_once_are_three():
    running = AutopayFactory()
    failing = [a_payment(running) for _ in range(3)]

    def close(number):
        with transaction.atomic():
            crediting.cancel(crediting.lock(failing[number].pk), failure="declined", now=NOON)

    at_once(3, close)

    assert (Autopay.objects.get().failures, Autopay.objects.get().is_on) == (3, False)
    assert Account.objects.get(pk=running.pk).balance == 0
