"""Both cities with streets that they really have, and houses that look like theirs."""

from random import Random

from accounts.models import City, House, Street
from mark_portal.demo import data

CITIES = {"izhevsk": ("Ижевск", "Izhevsk"), "votkinsk": ("Воткинск", "Votkinsk")}
HOUSES_A_STREET = (3, 8)


def fill(rng: Random) -> dict[str, list[House]]:
    """Returns the houses of each city, by its slug."""
    return {slug: _fill_city(slug, rng) for slug in CITIES}


def _fill_city(slug: str, rng: Random) -> list[House]:
    name, name_en = CITIES[slug]
    city, _is_new = City.objects.get_or_create(slug=slug, defaults={"name": name, "name_en": name_en})
    streets = [Street(city=city, name=line) for line in data.lines(f"{slug}_streets")]
    Street.objects.bulk_create(streets)
    houses = [House(street=street, number=number) for street in streets for number in _numbers(rng)]
    House.objects.bulk_create(houses)
    return houses


def _numbers(rng: Random) -> list[str]:
    """«7», «12А», «41 к2»: a few numbers of one street, ascending."""
    wanted = rng.randint(*HOUSES_A_STREET)
    plain = sorted(rng.sample(range(1, 60 if wanted < 6 else 240), wanted))
    return [f"{number}{rng.choices(['', 'А', 'Б', ' к1', ' к2'], [70, 14, 5, 5, 6])[0]}" for number in plain]
