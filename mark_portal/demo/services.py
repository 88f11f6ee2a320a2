"""What each contract has of the catalogue, and what happened with it: tariffs in time, options, offers, a boost…"""

from datetime import date, datetime, timedelta
from random import Random

from accounts.models import Contract
from mark_portal.demo import days, numbers
from mark_portal.demo.catalogue import Catalogue
from mark_portal.demo.extras import TURBO_DAY
from mark_portal.demo.plans import Shows
from mark_portal.demo.stories import Story
from tariffs.models import Boost, OfferUse, OptionUse, Press, SpeedTest, Subscription, Suspension, Switch

# A code of a story's line, by the number of the contract, and what it is in the ledger's keys.
Keys = dict[tuple[str, str], str]

FASTER = "Интернет 500 + ТВ"
REST_DAYS = 40
TESTED_AGO = (2, 9, 31, 64, 120, 171)  # days, at the demo subscriber's


def fill(
    contracts: list[Contract], stories: list[Story], sold: Catalogue, now: datetime, rng: Random
) -> tuple[dict[str, int], Keys]:
    told = list(zip(contracts, stories, strict=True))
    today = now.astimezone(days.ZONE).date()
    subscriptions = [row for contract, story in told for row in _subscriptions(contract, story, sold)]
    Subscription.objects.bulk_create(subscriptions)
    options = [row for contract, story in told for row in _options(contract, story, sold, rng)]
    OptionUse.objects.bulk_create(options)
    offers = [row for contract, story in told for row in _offers(contract, story, sold, rng)]
    OfferUse.objects.bulk_create(offers)
    rests = [row for contract, story in told for row in _suspensions(contract, story, today, rng)]
    Suspension.objects.bulk_create(rests)
    switches = [row for contract, story in told for row in _switches(contract, story, sold, today, rng)]
    Switch.objects.bulk_create(switches)
    presses = _boosts(told, sold, today, rng)
    SpeedTest.objects.bulk_create(_speed_tests(contracts[0], today, rng))
    keys = {(row.contract.number, f"option:{row.option.name}"): f"option:{row.pk}" for row in options}
    keys |= {(row.contract.number, f"offer:{row.offer.name}"): f"offer:{row.pk}" for row in offers}
    keys |= {(row.contract.number, "suspension"): f"suspension:{row.pk}:back" for row in rests}
    keys |= {(row.boost.contract.number, f"turbo:{place}"): f"turbo:{row.pk}" for place, row in enumerate(presses, 1)}
    counts = {
        "tariffs": len(sold.tariffs),
        "options in use": len(options),
        "offers taken": len(offers),
        "switches": len(switches),
        "suspensions": len(rests),
        "boosts": len({press.boost_id for press in presses}),
    }
    return counts, keys


def _subscriptions(contract: Contract, story: Story, sold: Catalogue) -> list[Subscription]:
    plan = story.plan
    end = _end(contract)
    present = sold.tariffs[contract.city_id, plan.tariff.title]
    if plan.former_tariff is None:
        return [Subscription(contract=contract, tariff=present, since=contract.started_on, until=end)]
    former, since = sold.tariffs[contract.city_id, plan.former_tariff.title], days.first_day(plan.switched)
    return [
        Subscription(contract=contract, tariff=former, since=contract.started_on, until=since),
        Subscription(contract=contract, tariff=present, since=since, until=end),
    ]


def _end(contract: Contract) -> date | None:
    """The first day without services."""
    return contract.ended_on and contract.ended_on + timedelta(1)


def _options(contract: Contract, story: Story, sold: Catalogue, rng: Random) -> list[OptionUse]:
    rows = []
    for held in story.plan.options:
        option, since = sold.options[held.title], days.first_day(held.since)
        rows.append(
            OptionUse(
                operation=numbers.uuid(rng),
                contract=contract,
                option=option,
                quantity=held.quantity,
                choice=rng.choice(option.choices) if option.choices else "",
                since=since,
                until=_end(contract),
                created_at=days.moment(since - timedelta(1), rng.randint(9, 21), rng.randrange(60)),
            )
        )
    return rows


def _offers(contract: Contract, story: Story, sold: Catalogue, rng: Random) -> list[OfferUse]:
    return [
        OfferUse(
            operation=numbers.uuid(rng),
            contract=contract,
            offer=sold.offers[taken.title],
            since=days.first_day(taken.since),
            until=days.first_day(taken.until),
            percent=taken.percent,
            taken_at=days.moment(max(contract.started_on, days.first_day(taken.since - 1)), 9, rng.randrange(60)),
        )
        for taken in story.plan.offers
    ]


def _suspensions(contract: Contract, story: Story, today: date, rng: Random) -> list[Suspension]:
    """The one that runs, of a contract suspended by wish, or one to come."""
    starts_on = story.plan.suspended_on
    is_planned = story.plan.shows == Shows.PLANNED_SUSPENSION
    if is_planned:
        starts_on = today + timedelta(5)
    if starts_on is None:
        return []
    return [
        Suspension(
            operation=numbers.uuid(rng),
            contract=contract,
            starts_on=starts_on,
            ends_on=starts_on + timedelta(20 if is_planned else REST_DAYS - 1),
            state=Suspension.State.PLANNED if is_planned else Suspension.State.RUNNING,
            charged_to=None if is_planned else today,
            created_at=days.moment(min(starts_on, today) - timedelta(1), 12, rng.randrange(60)),
        )
    ]


def _switches(contract: Contract, story: Story, sold: Catalogue, today: date, rng: Random) -> list[Switch]:
    plan = story.plan
    if plan.former_tariff:
        on = days.first_day(plan.switched)
        return [
            Switch(
                operation=numbers.uuid(rng),
                contract=contract,
                old=sold.tariffs[contract.city_id, plan.former_tariff.title],
                tariff=sold.tariffs[contract.city_id, plan.tariff.title],
                on=on,
                state=Switch.State.DONE,
                created_at=days.moment(on - timedelta(rng.randint(1, 12)), rng.randint(9, 21), rng.randrange(60)),
                finished_at=days.moment(on, 0, 1),
            )
        ]
    if plan.shows == Shows.PLANNED_SWITCH:
        return [
            Switch(
                operation=numbers.uuid(rng),
                contract=contract,
                old=sold.tariffs[contract.city_id, plan.tariff.title],
                tariff=sold.tariffs[contract.city_id, FASTER],
                on=days.first_day(days.month_of(today) + 1),
                created_at=days.moment(today - timedelta(1), 18, rng.randrange(60)),
            )
        ]
    return []


def _boosts(told: list[tuple[Contract, Story]], sold: Catalogue, today: date, rng: Random) -> list[Press]:
    """The presses of the one boost that runs."""
    contract = next(contract for contract, story in told if story.plan.shows == Shows.BOOST)
    began = days.moment(today - timedelta(1), 20, 1)
    boost = Boost.objects.create(contract=contract, factor=2, started_at=began, ends_at=began + timedelta(hours=48))
    return Press.objects.bulk_create(
        Press(
            operation=numbers.uuid(rng),
            boost=boost,
            package=sold.turbo_day,
            hours=24,
            price=TURBO_DAY,
            at=began + timedelta(minutes=number),
        )
        for number in range(2)
    )


def _speed_tests(contract: Contract, today: date, rng: Random) -> list[SpeedTest]:
    rows = []
    for number, ago in enumerate(TESTED_AGO):
        over_wifi = number % 3 == 1
        down = rng.uniform(80, 160) if over_wifi else rng.uniform(270, 298)
        rows.append(
            SpeedTest(
                operation=numbers.uuid(rng),
                contract=contract,
                at=days.moment(today - timedelta(ago), rng.randint(9, 22), rng.randrange(60)),
                ping=round(rng.uniform(2, 14), 1),
                jitter=round(rng.uniform(0.3, 4), 1),
                down=round(down, 1),
                up=round(down * rng.uniform(0.8, 0.99), 1),
                tariff_down=300,
                tariff_up=300,
            )
        )
    return rows
