"""Offers: taken, limited, refused with reason and date, kept as promised, and their end told."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Contract, JournalEntry, Subscriber
from accounts.tests.at_once import at_once
from accounts.tests.factories import CityFactory, ContractFactory, StaffFactory
from billing.models import Account, EntryKind, LedgerEntry
from billing.tests.factories import NOON
from notifications.models import Notice
from tariffs import offer_shelf, offer_terms, offers, picture, pricing
from tariffs.models import OfferUse, OptionUse, Service, Subscription, Suspension, TariffPrice
from tariffs.offers import OfferRefused
from tariffs.tests.factories import (
    FIRST,
    NEXT,
    TODAY,
    OfferFactory,
    OfferUseFactory,
    OptionFactory,
    OptionUseFactory,
    TariffFactory,
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


def once(**columns):
    """An offer of another effect than a percentage."""
    return OfferFactory(percent=None, months=None, **columns)


def take(contract, offer, *, operation=None, now=NOON, by=None, seen=None) -> OfferUse:
    return offers.take(contract.pk, offer_id=offer.pk, operation=operation or uuid4(), now=now, by=by, seen=seen)


def quote(contract, offer, *, now=NOON) -> offer_terms.Quote:
    shelf = offer_shelf.of(contract.pk, now=now, offer_id=offer.pk)
    return offer_terms.quote(shelf, shelf.row(offer.pk))


def balance(contract) -> Decimal:
    return Account.objects.get(pk=contract.pk).balance


def monthly(contract, day) -> Decimal:
    return pricing.monthly(picture.of(contract.pk, day))


# --- Taken


def test_a_percentage_runs_whole_months_from_the_next_first():
    contract = paid()

    use = take(contract, OfferFactory(percent=50, months=3))

    assert (use.since, use.until, use.percent, use.number) == (NEXT, date(2027, 3, 1), 50, 1)
    assert [monthly(contract, day) for day in (TODAY, NEXT, date(2027, 2, 28), date(2027, 3, 1))] == [
        600,
        300,
        300,
        600,
    ]
    assert Notice.objects.filter(kind="offer_taken").count() == 1


def test_while_the_month_is_to_be_charged_it_runs_from_this_one():
    contract = served(balance=5000)

    use = take(contract, OfferFactory(percent=50, months=3))
    charged(contract)

    assert (use.since, use.until) == (FIRST, date(2027, 2, 1))
    assert balance(contract) == 5000 - 300


@pytest.mark.parametrize(
    ("today", "months", "until"),
    [
        (date(2028, 1, 31), 1, date(2028, 3, 1)),  # its last day is 29 February
        (date(2027, 1, 31), 1, date(2027, 3, 1)),
        (date(2028, 2, 29), 12, date(2029, 3, 1)),
        (date(2026, 12, 31), 2, date(2027, 3, 1)),
    ],
)
def test_months_from_the_end_of_a_month_are_whole(today, months, until):
    contract = served(balance=5000)
    now = datetime(today.year, today.month, today.day, 8, tzinfo=NOON.tzinfo)
    charged(contract, since=today.replace(day=1), now=now)

    shown, use = quote(contract, OfferFactory(months=months), now=now), None
    use = take(contract, shown.row.offer, now=now)

    assert use.until == shown.until == until
    assert shown.last_day == until - timedelta(days=1)
    assert monthly(contract, until - timedelta(days=1)) == 300
    assert monthly(contract, until) == 600


def test_a_sum_is_credited_once_as_its_own_line():
    contract = paid()

    use = take(contract, once(credit=300, name="Добро пожаловать"))

    line = LedgerEntry.objects.get(key=f"offer:{use.pk}")
    assert (line.kind, line.amount, line.title) == (EntryKind.DISCOUNT, 300, "Добро пожаловать")
    assert (use.until, offers.saved(contract.pk)) == (None, 300)


def test_free_presses_are_kept_for_the_turbo_button():
    contract = paid()

    use = take(contract, once(presses=5))

    assert (use.presses_left, use.until, balance(contract)) == (5, None, 4400)


def test_a_percentage_off_an_option_is_off_that_option():
    contract, option = paid(), OptionFactory(fee=200)
    OptionUseFactory(contract=contract, option=option)

    take(contract, OfferFactory(percent=100, months=1, option=option))

    assert monthly(contract, NEXT) == 600


def test_what_was_promised_stays_when_the_offer_is_edited():
    contract, offer = paid(), OfferFactory(percent=50, months=3)
    take(contract, offer)

    offer.percent, offer.months, offer.is_archived = 10, 1, True
    offer.save()

    assert monthly(contract, date(2027, 2, 1)) == 300


def test_the_same_operation_is_done_once():
    contract, offer, operation = paid(), once(credit=300, per_contract=9), uuid4()

    first, second = (take(contract, offer, operation=operation) for _ in range(2))

    assert first == second
    assert balance(contract) == 4400 + 300


def test_another_contracts_operation_is_refused():
    offer, operation = OfferFactory(), uuid4()
    take(paid(), offer, operation=operation)

    with pytest.raises(OfferRefused, match="grown old"):
        take(paid(), offer, operation=operation)


def test_an_offer_that_changed_since_it_was_shown_is_shown_again():
    contract, offer = paid(), OfferFactory(percent=50)
    seal = quote(contract, offer).seal
    offer.percent = 40
    offer.save()

    with pytest.raises(OfferRefused, match="has changed"):
        take(contract, offer, seen=seal)

    assert take(contract, offer, seen=quote(contract, offer).seal).percent == 40


def test_what_staff_take_for_a_subscriber_is_in_the_journal():
    contract, operator = paid(), StaffFactory()

    take(contract, OfferFactory(name="Половина"), by=operator)

    row = JournalEntry.objects.get(action="offer_taken")
    assert (row.actor, row.city, row.changes) == (operator, contract.city, {"offer": "Половина"})


# --- Why not


def refusal(contract, offer, *, now=NOON) -> str:
    """What the page says, having seen that the verb says the same and changes nothing."""
    before = (list(OfferUse.objects.values()), balance(contract))
    shown = quote(contract, offer, now=now)
    with pytest.raises(OfferRefused) as refused:
        take(contract, offer, now=now)
    assert (list(OfferUse.objects.values()), balance(contract)) == before
    assert str(refused.value) == " ".join(reason.text for reason in shown.reasons)
    return str(refused.value).replace("\u00a0", " ")


def test_an_offer_to_come_says_when_it_begins():
    assert refusal(paid(), OfferFactory(starts_on=NEXT)) == "It begins on 1 December."


def test_on_its_first_and_last_day_it_can_be_taken():
    take(paid(), OfferFactory(starts_on=TODAY, ends_on=TODAY))


def test_an_offer_whose_window_is_closed_is_seen_by_its_holders_alone():
    offer = OfferFactory(ends_on=TODAY - timedelta(days=1), per_contract=9)
    holder = paid()
    OfferUseFactory(contract=holder, offer=offer, since=date(2026, 1, 1), until=date(2026, 3, 1))

    assert refusal(holder, offer) == "The offer is over."
    with pytest.raises(OfferRefused, match="no such offer"):
        take(paid(), offer)


def test_offers_for_others_do_not_exist():
    contract = paid()
    for offer in (
        OfferFactory(audience=Subscriber.Kind.LEGAL_ENTITY),
        OfferFactory(city=CityFactory(slug="votkinsk", name="Воткинск")),
        OfferFactory(is_archived=True),
    ):
        with pytest.raises(OfferRefused, match="no such offer"):
            take(contract, offer)


def begun(started_on: date) -> Contract:
    contract = served(balance=5000, contract=ContractFactory(started_on=started_on))
    charged(contract)
    return contract


@pytest.mark.parametrize(
    ("started_on", "months", "from_when"),
    [
        (date(2026, 6, 25), 6, "25 December"),
        (date(2026, 8, 31), 6, "28 February 2027"),
        (date(2027, 8, 31), 6, "29 February 2028"),
        (date(2026, 11, 20), 12, "20 November 2027"),
    ],
)
def test_who_is_too_new_learns_from_when_it_would_be(started_on, months, from_when):
    contract = served(balance=5000, contract=ContractFactory(started_on=min(started_on, TODAY)))
    Contract.objects.filter(pk=contract.pk).update(started_on=started_on)

    assert refusal(contract, OfferFactory(tenure_from=months)) == (
        f"It is for those who have been with us for {months} months or longer: you are from {from_when} on."
    )


def test_who_would_be_long_enough_only_after_its_end_learns_that():
    offer = OfferFactory(tenure_from=12, ends_on=date(2026, 12, 31))

    assert "you would be from 1 March 2027, and it ends on 31 December." in refusal(begun(date(2026, 3, 1)), offer)


def test_on_the_day_of_the_tenure_it_can_be_taken():
    take(begun(date(2026, 5, 20)), OfferFactory(tenure_from=6))


def test_who_is_with_us_too_long_learns_until_when_it_was():
    offer = OfferFactory(tenure_to=3)

    assert "only: for you that was until 19 November." in refusal(begun(date(2026, 8, 19)), offer)
    take(begun(date(2026, 8, 20)), offer)


def test_an_offer_for_other_tariffs_names_them():
    contract = paid(name="Дом 100")
    offer = OfferFactory()
    offer.tariffs.add(
        TariffFactory(city=contract.city, name="Дом 300"), TariffFactory(name="Дом 500", city=contract.city)
    )

    assert refusal(contract, offer) == "It is for these tariffs only: «Дом 300», «Дом 500»."

    offer.tariffs.add(Subscription.objects.get(contract=contract).tariff)
    take(contract, offer)


def test_an_offer_off_an_option_wants_the_option_also_next_month():
    contract, option = paid(), OptionFactory(name="Кино")
    offer = OfferFactory(option=option)

    without = refusal(contract, offer)
    OptionUseFactory(contract=contract, option=option, until=NEXT)
    ending = refusal(contract, offer)
    OptionUse.objects.update(until=None)
    take(contract, offer)

    assert without == ending == "It is for those who have the option «Кино»: switch it on first."


def test_free_presses_want_internet():
    assert refusal(paid(services=[Service.TV]), once(presses=3)) == "It needs internet, and your tariff has none."


def test_a_percentage_wants_a_tariff():
    assert refusal(ContractFactory(), OfferFactory()) == "The contract has no tariff: choose one first."


def test_the_limit_per_contract_is_kept():
    contract, offer = paid(), once(credit=10, per_contract=2)
    numbers = [take(contract, offer).number for _ in range(2)]

    assert numbers == [1, 2]
    assert refusal(contract, offer) == "You have taken it 2 times, that is the most."
    assert "taken it already" in refusal(contract, once_taken(contract))


def once_taken(contract):
    offer = once(credit=10)
    take(contract, offer)
    return offer


def test_a_percentage_is_not_taken_again_while_it_runs():
    contract, offer = paid(), OfferFactory(months=2, per_contract=2)
    take(contract, offer)

    assert refusal(contract, offer) == "It runs already: you can take it again from 1 February 2027."

    later = datetime(2027, 2, 1, 8, tzinfo=NOON.tzinfo)
    assert take(contract, offer, now=later).number == 2


def test_in_debt_and_in_a_pause_it_says_what_lifts_it():
    contract, offer = served(balance=0), OfferFactory()
    Contract.objects.filter(pk=contract.pk).update(state=Contract.State.SUSPENDED_FOR_DEBT)
    in_debt = refusal(contract, offer)
    Contract.objects.filter(pk=contract.pk).update(state=Contract.State.SUSPENDED_BY_WISH)
    Suspension.objects.create(
        operation=uuid4(), contract=contract, starts_on=TODAY, ends_on=NEXT, state="running", created_at=NOON
    )

    assert "put 220.00 ₽ on the account first" in in_debt
    assert "possible from 2 December" in refusal(contract, offer)


# --- The preview


def test_the_preview_tells_each_month_and_puts_the_same_together():
    contract = paid()
    tariff = Subscription.objects.get(contract=contract).tariff
    TariffPrice.objects.create(tariff=tariff, fee=700, since=date(2027, 2, 1))

    spans = quote(contract, OfferFactory(percent=50, months=4)).spans

    assert [(span.since, span.last_day, span.before, span.after) for span in spans] == [
        (NEXT, date(2027, 1, 31), 600, 300),
        (date(2027, 2, 1), date(2027, 3, 31), 700, 350),
    ]


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    fee=st.decimals(0, 3000, places=2),
    percents=st.lists(st.integers(1, 100), min_size=1, max_size=2),
    months=st.sampled_from([1, 3, 26]),
    is_charged=st.booleans(),
)
def test_what_is_shown_is_what_the_months_cost(fee, percents, months, is_charged):
    point = transaction.savepoint()
    try:
        contract = served(balance=100_000, fee=fee)
        if is_charged:
            charged(contract)
        for percent in percents:
            shown = quote(contract, OfferFactory(percent=percent, months=months))
            use = take(contract, shown.row.offer)
            assert (use.since, use.until) == (shown.since, shown.until)
            for span in shown.spans:
                for day in (max(span.since, TODAY), span.last_day):
                    assert monthly(contract, day) == span.after
    finally:
        transaction.savepoint_rollback(point)


# --- Its end


def test_some_days_before_its_end_it_is_told_once_what_a_month_costs_then():
    contract = paid()
    use = OfferUseFactory(contract=contract, until=NEXT)
    eve = datetime(2026, 11, 24, 8, tzinfo=NOON.tzinfo)

    told = [offers.tell_ends(now=now) for now in (NOON, eve, eve)]

    notice = Notice.objects.get(kind="offer_ends")
    assert told == [0, 1, 0]
    assert (notice.contract, notice.about) == (contract, f"offer:{use.pk}")
    assert (notice.facts["until"], notice.facts["fee"]) == ("2026-12-01", "600.00")


def test_after_a_stop_it_is_told_late_but_not_too_late():
    contract = paid()
    OfferUseFactory(contract=contract, until=NEXT)

    assert offers.tell_ends(now=datetime(2026, 12, 9, 8, tzinfo=NOON.tzinfo)) == 0
    assert offers.tell_ends(now=datetime(2026, 12, 7, 8, tzinfo=NOON.tzinfo)) == 1


def test_only_percentages_of_contracts_in_force_are_told_of():
    ended = paid()
    OfferUseFactory(contract=ended, until=NEXT)
    Contract.objects.filter(pk=ended.pk).update(state=Contract.State.TERMINATED, ended_on=TODAY)
    OfferUseFactory(contract=paid(), until=NEXT, percent=None)

    assert offers.tell_ends(now=datetime(2026, 11, 30, 8, tzinfo=NOON.tzinfo)) == 0


def test_many_ends_cost_few_queries(django_assert_max_num_queries, monkeypatch):
    monkeypatch.setattr(offers, "BATCH", 4)
    offer = OfferFactory()
    for _ in range(6):
        OfferUseFactory(contract=served(), offer=offer, until=NEXT)

    with django_assert_max_num_queries(3 * 4 + 6 * 4):  # three batches; a notice is a row of its own
        assert offers.tell_ends(now=datetime(2026, 11, 30, 8, tzinfo=NOON.tzinfo)) == 6


# --- At once


@pytest.mark.django_db(transaction=True)
def test_from_two_browsers_and_by_two_clicks_the_limit_is_kept():
    contract, offer, click = paid(), once(credit=300, per_contract=2), uuid4()

    answers = at_once(9, lambda number: take(contract, offer, operation=click if number % 3 else uuid4()))

    taken = {answer.pk for answer in answers if isinstance(answer, OfferUse)}
    assert len(taken) == OfferUse.objects.count() == 2
    assert balance(contract) == 4400 + 600
    assert all(isinstance(answer, OfferUse | OfferRefused) for answer in answers)
