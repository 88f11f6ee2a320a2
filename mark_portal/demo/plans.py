"""What happens to each of the 300 contracts: when it began, what it pays for, how, and how it ends."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from random import Random

from billing.models import PromisedPayment
from mark_portal.demo import days, extras
from mark_portal.demo.extras import TERMINAL, Extra
from mark_portal.demo.loans import Loan
from mark_portal.demo.prices import (
    COTTAGE,
    FAMILY,
    FOR_LEGAL_ENTITIES,
    FOR_PERSONS,
    LONG_TOGETHER,
    NEWCOMER,
    OPTIONS,
    STARTER,
    Held,
    Part,
    Taken,
    Tariff,
)

FIRST_NUMBER = 100_001
# How many contracts began so many days ago: long-standing ones, those of the last two years, newcomers.
STARTS = ((255, 25 * 31, 9 * 365), (37, 32, 720), (8, 1, 26))
LEGAL_ENTITY_CONTRACTS = 28
DEBTORS, RESTING, LEAVING, SWITCHING = 26, 9, 21, 30
ON_AUTOPAY, KEPT_PROMISES = 8, 5
Fate = PromisedPayment.State


class Rhythm(StrEnum):
    MONTHLY = "what is missing, before the month"
    TWICE = "in two parts"
    AHEAD = "for several months"
    LATE = "sometimes only after the month began"
    BY_INVOICE = "by invoice"
    AUTOPAY = "what is missing, from a saved card on the last day"


class Shows(StrEnum):
    """A state that one contract is there to show; a planned one costs nothing yet."""

    PLANNED_SWITCH = "a planned switch"
    BOOST = "a running boost"
    VOLUME_SPENT = "a spent volume"
    PLANNED_SUSPENSION = "a planned suspension"


@dataclass(frozen=True)
class Habit:
    rhythm: Rhythm
    step: int  # sums are rounded up to so many rubles
    means: str
    reserve: int = 0  # rubles kept beside the next fee


@dataclass(frozen=True)
class Plan:
    number: str
    started_on: date
    is_legal: bool
    tariff: Tariff
    habit: Habit
    opening: Decimal = Decimal(0)  # what it had beside the fee when the ledger began
    former_tariff: Tariff | None = None
    switched: int = 0  # the first month under the present tariff
    unpaid_from: int | None = None  # the first month that it does not pay for
    suspended_on: date | None = None
    ended_on: date | None = None
    extras: tuple[Extra, ...] = ()
    loan: Loan | None = None
    declined_for: tuple[int, ...] = ()  # months for which its autopay got nothing from the card
    credit_limit: Decimal = Decimal(0)  # who has one pays after the month
    allows_promises: bool = False
    shows: Shows | None = None
    options: tuple[Held, ...] = ()
    offers: tuple[Taken, ...] = ()

    def tariff_in(self, month: int) -> Tariff:
        return self.former_tariff if self.former_tariff and month < self.switched else self.tariff

    def parts(self, month: int, *, current: int) -> list[Part]:
        """The lines of a month: the tariff, options, what offers take off."""
        tariff = self.tariff_in(month)
        fee = tariff.fee(month, current=current)
        options = [held.part() for held in self.options if held.since <= month]
        offers = [taken.part(fee) for taken in self.offers if taken.since <= month < taken.until]
        return [Part("", tariff.title, fee), *options, *offers]


def make(today: date, rng: Random) -> list[Plan]:
    """300 plans, the oldest contract first."""
    starts = sorted(
        today - timedelta(rng.randint(nearest, farthest)) for count, nearest, farthest in STARTS for _ in range(count)
    )
    legal = set(rng.sample(range(1, STARTS[0][0]), LEGAL_ENTITY_CONTRACTS))
    plans = [_ordinary(place, start, place in legal, rng) for place, start in enumerate(starts)]
    _give_fates(plans, sorted(legal), today, rng)
    plans[0] = _demo_subscriber(plans[0], days.month_of(today))
    return plans


def _give_fates(plans: list[Plan], legal: list[int], today: date, rng: Random) -> None:
    current = days.month_of(today)
    persons = [place for place in range(1, STARTS[0][0]) if place not in legal]
    rng.shuffle(persons)
    debtors, resting, leaving, switching, rest = _cut(persons, DEBTORS, RESTING, LEAVING, SWITCHING)
    for place in [*debtors, legal[0]]:
        plans[place] = _stops_paying(plans[place], current, rng)
    for place in resting:
        plans[place] = _rests(plans[place], today, rng)
    for number, place in enumerate(leaving):
        plans[place] = _leaves(plans[place], today, rng, in_debt=number % 5 < 2)
    for place in switching:
        plans[place] = _switches(plans[place], current, rng)
    extras.charge_debtors(plans, debtors[:4], current, rng)
    extras.spread(plans, rest[:80] + legal[3:], current, rng)
    extras.misplace_payment(plans, wrong=legal[1], right=legal[2], month=current - 5)
    _give_terms(plans, legal)
    _give_services(plans, rest[:80], today, rng)
    _give_ways_to_pay(plans, rest[80:], today, rng)


def _give_services(plans: list[Plan], places: list[int], today: date, rng: Random) -> None:
    """Options for some, a discount for newcomers, and one contract each in the states that a demo should show."""
    current = days.month_of(today)
    planned, boosted, spent, to_rest, *ordinary = places
    for place in range(STARTS[0][0], len(plans)):
        started = days.month_of(plans[place].started_on)
        plans[place] = replace(plans[place], offers=(Taken(NEWCOMER, 30, started + 1, started + 4),))
    for place in ordinary[::3]:
        plans[place] = replace(plans[place], options=_options(plans[place], current - rng.randint(1, 20), rng))
    plans[planned] = replace(plans[planned], tariff=FAMILY, shows=Shows.PLANNED_SWITCH)
    plans[boosted] = replace(_paying(plans[boosted], Rhythm.AHEAD), tariff=STARTER, shows=Shows.BOOST)
    extras.press_turbo(plans, boosted, today - timedelta(1))
    plans[spent] = replace(plans[spent], tariff=COTTAGE, shows=Shows.VOLUME_SPENT)
    plans[to_rest] = replace(_paying(plans[to_rest], Rhythm.AHEAD), shows=Shows.PLANNED_SUSPENSION)


def _options(plan: Plan, since: int, rng: Random) -> tuple[Held, ...]:
    """Some that the tariff can have, the first of them since that month."""
    since = max(since, days.month_of(plan.started_on) + 1)
    fitting = [option for option in OPTIONS if option.fits in plan.tariff.title]
    chosen = rng.sample(fitting, min(len(fitting), rng.choice([1, 1, 2])))
    return tuple(Held(each.title, each.fee, since, rng.randint(1, each.most)) for each in chosen)


def _give_terms(plans: list[Plan], legal: list[int]) -> None:
    """What only contracts of legal entities may have."""
    for place in legal[3:6]:
        limit = days.rounded_up(Decimal(plans[place].tariff.fees[-1]) * 2, 1000)
        plans[place] = replace(plans[place], credit_limit=limit)
    for place in legal[6:8]:
        plans[place] = replace(plans[place], allows_promises=True)


def _give_ways_to_pay(plans: list[Plan], places: list[int], today: date, rng: Random) -> None:
    """Promised payments, autopay, refunds and terminals; nothing else happens to the contracts at these places."""
    current = days.month_of(today)
    borrowing, automatic, (stopped, overpaid, mistaken), at_terminals, _rest = _cut(
        places, 3 + KEPT_PROMISES, ON_AUTOPAY, 3, 4
    )
    for place, loan in zip(borrowing, _loans(today, rng), strict=True):
        unpaid_from = None if loan.paid_on else loan.month
        plans[place] = replace(_exact(plans[place]), tariff=STARTER, loan=loan, unpaid_from=unpaid_from)
    for place in automatic:
        plans[place] = _exact(plans[place], Rhythm.AUTOPAY)
    plans[stopped] = replace(
        _exact(plans[stopped]), tariff=STARTER, declined_for=(current - 3, current - 2, current - 1)
    )
    plans[overpaid] = replace(_exact(plans[overpaid]), tariff=STARTER)
    extras.overpay(plans, overpaid, current - 1)
    extras.pay_for_another(plans, mistaken, current - 1)
    extras.pay_at_terminals(plans, at_terminals, today - timedelta(1))


def _loans(today: date, rng: Random) -> list[Loan]:
    """Yesterday's, which is open; a broken one that nobody paid, one paid too late, and some that were kept."""
    current = days.month_of(today)
    kept = [current - rng.choice([1, 2, 3, 4, 5, 6]) for _number in range(KEPT_PROMISES)]
    return [
        Loan(today - timedelta(1), current, Fate.OPEN),
        Loan(days.day_in(current - 1, 3), current - 1, Fate.BROKEN),
        Loan(days.day_in(current - 3, 3), current - 3, Fate.BROKEN, paid_on=days.day_in(current - 3, 14)),
        *(Loan(days.day_in(month, 2), month, Fate.KEPT, paid_on=days.day_in(month, 5)) for month in kept),
    ]


def _cut(places: list[int], *sizes: int) -> list[list[int]]:
    """Consecutive pieces of these sizes, and what remains."""
    pieces = []
    for size in sizes:
        pieces.append(places[:size])
        places = places[size:]
    return [*pieces, places]


def _ordinary(place: int, started_on: date, is_legal: bool, rng: Random) -> Plan:
    tariffs = FOR_LEGAL_ENTITIES if is_legal else FOR_PERSONS
    return Plan(
        number=str(FIRST_NUMBER + place),
        started_on=started_on,
        is_legal=is_legal,
        tariff=rng.choices(list(tariffs), list(tariffs.values()))[0],
        habit=Habit(Rhythm.BY_INVOICE, 1, "") if is_legal else _habit(rng),
        opening=Decimal(0) if is_legal else Decimal(rng.randint(0, 180)),
    )


def _habit(rng: Random) -> Habit:
    rhythm = rng.choices([Rhythm.MONTHLY, Rhythm.TWICE, Rhythm.AHEAD, Rhythm.LATE], [55, 14, 18, 13])[0]
    means = rng.choices(["Банковская карта", "СБП", TERMINAL, "Сбербанк", "Касса в офисе"], [34, 30, 14, 17, 5])
    return Habit(rhythm, rng.choice([10, 10, 50, 100]), means[0])


def _paying(plan: Plan, rhythm: Rhythm) -> Plan:
    return plan if plan.is_legal else replace(plan, habit=replace(plan.habit, rhythm=rhythm))


def _stops_paying(plan: Plan, current: int, rng: Random) -> Plan:
    return replace(_exact(plan), unpaid_from=current - rng.randint(0, 3))


def _exact(plan: Plan, rhythm: Rhythm = Rhythm.MONTHLY) -> Plan:
    """Without a ruble to spare: what is left would otherwise pay for the last days of a month by itself."""
    if plan.is_legal:
        return plan
    return replace(plan, habit=replace(plan.habit, rhythm=rhythm, step=1), opening=Decimal(0))


def _rests(plan: Plan, today: date, rng: Random) -> Plan:
    return replace(_paying(plan, Rhythm.AHEAD), suspended_on=today - timedelta(rng.randint(2, 27)))


def _leaves(plan: Plan, today: date, rng: Random, *, in_debt: bool) -> Plan:
    ended_on = today - timedelta(rng.randint(5, 560))
    unpaid_from = days.month_of(ended_on) - 1 if in_debt else None
    return replace(_paying(plan, Rhythm.MONTHLY), ended_on=ended_on, unpaid_from=unpaid_from)


def _switches(plan: Plan, current: int, rng: Random) -> Plan:
    former = rng.choice([tariff for tariff in FOR_PERSONS if tariff != plan.tariff])
    return replace(plan, former_tariff=former, switched=current - rng.randint(2, 18))


def _demo_subscriber(plan: Plan, current: int) -> Plan:
    """Contract 100001: never late, one change of tariff, money for one or two months ahead."""
    return replace(
        plan,
        tariff=FAMILY,
        former_tariff=STARTER,
        switched=current - 15,
        habit=Habit(Rhythm.MONTHLY, 50, "Банковская карта", reserve=800),
        options=(Held("Статический IP-адрес", 120, current - 10),),
        offers=(Taken(LONG_TOGETHER, 10, current - 2, current + 4),),
        opening=Decimal(700),
        extras=extras.of_the_demo_subscriber(current),
        loan=Loan(days.day_in(current - 14, 26), current - 13, Fate.KEPT, paid_on=days.day_in(current - 14, 28)),
    )
