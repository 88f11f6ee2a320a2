"""300 contracts with their subscribers, addresses, logins and the one password of the demo."""

from datetime import datetime
from random import Random

from django.contrib.auth.hashers import make_password
from django.db import connection

from accounts.models import Contract, House, Subscriber, User
from mark_portal.demo import days, people
from mark_portal.demo.plans import Plan
from mark_portal.demo.stories import Story

PASSWORD = "demo-mark-2026"
DEMO_SUBSCRIBER = "Анна Сергеевна Вахрушева"
SECOND_CONTRACTS = 12  # of persons
IN_VOTKINSK = 80


def fill(stories: list[Story], houses: dict[str, list[House]], password: str, rng: Random) -> list[Contract]:
    """In the order of the stories; `password` is encoded already."""
    plans = [story.plan for story in stories]
    holders = _holders(plans, rng)
    Subscriber.objects.bulk_create({holder.ref: holder for holder in holders}.values())
    addresses = _Addresses(houses, rng)
    contracts = [
        _contract(story, holder, addresses.next(city, story.plan), city)
        for story, holder, city in zip(stories, holders, _cities(len(plans), rng), strict=True)
    ]
    Contract.objects.bulk_create(contracts)
    User.objects.bulk_create(_user(contract, password) for contract in contracts)
    return contracts


def encoded_password() -> str:
    """Hashed once for everybody: three hundred hashes would take ten seconds, and the password is no secret."""
    return make_password(PASSWORD)


def move_sequence_past(number: str) -> None:
    """The next contract that an operator opens follows the demo's last one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval('accounts_contract_number', greatest(%s, last_value)) FROM accounts_contract_number",
            [int(number)],
        )


def _holders(plans: list[Plan], rng: Random) -> list[Subscriber]:
    count = sum(not plan.is_legal for plan in plans)
    persons = people.persons(count - SECOND_CONTRACTS, rng)
    persons[0].name, persons[0].email = DEMO_SUBSCRIBER, "vakhrusheva@example.com"
    of_persons = iter(_with_second_contracts(persons, count, rng))
    of_legal_entities = iter(_with_second_contracts(people.legal_entities(rng), len(plans) - count, rng))
    return [next(of_legal_entities if plan.is_legal else of_persons) for plan in plans]


def _with_second_contracts(subscribers: list[Subscriber], contracts: int, rng: Random) -> list[Subscriber]:
    """Who holds each of so many contracts; the surplus goes to those who have one already, never to the first."""
    second = set(rng.sample(range(contracts // 4, contracts), contracts - len(subscribers)))
    fresh = iter(subscribers)
    holders: list[Subscriber] = []
    for place in range(contracts):
        holders.append(rng.choice(holders[1:]) if place in second else next(fresh))
    return holders


def _cities(count: int, rng: Random) -> list[str]:
    """The city of each contract; the demo subscriber's is Izhevsk."""
    others = ["votkinsk"] * IN_VOTKINSK + ["izhevsk"] * (count - IN_VOTKINSK - 1)
    rng.shuffle(others)
    return ["izhevsk", *others]


class _Addresses:
    """Gives each flat once."""

    def __init__(self, houses: dict[str, list[House]], rng: Random) -> None:
        self.houses, self.rng = houses, rng
        self.taken: set[tuple[int, str]] = set()

    def next(self, city: str, plan: Plan) -> tuple[House, str]:
        while True:
            house, flat = self.rng.choice(self.houses[city]), self._flat(plan)
            if (house.pk, flat) not in self.taken:
                self.taken.add((house.pk, flat))
                return house, flat

    def _flat(self, plan: Plan) -> str:
        if self.rng.random() < (0.5 if plan.is_legal else 0.1):
            return ""
        return str(self.rng.randint(1, 40 if plan.is_legal else 140))


def _contract(story: Story, holder: Subscriber, address: tuple[House, str], city: str) -> Contract:
    house, flat = address
    assert house.street.city.slug == city
    return Contract(
        number=story.plan.number,
        city=house.street.city,
        house=house,
        flat=flat,
        subscriber=holder,
        state=story.state,
        started_on=story.plan.started_on,
        ended_on=story.plan.ended_on,
    )


def _user(contract: Contract, password: str) -> User:
    changed_at: datetime = days.moment(contract.started_on, 12)
    return User(
        login=contract.number, city=contract.city, contract=contract, password=password, password_changed_at=changed_at
    )
