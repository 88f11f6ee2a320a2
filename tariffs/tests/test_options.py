"""Options: switched on, changed, switched off, taken back, and ended by the task."""

from datetime import date, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts import journal
from accounts.models import Contract, JournalEntry, Subscriber
from accounts.tests.at_once import at_once
from accounts.tests.factories import CityFactory, ContractFactory, StaffFactory
from billing import shares
from billing.models import Account, EntryKind, LedgerEntry
from billing.tests.factories import NOON, PromisedPaymentFactory, account_of, put
from notifications.models import Notice
from tariffs import option_shelf, option_terms, options, picture, pricing
from tariffs.models import OptionPrice, OptionUse, Service, Suspension
from tariffs.options import OptionRefused
from tariffs.tests.factories import (
    FIRST,
    NEXT,
    TODAY,
    OfferUseFactory,
    OptionFactory,
    OptionUseFactory,
    charged,
    served,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon(time_machine):
    """A day of another year is written with its year."""
    time_machine.move_to(NOON, tick=False)


def paid(balance=5000, **tariff) -> Contract:
    """A contract whose month is charged, with money left over."""
    contract = served(balance=balance, **tariff)
    charged(contract)
    return contract


def order(contract, option, quantity=1, choice="", *, operation=None, now=NOON, by=None):
    return options.order(
        contract.pk,
        option_id=option.pk,
        quantity=quantity,
        choice=choice,
        operation=operation or uuid4(),
        now=now,
        by=by,
    )


def quote(contract, option, quantity=1, choice="", *, now=NOON):
    shelf = option_shelf.of(contract.pk, now=now)
    return option_terms.quote(shelf, shelf.row(option.pk), quantity=quantity, choice=choice)


def balance(contract) -> Decimal:
    return Account.objects.get(pk=contract.pk).balance


def lines(use_ids, *, prefix="option:"):
    rows = LedgerEntry.objects.filter(key__startswith=prefix).order_by("pk")
    return [(row.key.replace(str(use_ids), "N"), row.kind, row.amount, row.title) for row in rows]


def quantity_on(contract, day) -> list[int]:
    return [option.quantity for option in picture.of(contract.pk, day).options]


# --- The database


def test_the_database_keeps_one_use_of_an_option_on_a_day():
    use = OptionUseFactory(until=NEXT)
    another = {"contract": use.contract, "option": use.option}

    with pytest.raises(IntegrityError, match="one_use_of_an_option_at_a_time"), transaction.atomic():
        OptionUseFactory(**another, since=TODAY)

    OptionUseFactory(**another, since=TODAY, until=TODAY)  # of no days
    OptionUseFactory(**another, since=NEXT)
    assert OptionUse.objects.count() == 3


# --- On


def test_switching_on_charges_the_days_left_and_the_activation():
    contract, option = paid(), OptionFactory(fee=300, activation_fee=150, name="Статический IP")

    use = order(contract, option)

    assert lines(use.pk) == [
        ("option:N:first", EntryKind.MONTH, Decimal("-110.00"), "Статический IP"),  # 11 days of 30
        ("option:N:fee", EntryKind.CHARGE, Decimal("-150.00"), "Статический IP, подключение"),
    ]
    assert (use.since, use.until, use.quantity) == (TODAY, None, 1)
    assert Notice.objects.filter(kind="option_on").count() == 1


def test_a_free_option_posts_nothing():
    contract, option = paid(), OptionFactory(fee=0)

    order(contract, option)

    assert quantity_on(contract, TODAY) == [1]
    assert not LedgerEntry.objects.filter(key__startswith="option:").exists()


def test_an_offer_off_the_option_takes_its_share_off_the_days_left():
    contract, option = paid(), OptionFactory(fee=300)
    taken = OfferUseFactory(contract=contract, option=option, percent=50)

    use = order(contract, option)

    assert lines(use.pk)[1] == (f"option:N:first:offer:{taken.pk}", EntryKind.DISCOUNT, 55, taken.offer.name)


def test_a_month_that_is_not_charged_takes_the_option_in_by_itself():
    contract, option = served(balance=5000), OptionFactory(fee=300, activation_fee=150)

    use = order(contract, option)

    assert [line[0] for line in lines(use.pk)] == ["option:N:fee"]
    assert pricing.monthly(picture.of(contract.pk, TODAY)) == 900


def test_an_option_switched_off_and_over_can_be_had_again_with_a_second_activation():
    contract, option = paid(), OptionFactory(fee=300, activation_fee=150)
    OptionUseFactory(contract=contract, option=option, until=FIRST, ended_at=NOON)

    use = order(contract, option)

    assert (use.since, balance(contract)) == (TODAY, 5000 - 600 - 110 - 150)


def test_the_same_operation_is_done_once():
    contract, option, operation = paid(), OptionFactory(fee=300), uuid4()

    first, second = (order(contract, option, operation=operation) for _ in range(2))

    assert first == second
    assert balance(contract) == 5000 - 600 - 110


def test_another_contracts_operation_is_refused():
    option, operation = OptionFactory(), uuid4()
    order(paid(), option, operation=operation)

    with pytest.raises(OptionRefused, match="grown old"):
        order(paid(), option, operation=operation)


# --- Why not


def refusal(contract, option, quantity=1, choice="") -> str:
    """What the page says, having seen that the verb says the same and changes nothing."""
    before, money = list(OptionUse.objects.values()), balance(contract)
    shown = quote(contract, option, quantity, choice)
    with pytest.raises(OptionRefused) as refused:
        order(contract, option, quantity, choice)
    assert (list(OptionUse.objects.values()), balance(contract)) == (before, money)
    assert str(refused.value) == " ".join(reason.text for reason in shown.reasons)
    return str(refused.value).replace("\u00a0", " ")


def test_money_that_is_missing_is_named():
    contract = paid(650)

    assert refusal(contract, OptionFactory(fee=300)) == "60.00 ₽ is missing on the account: top up first."
    assert quote(contract, OptionFactory(fee=300)).reasons[0].missing == 60


def test_money_exactly_enough_is_enough():
    contract = paid(710)

    order(contract, OptionFactory(fee=300))

    assert balance(contract) == 0


def test_a_credit_limit_is_money_and_an_open_promise_is_not():
    contract, option = paid(600), OptionFactory(fee=300)
    PromisedPaymentFactory(account=account_of(contract), amount=500)

    assert "110.00 ₽ is missing" in refusal(contract, option)

    account_of(contract, credit_limit=110)
    order(contract, option)


def test_below_zero_not_even_a_free_option_is_had():
    contract = paid(550)

    assert refusal(contract, OptionFactory(fee=0)) == "The account is 50.00 ₽ below zero: top up first."


def test_in_debt_the_refusal_names_what_brings_the_service_back():
    contract = served(balance=20)
    Contract.objects.filter(pk=contract.pk).update(state=Contract.State.SUSPENDED_FOR_DEBT)

    assert "put 200.00 ₽ on the account" in refusal(contract, OptionFactory())  # 11 days of 600, less 20


def test_in_a_pause_the_refusal_names_the_day_it_is_over():
    contract = paid()
    Contract.objects.filter(pk=contract.pk).update(state=Contract.State.SUSPENDED_BY_WISH)
    Suspension.objects.create(
        operation=uuid4(),
        contract=contract,
        starts_on=TODAY,
        ends_on=date(2026, 12, 9),
        state="running",
        created_at=NOON,
    )

    assert "possible from 10 December" in refusal(contract, OptionFactory())


def test_a_contract_that_has_ended_has_nothing_more():
    contract = paid()
    Contract.objects.filter(pk=contract.pk).update(state=Contract.State.TERMINATED, ended_on=TODAY)

    assert refusal(contract, OptionFactory()) == "The contract has ended."


@pytest.mark.parametrize(
    ("service", "words"),
    [("internet", "It needs internet"), ("tv", "It needs television"), ("telephony", "It needs telephony")],
)
def test_an_option_needs_its_service_also_in_a_bundle(service, words):
    contract = paid(services=[each for each in Service if each != service])

    assert words in refusal(contract, OptionFactory(needs=service))


def test_a_bundle_with_the_service_has_the_option():
    contract = paid(services=[Service.INTERNET, Service.TV])

    order(contract, OptionFactory(needs=Service.TV))

    assert quantity_on(contract, TODAY) == [1]


def test_without_a_tariff_there_are_no_options():
    contract = ContractFactory()

    assert "has no tariff" in refusal(contract, OptionFactory())


@pytest.mark.parametrize("quantity", [0, 4, 99_999])
def test_more_than_the_most_cannot_be_had(quantity):
    assert "At most 3 of them" in refusal(paid(), OptionFactory(max_quantity=3), quantity)


def test_only_what_is_offered_can_be_chosen():
    option = OptionFactory(choices=["Кино", "Спорт"])

    assert "cannot be chosen" in refusal(paid(), option, choice="Мультфильмы")
    assert "cannot be chosen" in refusal(paid(), option)


def test_an_option_that_is_not_sold_yet_says_from_when():
    option = OptionFactory()
    OptionPrice.objects.filter(option=option).update(since=NEXT)

    assert "It is sold from 1 December." in refusal(paid(), option)


def test_an_archived_option_stays_with_those_who_have_it_and_is_not_sold():
    contract, option = paid(), OptionFactory(max_quantity=3)
    order(contract, option)
    option.is_archived = True
    option.save()

    assert refusal(contract, option, 2) == "It is not sold any more."
    assert quantity_on(contract, TODAY) == [1]


@pytest.mark.parametrize("audience", [Subscriber.Kind.LEGAL_ENTITY])
def test_options_of_others_do_not_exist(audience):
    contract = paid()
    for option in (
        OptionFactory(audience=audience),
        OptionFactory(city=CityFactory(slug="votkinsk", name="Воткинск")),
        OptionFactory(is_archived=True),
    ):
        with pytest.raises(OptionRefused, match="no such option"):
            order(contract, option)


# --- Quantity and choice


def test_more_is_charged_by_days_at_once_and_the_parts_add_up():
    contract, option = paid(), OptionFactory(fee="99.99", max_quantity=5, activation_fee=10)
    OptionUseFactory(contract=contract, option=option)

    use = order(contract, option, 3)

    assert lines(use.pk) == [
        (
            "option:N:first",
            EntryKind.MONTH,
            shares.rest(Decimal("99.99"), TODAY) - shares.rest(Decimal("299.97"), TODAY),
            f"{option.name} × 3",
        )
    ]
    assert (quantity_on(contract, TODAY), quantity_on(contract, FIRST)) == ([3], [1])


def test_more_twice_in_a_day_is_two_charges():
    contract, option = paid(), OptionFactory(fee=30, max_quantity=5)
    order(contract, option)

    order(contract, option, 2)
    order(contract, option, 3)

    assert balance(contract) == 5000 - 600 - 33
    assert quantity_on(contract, TODAY) == [3]


def test_fewer_begins_on_the_first_and_returns_nothing():
    contract, option = paid(), OptionFactory(fee=30, max_quantity=5)
    order(contract, option, 3)
    before = balance(contract)

    use = order(contract, option, 1)

    assert (use.since, balance(contract)) == (NEXT, before)
    assert (quantity_on(contract, TODAY), quantity_on(contract, NEXT)) == ([3], [1])


def test_fewer_can_be_taken_back_and_planned_otherwise():
    contract, option = paid(), OptionFactory(fee=30, max_quantity=5)
    order(contract, option, 3)

    order(contract, option, 1)
    order(contract, option, 2)
    planned = quantity_on(contract, NEXT)
    options.keep(contract.pk, option_id=option.pk, now=NOON)

    assert planned == [2]
    assert quantity_on(contract, NEXT) == quantity_on(contract, TODAY) == [3]


def test_more_gives_up_a_plan_of_fewer():
    contract, option = paid(), OptionFactory(fee=30, max_quantity=5)
    order(contract, option, 2)
    order(contract, option, 1)

    order(contract, option, 4)

    assert quantity_on(contract, NEXT) == quantity_on(contract, TODAY) == [4]


def test_another_choice_is_free_and_at_once_also_in_debt():
    contract, option = paid(), OptionFactory(fee=30, choices=["Кино", "Спорт"])
    order(contract, option, choice="Кино")
    put(contract.pk, -9000)
    before = balance(contract)

    order(contract, option, choice="Спорт")

    assert (OptionUse.objects.get().choice, balance(contract)) == ("Спорт", before)


def test_a_choice_that_is_offered_no_more_is_kept_by_who_has_it():
    contract, option = paid(), OptionFactory(fee=30, choices=["Спорт"], max_quantity=2)
    OptionUseFactory(contract=contract, option=option, choice="Кино")

    order(contract, option, 2, "Кино")

    assert quantity_on(contract, TODAY) == [2]


def test_ordering_what_one_has_changes_nothing():
    contract, option = paid(), OptionFactory()
    order(contract, option)
    before = balance(contract)

    order(contract, option)

    assert (balance(contract), OptionUse.objects.count(), Notice.objects.count()) == (before, 1, 1)


# --- Off


def test_off_runs_to_the_first_and_can_be_taken_back():
    contract, option = paid(), OptionFactory(fee=30)
    order(contract, option)
    before = balance(contract)

    off = options.switch_off(contract.pk, option_id=option.pk, now=NOON)
    gone = quantity_on(contract, NEXT)
    options.keep(contract.pk, option_id=option.pk, now=NOON)

    assert (off.until, gone) == (NEXT, [])
    assert (quantity_on(contract, TODAY), quantity_on(contract, NEXT), balance(contract)) == ([1], [1], before)


def test_off_twice_is_off_once():
    contract, option = paid(), OptionFactory()
    order(contract, option)

    for _ in range(2):
        options.switch_off(contract.pk, option_id=option.pk, now=NOON)

    assert Notice.objects.filter(kind="option_off").count() == 1


def test_off_gives_up_a_plan_of_fewer():
    contract, option = paid(), OptionFactory(fee=30, max_quantity=5)
    order(contract, option, 3)
    order(contract, option, 1)

    options.switch_off(contract.pk, option_id=option.pk, now=NOON)

    assert (quantity_on(contract, TODAY), quantity_on(contract, NEXT)) == ([3], [])


def test_what_is_being_switched_off_is_taken_back_first():
    contract, option = paid(), OptionFactory(max_quantity=3)
    order(contract, option)
    options.switch_off(contract.pk, option_id=option.pk, now=NOON)

    assert "runs until 1 December" in refusal(contract, option, 2)


def test_off_and_fewer_are_possible_in_debt():
    contract, option, other = paid(), OptionFactory(max_quantity=3), OptionFactory()
    order(contract, option, 3)
    order(contract, other)
    put(contract.pk, -9000)
    Contract.objects.filter(pk=contract.pk).update(state=Contract.State.SUSPENDED_FOR_DEBT)

    order(contract, option, 1)
    options.switch_off(contract.pk, option_id=other.pk, now=NOON)

    assert quantity_on(contract, NEXT) == [1]


@pytest.mark.parametrize("verb", [options.switch_off, options.keep])
def test_what_is_not_on_cannot_be_switched_off_or_kept(verb):
    contract, option = paid(), OptionFactory()

    with pytest.raises(OptionRefused, match="not switched on"):
        verb(contract.pk, option_id=option.pk, now=NOON)
    with pytest.raises(OptionRefused, match="no such option"):
        verb(contract.pk, option_id=0, now=NOON)


def test_the_task_closes_what_is_over_also_long_after():
    over = OptionUseFactory(until=date(2026, 9, 1))
    today = OptionUseFactory(until=TODAY)
    runs = [OptionUseFactory(until=NEXT), OptionUseFactory()]

    assert options.end_due(now=NOON) == 2
    assert options.end_due(now=NOON) == 0

    assert set(OptionUse.objects.filter(ended_at=NOON)) == {over, today}
    assert set(OptionUse.objects.filter(ended_at=None)) == set(runs)


# --- Staff


def test_what_staff_switch_is_in_the_journal():
    contract, option, operator = paid(), OptionFactory(max_quantity=3, name="Розетка"), StaffFactory()

    order(contract, option, by=operator)
    order(contract, option, 2, by=operator)
    options.switch_off(contract.pk, option_id=option.pk, now=NOON, by=operator)
    options.keep(contract.pk, option_id=option.pk, now=NOON, by=operator)

    rows = JournalEntry.objects.filter(actor=operator).order_by("pk")
    assert [row.action for row in rows] == [
        "option_switched_on",
        "option_changed",
        "option_switched_off",
        "option_kept",
    ]
    assert journal.changes_of(rows[1]) == [("option", "Розетка"), ("quantity", "2")]
    assert {row.city for row in rows} == {contract.city}


# --- The preview is the posting


FEES = st.decimals(0, 2000, places=2)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    fee=FEES,
    activation=FEES,
    percent=st.integers(0, 100),
    quantities=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    day=st.integers(1, 30),
    is_charged=st.booleans(),
)
def test_what_is_shown_is_what_is_posted(fee, activation, percent, quantities, day, is_charged):
    point = transaction.savepoint()
    try:
        now = datetime(2026, 11, day, 8, tzinfo=NOON.tzinfo)
        contract = served(balance=100_000)
        option = OptionFactory(fee=fee, activation_fee=activation, max_quantity=5)
        if percent:
            OfferUseFactory(contract=contract, option=option, percent=percent)
        if is_charged:
            charged(contract)
        for quantity in quantities:
            shown = quote(contract, option, quantity, now=now)
            seen = LedgerEntry.objects.count()
            order(contract, option, quantity, now=now)
            posted = LedgerEntry.objects.order_by("pk")[seen:]
            assert [(line.kind, line.amount, line.title) for line in shown.lines] == [
                (row.kind, row.amount, row.title) for row in posted
            ]
            after = shown.steps[-1].balance_after if shown.lines else shown.balance
            assert balance(contract) == after
        if is_charged:  # however often it grew, the rest of the month costs what its last quantity does
            grown = max(quantities[: 1 + max(i for i, q in enumerate(quantities) if q == max(quantities))])
            months = LedgerEntry.objects.filter(key__startswith="option:", key__contains=":first")
            full = fee * grown
            off = (full * percent / 100).quantize(Decimal("0.01"), "ROUND_HALF_UP")
            expected = shares.rest(off, now.date()) - shares.rest(full, now.date())
            assert sum((row.amount for row in months), Decimal(0)) == expected
    finally:
        transaction.savepoint_rollback(point)


# --- At once


@pytest.mark.django_db(transaction=True)
def test_two_clicks_and_two_browsers_switch_on_once():
    contract, option, click = paid(), OptionFactory(fee=300), uuid4()

    answers = at_once(8, lambda number: order(contract, option, operation=click if number % 2 else uuid4()))

    assert len({answer.pk for answer in answers}) == 1
    assert balance(contract) == 5000 - 600 - 110
    assert Notice.objects.filter(kind="option_on").count() == 1


@pytest.mark.django_db(transaction=True)
def test_more_and_off_at_once_leave_one_use_a_day():
    contract, option = paid(), OptionFactory(fee=300, max_quantity=9)
    order(contract, option)

    def act(number):
        if number % 2:
            return options.switch_off(contract.pk, option_id=option.pk, now=NOON)
        return order(contract, option, 1 + number)

    answers = at_once(8, act)

    assert all(isinstance(answer, OptionUse | OptionRefused) for answer in answers)
    assert len(quantity_on(contract, TODAY)) == 1
    spent = 5000 - 600 - balance(contract)
    assert spent == 110 * quantity_on(contract, TODAY)[0]


@pytest.mark.django_db(transaction=True)
def test_off_and_taken_back_at_once_end_in_one_of_the_two():
    contract, option = paid(), OptionFactory()
    order(contract, option)

    at_once(
        6, lambda number: (options.keep, options.switch_off)[number % 2](contract.pk, option_id=option.pk, now=NOON)
    )

    assert OptionUse.objects.get().until in (None, NEXT)
