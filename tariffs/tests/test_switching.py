"""Switching the tariff at once: what is posted, and what is refused in which words."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from accounts.models import Contract
from accounts.tests.factories import CityFactory, StaffFactory
from billing.models import Account, LedgerEntry
from billing.tests.factories import NOON, PromisedPaymentFactory, put
from notifications.models import Notice
from tariffs import access, switching
from tariffs.models import Boost, OptionUse, Press, Service, Subscription, Suspension, Switch, TariffPrice
from tariffs.switching import SwitchRefused
from tariffs.tests.factories import (
    LONG_AGO,
    NEXT,
    TODAY,
    OfferFactory,
    OfferUseFactory,
    OptionUseFactory,
    TariffFactory,
    TurboPackageFactory,
    charged,
    served,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract():
    """600 ₽ a month, this one charged; 1,000 ₽ left."""
    contract = served(fee=600, balance=1600)
    charged(contract)
    return contract


@pytest.fixture
def faster(contract):
    return TariffFactory(city=contract.city, fee=900, name="Быстрый", switch_fee=50)


def now(contract, tariff, *, at=NOON, **options):
    options.setdefault("operation", uuid4())
    return switching.switch_now(contract.pk, tariff_id=tariff.pk, now=at, **options)


def plan(contract, tariff, on, *, at=NOON, **options):
    options.setdefault("operation", uuid4())
    return switching.plan(contract.pk, tariff_id=tariff.pk, on=on, now=at, **options)


def lines(contract, switch):
    own = LedgerEntry.objects.filter(account=contract.pk, key__startswith=f"switch:{switch.pk}:").order_by("pk")
    return [(entry.key.split(":", 2)[2], entry.amount, entry.title) for entry in own]


def tariffs(contract):
    rows = Subscription.objects.filter(contract=contract).order_by("since", "pk")
    return [(row.tariff_id, row.since, row.until) for row in rows]


def terms(contract, tariff, when=None, *, at=NOON):
    ground = switching.ground(contract.pk, now=at, also=tariff.pk)
    return switching.quote(ground, ground.holding.tariffs[tariff.pk], when or switching.When.now(ground.today))


# --- At once


def test_the_days_left_are_given_back_and_charged_anew_with_the_fee_for_switching(contract, faster):
    old = Subscription.objects.get(contract=contract).tariff

    switch = now(contract, faster)

    assert lines(contract, switch) == [
        ("back", Decimal("220.00"), old.name),  # 11 of 30 days
        ("rest", Decimal("-330.00"), "Быстрый"),
        ("fee", Decimal("-50.00"), "Переход на тариф «Быстрый»"),
    ]
    assert tariffs(contract) == [(old.pk, LONG_AGO, TODAY), (faster.pk, TODAY, None)]
    assert (switch.state, switch.on, switch.finished_at) == (Switch.State.DONE, TODAY, NOON)


def test_the_preview_is_what_is_posted_with_the_balance_after_each_line(contract, faster):
    seen = terms(contract, faster)

    switch = now(contract, faster, seal=seen.seal)

    posted = LedgerEntry.objects.filter(key__startswith=f"switch:{switch.pk}:").order_by("pk")
    assert [(e.kind, e.amount, e.title) for e in posted] == [
        (s.line.kind, s.line.amount, s.line.title) for s in seen.steps
    ]
    assert [step.balance_after for step in seen.steps] == [Decimal(1220), Decimal(890), Decimal(840)]
    assert Account.objects.get(pk=contract.pk).balance == 840


def test_a_tariff_without_a_fee_for_switching_has_no_line_of_it(contract):
    switch = now(contract, TariffFactory(city=contract.city, fee=300))

    assert [name for name, *_rest in lines(contract, switch)] == ["back", "rest"]


def test_the_subscriber_is_told(contract, faster):
    now(contract, faster)

    notice = Notice.objects.get(kind="tariff_switched")
    assert notice.facts == {"tariff": "Быстрый", "tariff_en": "", "since": "2026-11-20", "fee": "900.00", "ends": ""}


def test_the_same_operation_is_one_switch(contract, faster):
    operation = uuid4()

    first, second = (now(contract, faster, operation=operation) for _click in range(2))

    assert first == second
    assert Switch.objects.count() == 1
    assert Account.objects.get(pk=contract.pk).balance == 840


def test_an_operation_of_another_switch_is_refused(contract, faster):
    operation = uuid4()
    plan(contract, faster, NEXT, operation=operation)

    with pytest.raises(SwitchRefused, match="grown old"):
        now(contract, faster, operation=operation)


def test_an_operation_of_another_contract_is_refused(contract, faster):
    operation = uuid4()
    now(contract, faster, operation=operation)
    other = served(balance=1000)

    with pytest.raises(SwitchRefused, match="grown old"):
        now(other, faster, operation=operation)


@pytest.mark.parametrize("change", ["price", "balance"])
def test_other_sums_than_those_seen_are_not_posted(contract, faster, change):
    seal = terms(contract, faster).seal
    if change == "price":
        TariffPrice.objects.filter(tariff=faster).update(fee=950)
    else:
        put(contract.pk, -1)

    with pytest.raises(switching.LinesChanged, match="changed since you saw them"):
        now(contract, faster, seal=seal)

    assert not Switch.objects.exists()


def test_a_month_that_is_not_charged_yet_moves_no_days(faster):
    contract = served(balance=1000)

    switch = now(contract, faster)

    assert [name for name, *_rest in lines(contract, switch)] == ["fee"]


def test_just_after_the_midnight_of_the_first_the_month_to_come_takes_it_in(faster):
    contract = served(balance=1000)
    midnight = NOON + timedelta(days=10, hours=12, minutes=5)

    seen = terms(contract, faster, at=midnight)
    now(contract, faster, at=midnight)
    charged(contract, since=NEXT, now=midnight)

    assert [(step.line.amount, step.is_own) for step in seen.steps] == [(-50, True), (-900, False)]
    assert Account.objects.get(pk=contract.pk).balance == 50 == seen.steps[-1].balance_after


def test_a_month_that_cost_nothing_begins_to_be_charged_with_the_switch(faster):
    contract = served(fee=0, balance=1000)

    now(contract, faster)

    assert LedgerEntry.objects.get(key=f"month:{contract.pk}:2026-11").amount == -330
    assert Account.objects.get(pk=contract.pk).balance == 620


# --- What ends and what stays


def test_options_whose_service_is_gone_end_with_their_days_given_back(contract):
    stays = OptionUseFactory(contract=contract, option__fee=60)
    goes = OptionUseFactory(contract=contract, option__fee=90, option__needs=Service.INTERNET, option__name="Адрес")
    television = TariffFactory(city=contract.city, fee=300, services=[Service.TV])
    seen = terms(contract, television)

    switch = now(contract, television)

    assert [name for name, *_rest in lines(contract, switch)] == ["back", f"back:option:{goes.pk}", "rest"]
    assert lines(contract, switch)[1][1:] == (Decimal("33.00"), "Адрес")
    assert [use.use_id for use in seen.ends] == [goes.pk]
    goes.refresh_from_db()
    assert (goes.until, goes.ended_at) == (TODAY, NOON)
    assert OptionUse.objects.get(pk=stays.pk).until is None
    assert Notice.objects.get(kind="tariff_switched").facts["ends"] == "Адрес"


def test_an_option_that_was_to_change_from_the_first_ends_before_it_begins(contract):
    goes = OptionUseFactory(contract=contract, option__needs=Service.INTERNET, since=NEXT)

    now(contract, TariffFactory(city=contract.city, services=[Service.TV]))

    goes.refresh_from_db()
    assert (goes.until, goes.ended_at) == (NEXT, NOON)


def test_an_offer_that_is_not_for_the_new_tariff_stops_taking_off(contract, faster):
    offer = OfferFactory(name="Полцены")
    offer.tariffs.add(Subscription.objects.get(contract=contract).tariff)
    use = OfferUseFactory(contract=contract, offer=offer)
    seen = terms(contract, faster)

    switch = now(contract, faster)

    assert lines(contract, switch)[1] == (f"back:offer:{use.pk}", Decimal("-110.00"), "Полцены")
    assert seen.offers_lost == ["Полцены"]


def test_a_percentage_for_every_tariff_is_of_the_new_fee_from_the_day_on(contract, faster):
    use = OfferUseFactory(contract=contract, offer__name="Полцены")

    switch = now(contract, faster)

    assert lines(contract, switch)[:4] == [
        ("back", Decimal("220.00"), switch.old.name),
        (f"back:offer:{use.pk}", Decimal("-110.00"), "Полцены"),
        ("rest", Decimal("-330.00"), "Быстрый"),
        (f"rest:offer:{use.pk}", Decimal("165.00"), "Полцены"),
    ]


# --- With turbo running


@pytest.fixture
def boosted(contract):
    """Three hours for 50 ₽, bought half an hour ago."""
    began = NOON - timedelta(minutes=30)
    boost = Boost.objects.create(contract=contract, factor=2, started_at=began, ends_at=began + timedelta(hours=3))
    package = TurboPackageFactory(hours=3, price=50)
    Press.objects.create(operation=uuid4(), boost=boost, package=package, hours=3, price=50, at=began)
    return boost


def test_turbo_stays_with_another_speed(contract, faster, boosted):
    now(contract, faster)

    boosted.refresh_from_db()
    assert boosted.state == Boost.State.RUNNING
    stands = access.stand(contract.pk, now=NOON)
    assert (stands.tariff, stands.down) == (faster, 2 * faster.speed_down)


def test_turbo_stops_and_gives_back_where_there_is_nothing_to_speed_up(contract, boosted):
    television = TariffFactory(city=contract.city, fee=300, services=[Service.TV])
    seen = terms(contract, television)
    last = LedgerEntry.objects.latest("pk").pk

    now(contract, television, seal=seen.seal)

    boosted.refresh_from_db()
    posted = LedgerEntry.objects.filter(pk__gt=last).order_by("pk")
    assert boosted.state == Boost.State.STOPPED
    assert seen.stops_turbo
    assert [(e.amount, e.title) for e in posted] == [(s.line.amount, s.line.title) for s in seen.steps]
    assert posted[0].amount == Decimal("33.33")  # two full hours of three
    assert Account.objects.get(pk=contract.pk).balance == seen.steps[-1].balance_after


def test_money_that_stopping_turbo_gives_back_pays_for_the_switch(contract, boosted):
    television = TariffFactory(city=contract.city, fee=600, services=[Service.TV], switch_fee=30)
    put(contract.pk, -1000)

    assert now(contract, television).state == Switch.State.DONE


# --- Refused


def refused(contract, tariff, when=None, *, at=NOON):
    """The reasons of the page; the verb refuses in the same words."""
    seen = terms(contract, tariff, when, at=at)
    wish = when or switching.When.now(TODAY)
    with pytest.raises(SwitchRefused) as refusal:
        if wish.is_at_once:
            now(contract, tariff, at=at)
        else:
            plan(contract, tariff, wish.on, at=at)
    assert str(refusal.value) == seen.why_not
    return [(reason.code, reason.from_when or reason.from_sum) for reason in seen.reasons]


def test_the_same_tariff(contract):
    assert refused(contract, Subscription.objects.get(contract=contract).tariff) == [("same", None)]


def test_a_tariff_of_another_city(contract):
    city = CityFactory(slug="votkinsk", name="Воткинск", name_en="Votkinsk")

    assert refused(contract, TariffFactory(city=city)) == [("city", None)]


def test_a_tariff_for_legal_entities(contract):
    assert refused(contract, TariffFactory(city=contract.city, audience="legal")) == [("audience", None)]


def test_a_tariff_in_the_archive(contract):
    assert refused(contract, TariffFactory(city=contract.city, is_archived=True)) == [("archived", None)]


def test_a_tariff_that_is_not_sold_yet(contract, faster):
    TariffPrice.objects.filter(tariff=faster).update(since=NEXT)

    assert refused(contract, faster) == [("price", NEXT)]
    assert not terms(contract, faster, switching.When(NEXT)).is_locked


def test_a_tariff_without_any_price(contract, faster):
    TariffPrice.objects.filter(tariff=faster).delete()

    assert refused(contract, faster) == [("price", None)]


def test_a_tariff_that_does_not_exist(contract):
    with pytest.raises(SwitchRefused, match="no such tariff"):
        switching.switch_now(contract.pk, tariff_id=9**18, operation=uuid4(), now=NOON)


def test_twice_within_a_month(contract, faster):
    now(contract, faster)
    put(contract.pk, 1000)
    third = TariffFactory(city=contract.city)

    assert refused(contract, third) == [("often", NEXT)]
    assert refused(contract, third, switching.When(date(2026, 11, 25))) == [("often", NEXT)]
    assert not terms(contract, third, switching.When(NEXT)).is_locked


def test_a_switch_from_the_first_leaves_the_one_of_the_month(faster):
    contract = served(balance=5000)
    plan(contract, faster, NEXT)
    first = NOON + timedelta(days=10, hours=13)
    assert switching.do_due(now=first) == 1
    charged(contract, since=NEXT, now=first)

    switch = now(contract, TariffFactory(city=contract.city), at=first)

    assert switch.state == Switch.State.DONE


def test_money_missing_for_it(contract, faster):
    put(contract.pk, "-900.50")  # 99.50 left, 160 needed

    assert refused(contract, faster) == [("money", Decimal("60.50"))]
    assert not terms(contract, faster, switching.When(NEXT)).is_locked


def test_an_open_promise_is_not_money(contract, faster):
    put(contract.pk, -1000)
    PromisedPaymentFactory(account=Account.objects.get(pk=contract.pk), amount=1000)

    assert refused(contract, faster) == [("money", Decimal(160))]


def test_the_credit_of_a_legal_entity_is(contract, faster):
    put(contract.pk, -1000)
    Account.objects.filter(pk=contract.pk).update(credit_limit=160)

    assert now(contract, faster).state == Switch.State.DONE


def test_below_zero(contract, faster):
    put(contract.pk, -1100)

    assert refused(contract, faster) == [("debt", Decimal(100))]
    assert refused(contract, faster, switching.When(NEXT)) == [("debt", Decimal(100))]


def test_stopped_for_debt(contract, faster):
    put(contract.pk, -1100)
    Contract.objects.update(state=Contract.State.SUSPENDED_FOR_DEBT)

    assert refused(contract, faster) == [("debt", Decimal(100))]


def test_stopped_for_debt_and_paid_a_moment_ago(contract, faster):
    Contract.objects.update(state=Contract.State.SUSPENDED_FOR_DEBT)

    assert refused(contract, faster) == [("debt", None)]
    assert "within a minute" in terms(contract, faster).why_not


def test_paused_at_ones_wish(contract, faster):
    Contract.objects.update(state=Contract.State.SUSPENDED_BY_WISH)
    Suspension.objects.create(
        operation=uuid4(), contract=contract, starts_on=TODAY, ends_on=NEXT, state="running", created_at=NOON
    )

    assert refused(contract, faster) == [("wish", NEXT + timedelta(days=1))]


@pytest.mark.parametrize(
    ("on", "answer"),
    [
        (date(2026, 11, 30), []),
        (NEXT, [("pause", date(2026, 12, 15))]),
        (date(2026, 12, 14), [("pause", date(2026, 12, 15))]),
        (date(2026, 12, 15), []),
    ],
)
def test_a_day_of_a_pause_to_come_cannot_be_chosen(contract, faster, on, answer):
    Suspension.objects.create(
        operation=uuid4(), contract=contract, starts_on=NEXT, ends_on=date(2026, 12, 14), created_at=NOON
    )
    seen = terms(contract, faster, switching.When(on))

    assert [(reason.code, reason.from_when) for reason in seen.reasons] == answer
    assert (seen.pause is not None) == (on > NEXT)


def test_a_contract_that_has_ended(contract, faster):
    Contract.objects.update(state=Contract.State.TERMINATED, ended_on=TODAY)

    assert refused(contract, faster) == [("ended", None)]


def test_a_contract_without_a_tariff(faster):
    contract = served()
    Subscription.objects.filter(contract=contract).delete()

    assert refused(contract, faster) == [("no_tariff", None)]


def test_another_one_while_staff_have_planned(contract, faster):
    plan(contract, faster, NEXT, by=StaffFactory())
    third = TariffFactory(city=contract.city)

    assert refused(contract, third) == [("staff", NEXT + timedelta(days=1))]
    assert refused(contract, third, switching.When(date(2027, 1, 1))) == [("staff", NEXT + timedelta(days=1))]


@pytest.mark.parametrize("days", [-1, 0, 61, 4000])
def test_a_day_that_cannot_be_chosen(contract, faster, days):
    on = TODAY + timedelta(days=days)

    assert refused(contract, faster, switching.When(on)) == [("day", TODAY + timedelta(days=1))]


@pytest.mark.parametrize("days", [1, 60])
def test_the_first_and_the_last_day_can(contract, faster, days):
    assert plan(contract, faster, TODAY + timedelta(days=days)).state == Switch.State.PLANNED


def test_what_is_planned_already(contract, faster):
    plan(contract, faster, NEXT)

    assert refused(contract, faster, switching.When(NEXT)) == [("planned", None)]
