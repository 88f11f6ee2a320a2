"""The turbo button: a subscriber's story, each refusal, the arithmetic of stopping early, two clicks at once."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import Contract
from accounts.tests.at_once import at_once
from accounts.tests.factories import ContractFactory
from billing import promises
from billing.models import Account, EntryKind, LedgerEntry
from billing.tests.factories import NOON, PromisedPaymentFactory, account_of
from notifications.models import Notice
from tariffs import access, turbo, turbo_terms
from tariffs.models import Boost, Family, OfferUse, Press, Service, Suspension
from tariffs.tests.factories import TODAY, OfferFactory, OfferUseFactory, TurboPackageFactory, charged, served
from tariffs.tests.test_access import boosted, set_state, used
from tariffs.turbo import TurboRefused

HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
State = Boost.State
pytestmark = pytest.mark.django_db


def ready(balance=500, **tariff):
    """A contract whose month is charged, with so much money left; 100 Mbit/s."""
    contract = served(balance=Decimal(balance) + 600, **tariff)
    charged(contract)
    return contract


def press(contract, package=None, *, now=NOON, operation=None, is_free=False, seen_price=None):
    package = package or TurboPackageFactory()
    return turbo.press(
        contract.pk,
        package_id=package.pk,
        is_free=is_free,
        seen_price=Decimal(package.price if seen_price is None else seen_price),
        operation=operation or uuid4(),
        now=now,
    )


def stop(contract, boost, *, now=NOON, seen_hours=None):
    hours = turbo_terms.unused_hours(boost, now) if seen_hours is None else seen_hours
    return turbo.stop(contract.pk, boost_id=boost.pk, seen_hours=hours, now=now)


def balance(contract):
    return Account.objects.get(pk=contract.pk).balance


def entries(contract):
    rows = LedgerEntry.objects.filter(account=contract.pk, key__startswith="turbo:").order_by("pk")
    return list(rows.values_list("key", "kind", "amount", "title"))


def gift(contract, *, presses=1, until=None, **fields):
    offer = OfferFactory(percent=None, months=None, presses=presses)
    return OfferUseFactory(contract=contract, offer=offer, presses_left=presses, until=until, **fields)


def told(contract):
    return list(Notice.objects.filter(contract=contract).order_by("pk").values_list("kind", flat=True))


# A story


def test_an_evening_with_turbo():
    contract, three_hours = ready(500), TurboPackageFactory(hours=3, price="50")

    pressed = press(contract, three_hours)
    assert balance(contract) == 450
    assert access.stand(contract.pk, now=NOON).down == 200
    assert pressed.boost.ends_at == NOON + 3 * HOUR

    again = press(contract, three_hours, now=NOON + HOUR)
    assert balance(contract) == 400
    assert (again.boost, again.boost.ends_at) == (pressed.boost, NOON + 6 * HOUR)

    boost = stop(contract, again.boost, now=NOON + 90 * MINUTE)
    assert balance(contract) == Decimal("466.67")
    assert boost.state == State.STOPPED
    assert access.stand(contract.pk, now=NOON + 90 * MINUTE).down == 100
    assert entries(contract) == [
        (f"turbo:{pressed.pk}", EntryKind.CHARGE, -50, "Турбо-кнопка, 3 ч"),
        (f"turbo:{again.pk}", EntryKind.CHARGE, -50, "Турбо-кнопка, 3 ч"),
        (f"turbo:{boost.pk}:back", EntryKind.REFUND, Decimal("66.67"), "Турбо-кнопка: возврат за 4 ч"),
    ]
    assert told(contract) == ["turbo_on", "turbo_on", "turbo_stopped"]


# Pressing


def test_it_costs_exactly_what_is_there():
    contract = ready(50)

    press(contract, TurboPackageFactory(price=50))

    assert balance(contract) == 0


@pytest.mark.parametrize(("balance", "missing"), [("49.99", "0.01"), (0, "50.00")])
def test_with_less_it_is_refused_with_the_missing_sum(balance, missing):
    contract = ready(balance)

    with pytest.raises(TurboRefused, match=f"^{missing}.₽ is missing"):
        press(contract, TurboPackageFactory(price=50))
    assert not Boost.objects.exists()


def test_a_promise_is_not_money():
    contract = ready(0)
    PromisedPaymentFactory(account_id=contract.pk, amount=500, due_at=NOON + timedelta(days=3))
    assert promises.of(contract.pk).filter(state="open").exists()

    with pytest.raises(TurboRefused, match=r"50.00.₽ is missing"):
        press(contract)


def test_the_credit_that_a_contract_allows_is():
    contract = ready(0)
    account_of(contract, credit_limit=50)

    press(contract)

    assert balance(contract) == -50


def test_a_package_without_a_price_leaves_no_line():
    contract = ready(0)

    press(contract, TurboPackageFactory(price=0))

    assert (entries(contract), Boost.objects.count()) == ([], 1)


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (Contract.State.SUSPENDED_FOR_DEBT, "off for debt"),
        (Contract.State.SUSPENDED_BY_WISH, "paused at your wish"),
        (Contract.State.TERMINATED, "has ended"),
    ],
)
def test_without_service_there_is_nothing_to_speed_up(state, why):
    contract = ready()
    set_state(contract, state)

    with pytest.raises(TurboRefused, match=why):
        press(contract)


def test_a_pause_names_its_end():
    contract = ready()
    set_state(contract, Contract.State.SUSPENDED_BY_WISH)
    Suspension.objects.create(
        operation=uuid4(),
        contract=contract,
        starts_on=TODAY,
        ends_on=TODAY + timedelta(days=9),
        state="running",
        created_at=NOON,
    )

    with pytest.raises(TurboRefused, match=r"possible from 30.November"):
        press(contract)


def test_television_cannot_be_sped_up():
    contract = ready(services=[Service.TV])

    with pytest.raises(TurboRefused, match="has no internet"):
        press(contract)


def test_without_a_tariff_there_is_nothing_to_speed_up():
    contract = ContractFactory()

    with pytest.raises(TurboRefused, match="no tariff"):
        press(contract)


def test_a_tariff_as_fast_as_the_line_is_not_sold_more(settings):
    settings.LINE_MBIT = 100
    contract = ready()

    with pytest.raises(TurboRefused, match="as fast as the line"):
        press(contract)


def test_past_the_volume_even_the_lines_limit_is_worth_it(settings):
    settings.LINE_MBIT = 100
    contract = ready(volume_gb=1, floor_speed=2)
    used(contract, down=1)

    press(contract)

    assert access.stand(contract.pk, now=NOON).down == 100


def test_another_speed_waits_for_the_end_of_the_first():
    contract = ready()
    press(contract, TurboPackageFactory(factor=2))

    with pytest.raises(TurboRefused, match=r"another speed runs: possible from .*15:00"):
        press(contract, TurboPackageFactory(factor=3), now=NOON + HOUR)
    assert press(contract, TurboPackageFactory(factor=3), now=NOON + 3 * HOUR).boost.factor == 3


def test_pressed_at_the_very_end_it_is_a_new_boost_and_the_old_one_is_over():
    contract = ready()
    first = press(contract).boost

    second = press(contract, now=first.ends_at).boost

    first.refresh_from_db()
    assert (first.state, first.finished_at) == (State.OVER, first.ends_at)
    assert (second.started_at, second.ends_at) == (first.ends_at, first.ends_at + 3 * HOUR)
    assert told(contract) == ["turbo_on", "turbo_over", "turbo_on"]


@pytest.mark.parametrize("package", [{"is_archived": True}, {"family": Family.TV}])
def test_what_is_not_offered_is_not_sold(package):
    with pytest.raises(TurboRefused, match="not offered"):
        press(ready(), TurboPackageFactory(**package))


def test_an_unknown_package_is_not_sold():
    contract = ready()

    with pytest.raises(TurboRefused, match="not offered"):
        turbo.press(contract.pk, package_id=2**62, is_free=False, seen_price=Decimal(50), operation=uuid4(), now=NOON)


def test_another_price_than_the_page_showed_is_not_charged():
    contract, package = ready(), TurboPackageFactory(price=60)

    with pytest.raises(TurboRefused, match="price has changed"):
        press(contract, package, seen_price=Decimal(50))
    assert balance(contract) == 500


def test_a_bundle_has_the_packages_of_internet_until_it_has_its_own():
    contract = ready(services=[Service.INTERNET, Service.TV])
    of_internet = TurboPackageFactory()
    assert turbo.ground(contract.pk, now=NOON).packages == [of_internet]

    own = TurboPackageFactory(family=Family.BUNDLE)

    assert turbo.ground(contract.pk, now=NOON).packages == [own]


# Free presses


def test_a_free_press_costs_nothing_and_is_used_up():
    contract = ready(0)
    use = gift(contract, presses=2)

    pressed = press(contract, is_free=True)

    use.refresh_from_db()
    assert (pressed.offer_use, pressed.price, use.presses_left) == (use, 0, 1)
    assert (entries(contract), balance(contract)) == ([], 0)


def test_the_gift_that_ends_first_is_used_first():
    contract = ready()
    for_ever = gift(contract)
    soon = gift(contract, until=TODAY + timedelta(days=1))
    later = gift(contract, until=TODAY + timedelta(days=30))

    used = [press(contract, is_free=True).offer_use for _ in range(3)]

    assert used == [soon, later, for_ever]
    assert not OfferUse.objects.filter(presses_left__gt=0).exists()


@pytest.mark.parametrize("fields", [{"until": TODAY}, {"presses": 0}, {"since": TODAY + timedelta(days=1)}])
def test_a_gift_that_is_over_or_used_up_or_to_come_gives_no_press(fields):
    contract = ready()
    since = fields.pop("since", date(2026, 11, 1))
    presses = fields.pop("presses", 1)
    use = gift(contract, since=since, **fields)
    OfferUse.objects.filter(pk=use.pk).update(presses_left=presses)

    with pytest.raises(TurboRefused, match="no free presses left"):
        press(contract, is_free=True)


def test_the_gift_of_another_contract_gives_no_press():
    gift(ready())

    with pytest.raises(TurboRefused, match="no free presses left"):
        press(ready(), is_free=True)


# Stopping early


@pytest.mark.parametrize(
    ("after", "back"),
    [
        (timedelta(0), "50.00"),
        (SECOND, "33.33"),
        (HOUR, "33.33"),
        (HOUR + SECOND, "16.67"),
        (2 * HOUR, "16.67"),
        (2 * HOUR + SECOND, None),
        (2 * HOUR + MINUTE, None),  # at 59 minutes
        (3 * HOUR - SECOND, None),
    ],
)
def test_only_unused_full_hours_come_back(after, back):
    contract = ready(50)
    boost = press(contract, TurboPackageFactory(hours=3, price=50)).boost

    stopped = stop(contract, boost, now=NOON + after)

    assert (stopped.state, stopped.finished_at) == (State.STOPPED, NOON + after)
    assert balance(contract) == Decimal(back or 0)
    assert Notice.objects.get(kind="turbo_stopped").facts["back"] == (back or "")


def test_the_hours_of_the_last_press_come_back_first():
    contract = ready(500)
    dear, cheap = TurboPackageFactory(hours=1, price=40), TurboPackageFactory(hours=3, price=60)
    press(contract, dear)
    boost = press(contract, cheap).boost

    stop(contract, boost, now=NOON + HOUR)

    assert balance(contract) == 500 - 40


def test_a_free_press_gives_nothing_back():
    contract = ready(500)
    use = gift(contract)
    press(contract, TurboPackageFactory(hours=1, price=40))
    boost = press(contract, TurboPackageFactory(hours=3, price=60), is_free=True).boost

    stop(contract, boost)

    use.refresh_from_db()
    assert (balance(contract), use.presses_left) == (500, 0)  # the paid hour had not begun, and came back


@given(
    st.lists(st.tuples(st.decimals(0, 999, places=2), st.integers(1, 24)), min_size=1, max_size=8),
    st.integers(0, 200),
)
def test_never_more_than_was_paid_comes_back_and_less_with_each_hour(bought, hours):
    presses = [Press(price=price, hours=length) for price, length in bought]
    paid, total = sum(price for price, _ in bought), sum(length for _, length in bought)

    back = turbo_terms.given_back(presses, min(hours, total))

    assert 0 <= back <= paid
    assert turbo_terms.given_back(presses, total) == paid
    assert turbo_terms.given_back(presses, max(min(hours, total) - 1, 0)) <= back


def test_what_was_foretold_is_posted():
    contract = ready(500)
    boost = press(contract, TurboPackageFactory(hours=24, price="99.99")).boost
    now = NOON + timedelta(hours=5, minutes=17)

    foretold = turbo.lines_of_stopping(contract.pk, now=now)
    stop(contract, boost, now=now)

    assert entries(contract)[1:] == [(line.key, line.kind, line.amount, line.title) for line in foretold]


def test_stopped_twice_it_gives_back_once():
    contract = ready(50)
    boost = press(contract).boost

    stop(contract, boost, now=NOON + HOUR)
    stop(contract, boost, now=NOON + HOUR + SECOND, seen_hours=2)

    assert balance(contract) == Decimal("33.33")


@pytest.mark.parametrize("is_closed", [True, False])
def test_what_is_over_is_not_stopped(is_closed):
    contract = ready(50)
    boost = press(contract).boost
    if is_closed:
        turbo.end_due(now=boost.ends_at)

    with pytest.raises(TurboRefused, match="ended by itself"):
        stop(contract, boost, now=boost.ends_at, seen_hours=0)


def test_the_boost_of_another_contract_is_not_stopped():
    boost = press(ready()).boost

    with pytest.raises(TurboRefused, match="ended by itself"):
        stop(ready(), boost)
    assert Boost.objects.get().state == State.RUNNING


def test_another_number_of_hours_than_the_page_showed_is_shown_first():
    contract = ready(50)
    boost = press(contract).boost

    with pytest.raises(TurboRefused, match="Another number of full hours"):
        stop(contract, boost, now=NOON + HOUR + SECOND, seen_hours=2)
    assert balance(contract) == 0


# Stopped with the service


def test_it_stops_with_the_service_and_gives_back():
    contract = ready(50)
    press(contract)

    stopped = turbo.stop_for(contract.pk, now=NOON + HOUR)

    assert (stopped.state, balance(contract)) == (State.STOPPED, Decimal("33.33"))
    assert turbo.stop_for(contract.pk, now=NOON + HOUR) is None


def test_without_a_boost_there_is_nothing_to_stop_or_to_foretell():
    contract = ready()
    assert turbo.stop_for(contract.pk, now=NOON) is None
    boost = press(contract).boost

    assert turbo.stop_for(contract.pk, now=boost.ends_at) is None
    assert Boost.objects.get().state == State.OVER
    assert turbo.lines_of_stopping(contract.pk, now=boost.ends_at) == []


# Over


def test_it_ends_by_itself_and_tells_so_once():
    contract = ready()
    boost = press(contract).boost

    counts = [turbo.end_due(now=boost.ends_at - SECOND), turbo.end_due(now=boost.ends_at + 7 * SECOND)]
    counts.append(turbo.end_due(now=boost.ends_at + 8 * SECOND))

    boost.refresh_from_db()
    assert counts == [0, 1, 0]
    assert (boost.state, boost.finished_at) == (State.OVER, boost.ends_at)
    assert told(contract) == ["turbo_on", "turbo_over"]


# At once


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_are_one_press():
    contract, package, operation = ready(500), TurboPackageFactory(), uuid4()

    answers = at_once(8, lambda _number: press(contract, package, operation=operation))

    assert len({answer.pk for answer in answers}) == 1
    assert (balance(contract), Boost.objects.get().ends_at) == (450, NOON + 3 * HOUR)


@pytest.mark.django_db(transaction=True)
def test_eight_presses_at_once_are_one_boost_as_long_as_the_money_lasts():
    contract, package = ready(170), TurboPackageFactory()

    answers = at_once(8, lambda _number: press(contract, package))

    assert sum(isinstance(answer, TurboRefused) for answer in answers) == 5
    assert (balance(contract), Boost.objects.get().ends_at) == (20, NOON + 9 * HOUR)


@pytest.mark.django_db(transaction=True)
def test_one_free_press_is_used_once():
    contract, package = ready(0), TurboPackageFactory()
    gift(contract)

    answers = at_once(8, lambda _number: press(contract, package, is_free=True))

    assert sum(isinstance(answer, TurboRefused) for answer in answers) == 7
    assert OfferUse.objects.get().presses_left == 0


@pytest.mark.django_db(transaction=True)
def test_stopping_and_pressing_at_once_loses_no_money():
    """Whichever comes first: what is paid for is either still to come or given back."""
    contract, package = ready(500), TurboPackageFactory()
    boost = press(contract, package).boost

    at_once(8, lambda number: press(contract, package) if number % 2 else stop(contract, boost, seen_hours=3))

    running = Boost.objects.filter(state=State.RUNNING).first()
    worth = sum((row.price for row in running.presses.all()), Decimal(0)) if running else Decimal(0)
    assert balance(contract) + worth == 500


@pytest.mark.django_db(transaction=True)
def test_the_end_and_a_press_at_the_same_moment_do_not_meet():
    contract, package = ready(500), TurboPackageFactory()
    end = press(contract, package).boost.ends_at

    at_once(8, lambda number: turbo.end_due(now=end) if number % 2 else press(contract, package, now=end - SECOND))

    assert Boost.objects.filter(state=State.RUNNING).count() <= 1
    assert access.stand(contract.pk, now=end).down == 200


@pytest.mark.django_db(transaction=True)
def test_the_operation_of_another_contract_is_refused():
    operation = uuid4()
    press(ready(), operation=operation)

    with pytest.raises(TurboRefused, match="grown old"):
        press(ready(), operation=operation)
    assert Boost.objects.count() == 1


def test_a_contract_has_one_running_boost():
    contract = ready()
    boosted(contract)

    with pytest.raises(IntegrityError, match="one_running_boost_per_contract"):
        boosted(contract)
