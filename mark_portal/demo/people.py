"""Subscribers: persons with names that fit together, and legal entities.

Telephones end in 000-xx-xx and mail goes to example.com, so that a demo that got loose would disturb nobody; INN are of
a tax office that does not exist.
"""

from random import Random
from uuid import UUID

from accounts.identity import INN_WEIGHTS
from accounts.models import Subscriber
from mark_portal.demo import data

TAX_OFFICE = "1899"
PHONE_CODES = ("904", "909", "912", "919", "922", "950", "963", "982")
LATIN = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh sch _ y _ e yu ya".replace("_", "").split(" "),
        strict=True,
    )
)


def persons(count: int, rng: Random) -> list[Subscriber]:
    passports = rng.sample(range(100_000, 1_000_000), count)
    names = _full_names(count, rng)
    return [_person(name, passport, rng) for name, passport in zip(names, passports, strict=True)]


def _person(name: str, passport: int, rng: Random) -> Subscriber:
    email = f"{latin(name.split()[2])}.{rng.randint(60, 99)}@example.com" if rng.random() < 0.6 else ""
    person = Subscriber(ref=_ref(rng), kind=Subscriber.Kind.PERSON, name=name, phone=phone(rng), email=email)
    person.set_passport(f"94 {rng.randint(0, 24):02d} {passport}")
    return person


def _full_names(count: int, rng: Random) -> list[str]:
    """«Мария Петровна Иванова», each once."""
    names: dict[str, None] = {}
    while len(names) < count:
        names[_full_name(rng, is_woman=rng.random() < 0.55)] = None
    return list(names)


def _full_name(rng: Random, *, is_woman: bool) -> str:
    _father, son_of, daughter_of = rng.choice(data.lines("men")).split()
    surname = rng.choice(data.lines("surnames"))
    if is_woman:
        return f"{rng.choice(data.lines('women'))} {daughter_of} {feminine(surname)}"
    return f"{rng.choice(data.lines('men')).split()[0]} {son_of} {surname}"


def feminine(surname: str) -> str:
    if surname.endswith("ий"):
        return surname[:-2] + "ая"
    return surname + "а" if surname.endswith(("ов", "ев", "ёв", "ин", "ын")) else surname


def legal_entities(rng: Random) -> list[Subscriber]:
    return [_legal_entity(number, name, rng) for number, name in enumerate(data.lines("companies"), 101)]


def _legal_entity(number: int, name: str, rng: Random) -> Subscriber:
    is_sole_trader = name.startswith("ИП ")
    entity = Subscriber(
        ref=_ref(rng),
        kind=Subscriber.Kind.LEGAL_ENTITY,
        name=name,
        phone=phone(rng),
        email=f"office{number}@example.com",
        kpp="" if is_sole_trader else f"{TAX_OFFICE}01001",
    )
    entity.set_inn(
        inn(f"{TAX_OFFICE}{rng.randrange(10**6 if is_sole_trader else 10**5):0{6 if is_sole_trader else 5}d}")
    )
    return entity


def inn(start: str) -> str:
    """Nine digits of a company or ten of a person, completed with their check digits."""
    for weights in INN_WEIGHTS[10 if len(start) == 9 else 12]:
        start += str(sum(weight * int(digit) for weight, digit in zip(weights, start, strict=True)) % 11 % 10)
    return start


def phone(rng: Random) -> str:
    return f"+7{rng.choice(PHONE_CODES)}000{rng.randrange(10_000):04d}"


def latin(text: str) -> str:
    return "".join(LATIN.get(letter, letter) for letter in text.lower())


def _ref(rng: Random) -> UUID:
    return UUID(int=rng.getrandbits(128), version=4)
