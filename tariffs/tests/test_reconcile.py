"""The service follows the money."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import journal
from accounts.local_time import midnight
from accounts.models import Contract
from accounts.tests.at_once import at_once
from accounts.tests.factories import ContractFactory
from billing import outlook, promises, shares
from billing.models import Account, EntryKind, LedgerEntry
from billing.tests.factories import NOON, account_of, put
from notifications.models import Notice
from tariffs import reconcile
from tariffs.tests.factories import OfferUseFactory, OptionUseFactory, charged, served
from tariffs.tests.test_months import run as month_run

DEBT, ACTIVE = Contract.State.SUSPENDED_FOR_DEBT, Contract.State.ACTIVE
TEN_MINUTES = timedelta(minutes=10)
OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)
pytestmark = pytest.mark.django_db


def contract_of(balance=0, *, fee=500, charged_in=OCTOBER, state=DEBT, **fields) -> Contract:
    """A contract whose tariff was last charged in a month, with so much money left."""
    contract = ContractFactory(state=state, **fields)
    if fee:
        served(contract=contract, fee=fee)
        charged(contract, since=charged_in, now=midnight(charged_in))
    if left := Decimal(balance) + Decimal(fee):
        put(contract.pk, left)
    return contract


def state_of(contract):
    return Contract.objects.get(pk=contract.pk).state


def months(contract):
    entries = LedgerEntry.objects.filter(account=contract.pk, kind=EntryKind.MONTH).order_by("pk")
    return list(entries.values_list("key", "amount"))[1:]


# Back


def test_with_money_for_the_rest_of_the_month_it_is_charged_and_the_service_returns():
    contract = contract_of("183.33")

    reconcile.run(now=NOON)

    assert state_of(contract) == ACTIVE
    assert months(contract) == [(f"month:{contract.pk}:2026-11", Decimal("-183.33"))]
    assert Notice.objects.get().facts == {"charged": "183.33"}
    assert [entry.action for entry in journal.of(contract)] == ["returned_to_service"]


def test_a_kopeck_less_changes_nothing():
    contract = contract_of("183.32")

    assert reconcile.run(now=NOON) == 0
    assert (state_of(contract), months(contract)) == (DEBT, [])


def test_a_promise_counts_until_its_term():
    contract = contract_of("83.33")
    promise = promises.grant(contract.pk, operation=uuid4(), now=NOON)

    assert reconcile.run(now=NOON) == 1
    assert Account.objects.get(pk=contract.pk).balance == -100

    assert reconcile.run(now=promise.due_at - timedelta(seconds=1)) == 0
    assert reconcile.run(now=promise.due_at) == 1
    assert state_of(contract) == DEBT


def test_the_credit_that_a_contract_allows_counts():
    contract = contract_of("83.33")
    account_of(contract, credit_limit=100)

    assert reconcile.run(now=NOON) == 1


def test_a_month_charged_already_is_not_charged_again():
    contract = contract_of(0, charged_in=NOVEMBER)

    reconcile.run(now=NOON)

    assert (state_of(contract), months(contract)) == (ACTIVE, [])


def test_with_a_debt_beyond_the_month_zero_is_enough():
    contract_of("-0.01", charged_in=NOVEMBER)

    assert reconcile.run(now=NOON) == 0


def test_without_a_known_fee_it_returns_at_zero():
    contract = contract_of(0, fee=0)

    reconcile.run(now=NOON)

    assert (state_of(contract), months(contract)) == (ACTIVE, [])


@pytest.mark.parametrize("state", [Contract.State.SUSPENDED_BY_WISH, Contract.State.TERMINATED])
def test_a_service_paused_by_wish_or_ended_does_not_return(state):
    ended_on = date(2026, 11, 1) if state == Contract.State.TERMINATED else None
    contract = contract_of(5000, state=state, ended_on=ended_on)

    assert reconcile.run(now=NOON) == 0
    assert not reconcile.contract(contract.pk, now=NOON)


# Off


def test_below_zero_the_service_stops():
    contract = contract_of("-0.01", charged_in=NOVEMBER, state=ACTIVE)

    reconcile.run(now=NOON)

    assert state_of(contract) == DEBT
    assert Notice.objects.get().facts == {"missing": "0.01"}


def test_within_the_credit_or_on_a_promise_it_runs_on():
    on_credit = contract_of(-100, charged_in=NOVEMBER, state=ACTIVE)
    account_of(on_credit, credit_limit=100)
    on_promise = contract_of(-100, charged_in=NOVEMBER, state=ACTIVE)
    promises.grant(on_promise.pk, operation=uuid4(), now=NOON)

    assert reconcile.run(now=NOON) == 0


# Those to whom money came a short while ago


def test_who_has_lately_paid_returns_in_the_quick_pass():
    contract = contract_of("183.33")

    assert reconcile.run_lately_paid(now=NOON + timedelta(seconds=5)) == 1
    assert state_of(contract) == ACTIVE


def test_a_promise_returns_the_service_in_the_quick_pass():
    contract = contract_of("83.33")
    put(contract.pk, 1, now=NOON - timedelta(days=2))
    promises.grant(contract.pk, operation=uuid4(), now=NOON)

    assert reconcile.run_lately_paid(now=NOON + timedelta(seconds=5)) == 1


def test_what_has_become_enough_without_new_money_waits_for_the_full_pass():
    contract_of("183.33")
    later = NOON + timedelta(hours=1)

    assert reconcile.run_lately_paid(now=later) == 0
    assert reconcile.run(now=later) == 1


def test_below_zero_the_service_stops_in_the_quick_pass_too():
    contract = contract_of("-0.01", charged_in=NOVEMBER, state=ACTIVE)

    assert reconcile.run_lately_paid(now=NOON + timedelta(hours=1)) == 1
    assert state_of(contract) == DEBT


# At once


@pytest.mark.django_db(transaction=True)
def test_tasks_at_once_charge_once():
    contract = contract_of(1000)

    counts = at_once(8, lambda _number: reconcile.run(now=NOON))

    assert sum(counts) == 1
    assert (len(months(contract)), state_of(contract)) == (1, ACTIVE)


@pytest.mark.django_db(transaction=True)
def test_a_task_killed_half_way_leaves_nothing(monkeypatch):
    contract = contract_of(1000)
    monkeypatch.setattr(reconcile, "_tell", lambda *_args, **_facts: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        reconcile.run(now=NOON)

    assert (months(contract), state_of(contract)) == ([], DEBT)


# What the page shows


CASES = st.fixed_dictionaries(
    {
        "fee": st.decimals(1, 1500, places=2),
        "balance": st.decimals(-600, 600, places=2),
        "credit": st.sampled_from([0, 0, 300]),
        "day": st.one_of(
            st.dates(date(2026, 12, 2), date(2028, 3, 31)),
            st.dates(date(2028, 2, 23), date(2028, 3, 1)),
            st.dates(date(2026, 12, 25), date(2027, 1, 1)),
        ),
        "state": st.sampled_from([DEBT, ACTIVE]),
        "is_charged": st.booleans(),
        "tenure": st.integers(31, 4000),
        "options": st.integers(0, 2),
        "percent": st.sampled_from([0, 0, 33, 100]),
    }
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=CASES)
def test_the_lines_quoted_are_the_lines_posted(case):
    """Whatever is shown before a promise is what is posted after it, with the same balance after each line."""
    with transaction.atomic():
        contract, now = _contract_in(case), midnight(case["day"]) + timedelta(hours=12)
        terms = promises.quote(outlook.stand(contract.pk, now=now), [], now=now)
        if not terms.is_locked:
            _live_through(contract, terms, now)
        transaction.set_rollback(True)


def _contract_in(case) -> Contract:
    charged_in = shares.first_of_month(case["day"], 0 if case["is_charged"] else -1)
    started_on = case["day"] - timedelta(days=case["tenure"])
    contract = contract_of(
        case["balance"], fee=case["fee"], charged_in=charged_in, state=case["state"], started_on=started_on
    )
    account_of(contract, credit_limit=case["credit"])
    for _number in range(case["options"]):
        OptionUseFactory(contract=contract, option__fee="33.33")
    if case["percent"]:
        OfferUseFactory(contract=contract, offer__percent=case["percent"], until=date(2029, 1, 1))
    return contract


def _live_through(contract, terms, now) -> None:
    before = LedgerEntry.objects.order_by("-pk").first()
    promise = promises.grant(contract.pk, operation=uuid4(), now=now)

    for moment in (now, midnight(shares.first_of_month(timezone.localdate(now), 1)) + TEN_MINUTES):
        if moment < terms.due_at:
            reconcile.contract(contract.pk, now=moment)
            month_run(moment)

    assert state_of(contract) == ACTIVE
    assert _posted_after(before, terms.balance) == [
        (line.key, line.on, line.amount, line.title, line.balance_after) for line in terms.lines
    ]
    put(contract.pk, terms.missing, now=now)
    assert promises.of(contract.pk).get(pk=promise.pk).state == promise.State.KEPT


def _posted_after(before, balance):
    lines = []
    for entry in LedgerEntry.objects.filter(account=before.account_id, pk__gt=before.pk).order_by("pk"):
        balance += entry.amount
        lines.append((entry.key, timezone.localdate(entry.at), entry.amount, entry.title, balance))
    assert balance == Account.objects.get(pk=before.account_id).balance
    return lines
