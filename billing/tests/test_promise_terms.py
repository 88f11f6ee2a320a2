"""On which terms a promised payment is given, and why and until when it is not."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.local_time import midnight
from accounts.models import Contract, Subscriber
from accounts.tests.factories import ContractFactory
from billing import outlook, promises
from billing.models import PromisedPayment
from billing.promise_terms import PromiseRefused, Terms
from billing.tests.factories import NOON, PromisedPaymentFactory, account_of, charge_month

State = PromisedPayment.State
DEBT, WISH = Contract.State.SUSPENDED_FOR_DEBT, Contract.State.SUSPENDED_BY_WISH
pytestmark = pytest.mark.django_db


def noon(year, month, day) -> datetime:
    return datetime(year, month, day, 8, tzinfo=UTC)


def contract_with_fee(fee=500, *, balance=0, month=(2026, 11), **fields) -> Contract:
    """A contract whose fee was charged on the 1st of a month, with so much money left."""
    contract = ContractFactory(**fields)
    if fee:
        first = date(*month, 1)
        charge_month(contract.pk, fee, title="Internet 100", now=midnight(first))
    account_of(contract, balance=Decimal(balance) + fee)
    return contract


def quote(contract, *, now=NOON) -> Terms:
    return promises.quote(outlook.stand(contract.pk, now=now), promises.of(contract.pk), now=now)


def reason(contract, code, *, now=NOON):
    return next(condition for condition in quote(contract, now=now).conditions if condition.code == code)


def lines(terms):
    return [(line.on, line.amount, line.balance_after) for line in terms.lines]


# How much


def test_an_active_contract_lacks_what_the_charge_within_the_term_needs():
    contract = contract_with_fee(balance="101.50")

    terms = quote(contract, now=noon(2026, 11, 28))

    assert (terms.missing, terms.amount) == (Decimal("398.50"), 400)
    assert lines(terms) == [(date(2026, 12, 1), -500, Decimal("-398.50"))]


def test_a_debtor_lacks_the_rest_of_the_month():
    contract = contract_with_fee(balance=5, month=(2026, 10), state=DEBT)

    terms = quote(contract)  # 11 of 30 days

    assert (terms.missing, terms.amount) == (Decimal("178.33"), 180)
    assert lines(terms) == [(date(2026, 11, 20), Decimal("-183.33"), Decimal("-178.33"))]


def test_a_debtor_at_the_end_of_a_month_lacks_the_next_one_too():
    contract = contract_with_fee(balance=5, month=(2026, 10), state=DEBT)

    terms = quote(contract, now=noon(2026, 11, 30))

    assert [line.on for line in terms.lines] == [date(2026, 11, 30), date(2026, 12, 1)]
    assert terms.missing == Decimal("511.67")


def test_a_debtor_whose_month_is_charged_lacks_the_way_to_zero():
    contract = contract_with_fee(balance="-120.01", state=DEBT)

    terms = quote(contract)

    assert (terms.missing, terms.amount, terms.lines) == (Decimal("120.01"), 130, [])


def test_the_credit_that_a_contract_allows_is_not_missing():
    contract = contract_with_fee(balance="-120", state=DEBT)
    account_of(contract, credit_limit=100)

    assert quote(contract).missing == 20


def test_without_a_fee_only_the_debt_is_missing():
    contract = contract_with_fee(0, balance=-70, state=DEBT)

    assert quote(contract).amount == 70


# Until when


@pytest.mark.parametrize(
    ("started_on", "now", "due"),
    [
        (date(2026, 3, 1), noon(2026, 11, 20), (2026, 11, 24)),  # 3 days
        (date(2025, 11, 20), noon(2026, 11, 20), (2026, 11, 25)),  # a full year today: 4
        (date(2025, 11, 21), noon(2026, 11, 20), (2026, 11, 24)),  # a day short of it
        (date(2010, 1, 1), noon(2026, 11, 20), (2026, 11, 28)),  # 7 at most
        (date(2027, 3, 1), noon(2028, 2, 27), (2028, 3, 2)),  # over the leap day
        (date(2026, 3, 1), noon(2027, 2, 27), (2027, 3, 3)),  # no leap day
        (date(2024, 2, 29), noon(2025, 2, 28), (2025, 3, 5)),  # the year of a leap day's contract is full: 4
        (date(2026, 3, 1), noon(2026, 11, 30), (2026, 12, 4)),  # month end
        (date(2026, 3, 1), noon(2026, 12, 30), (2027, 1, 3)),  # year end
    ],
)
def test_the_term_ends_with_the_midnight_of_its_last_day(started_on, now, due):
    contract = contract_with_fee(0, balance=-70, started_on=started_on)

    terms = quote(contract, now=now)

    assert timezone.localtime(terms.due_at) == midnight(date(*due))
    assert terms.last_day == date(*due) - timedelta(days=1)


def test_the_day_is_the_local_one():
    contract = contract_with_fee(0, balance=-70, started_on=date(2026, 3, 1))

    late = quote(contract, now=datetime(2026, 11, 20, 20, 30, tzinfo=UTC))  # half past midnight in Izhevsk

    assert late.last_day == date(2026, 11, 24)


# Why not


def test_a_good_subscriber_in_need_is_refused_nothing():
    terms = quote(contract_with_fee(balance=-70))

    assert not terms.is_locked
    assert all(condition.rule for condition in terms.conditions)


def test_an_open_promise_refuses_the_next_until_its_term():
    contract = contract_with_fee(balance=-70)
    PromisedPaymentFactory(account=account_of(contract), granted_at=NOON - timedelta(days=40))

    refused = reason(contract, "none_open")

    assert (refused.is_met, refused.from_when) == (False, date(2026, 11, 23))
    assert "already, until the end of 23" in refused.reason


@pytest.mark.parametrize(("days_ago", "is_met"), [(27, False), (28, True)])
def test_the_next_may_begin_28_days_after_the_last_one_began(days_ago, is_met):
    contract = contract_with_fee(balance=-70)
    PromisedPaymentFactory(account=account_of(contract), state=State.KEPT, granted_at=NOON - timedelta(days=days_ago))

    condition = reason(contract, "pause_over")

    assert condition.is_met == is_met
    assert condition.from_when == (None if is_met else date(2026, 11, 21))


@pytest.mark.parametrize("is_paid_since", [True, False])
def test_a_broken_promise_must_be_paid_first(is_paid_since):
    contract = contract_with_fee(balance="-70.10", state=DEBT)
    PromisedPaymentFactory(
        account=account_of(contract),
        state=State.BROKEN,
        granted_at=NOON - timedelta(days=40),
        repaid_at=NOON if is_paid_since else None,
    )

    condition = reason(contract, "last_one_paid")

    assert condition.is_met == is_paid_since
    assert condition.from_sum == (None if is_paid_since else Decimal("70.10"))


@pytest.mark.parametrize(("started_on", "is_met"), [(date(2026, 10, 21), True), (date(2026, 10, 22), False)])
def test_the_contract_must_be_30_days_old(started_on, is_met):
    condition = reason(contract_with_fee(balance=-70, started_on=started_on), "old_enough")

    assert (condition.is_met, condition.from_when) == (is_met, None if is_met else date(2026, 11, 21))


def test_a_service_paused_by_wish_borrows_nothing():
    assert "paused at your wish" in reason(contract_with_fee(balance=-70, state=WISH), "not_by_wish").reason


def test_a_contract_that_has_ended_borrows_nothing():
    contract = contract_with_fee(balance=-70, state=Contract.State.TERMINATED, ended_on=date(2026, 11, 1))

    assert not reason(contract, "in_force").is_met


@pytest.mark.parametrize("allows", [True, False])
def test_a_legal_entity_needs_it_in_its_contract(allows):
    contract = contract_with_fee(balance=-70, subscriber__kind=Subscriber.Kind.LEGAL_ENTITY)
    account_of(contract, allows_promises=allows)

    condition = reason(contract, "by_contract")

    assert condition.is_met == allows
    assert allows or "abon@mark.ru" in condition.reason


def test_before_the_charge_comes_near_the_date_is_named():
    contract = contract_with_fee(balance=70, started_on=date(2026, 3, 1))

    condition = reason(contract, "missing")

    assert (condition.is_met, condition.from_when) == (False, date(2026, 11, 28))


def test_on_the_named_date_it_is_given():
    contract = contract_with_fee(balance=70, started_on=date(2026, 3, 1))

    assert not quote(contract, now=noon(2026, 11, 28)).is_locked
    assert quote(contract, now=noon(2026, 11, 27)).is_locked


def test_the_named_date_knows_that_the_term_grows_with_the_tenure():
    contract = contract_with_fee(balance=70, started_on=date(2025, 11, 25))

    assert reason(contract, "missing").from_when == date(2026, 11, 27)  # 4 days by then


def test_with_money_for_two_months_the_date_is_before_the_third():
    contract = contract_with_fee(balance=1100, started_on=date(2020, 3, 1))

    assert reason(contract, "missing").from_when == date(2027, 1, 25)


def test_a_debtor_who_has_the_money_waits_a_minute_only():
    contract = contract_with_fee(balance=500, month=(2026, 10), state=DEBT)

    assert "within a minute" in reason(contract, "missing").reason


@pytest.mark.parametrize(("balance", "first"), [("-1000", None), ("-1000.01", 1), ("-1312.40", 313)])
def test_what_is_above_the_most_must_be_paid_first(balance, first):
    condition = reason(contract_with_fee(balance=balance), "not_too_much")

    assert condition.from_sum == first
    assert quote(contract_with_fee(balance=Decimal(balance) + (first or 0))).amount <= 1000


def test_all_reasons_are_listed_and_refused_at_once():
    contract = contract_with_fee(balance=-1500, state=WISH, started_on=date(2026, 11, 10))

    terms = quote(contract)

    assert [condition.code for condition in terms.reasons] == ["not_by_wish", "old_enough", "not_too_much"]
    with pytest.raises(PromiseRefused, match=r"paused.*possible from 10 December.*500\.00"):
        terms.refuse_if_locked()


def test_the_numbers_are_settings(settings):
    settings.PROMISE_MOST, settings.PROMISE_DAYS, settings.PROMISE_CONTRACT_AGE_DAYS = 50, 1, 1000
    contract = contract_with_fee(balance=-70, started_on=date(2026, 3, 1))

    terms = quote(contract)

    assert terms.last_day == date(2026, 11, 21)
    assert [condition.code for condition in terms.reasons] == ["old_enough", "not_too_much"]


def test_the_terms_are_kept_without_words():
    kept = quote(contract_with_fee(balance="101.50"), now=noon(2026, 11, 28)).as_json()

    assert (kept["balance"], kept["missing"], kept["days"]) == ("101.50", "398.50", 5)
    assert kept["lines"][0]["on"] == "2026-12-01"
    assert kept["rules"]["PROMISE_MOST"] == 1000
