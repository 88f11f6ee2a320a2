"""A member of staff for each role, one of them in Votkinsk alone. Nobody is a superuser."""

from django.contrib.auth.models import Group

from accounts import roles
from accounts.models import City, User

BOTH = ("izhevsk", "votkinsk")
PEOPLE = (
    ("operator", "Ольга Стрелкова", roles.OPERATOR, BOTH),
    ("operator-votkinsk", "Наталья Ложкина", roles.OPERATOR, ("votkinsk",)),
    ("agent", "Денис Корепанов", roles.SUPPORT_AGENT, BOTH),
    ("engineer", "Рамиль Галиев", roles.NETWORK_ENGINEER, BOTH),
    ("accountant", "Марина Шкляева", roles.ACCOUNTANT, BOTH),
    ("catalogue", "Илья Наговицын", roles.CATALOGUE_MANAGER, BOTH),
    ("supervisor", "Светлана Перевощикова", roles.SUPERVISOR, BOTH),
)


def fill(password: str) -> dict[str, User]:
    """By login; `password` is encoded already."""
    cities = {city.slug: city for city in City.objects.all()}
    return {
        login: _hire(login, name, role, [cities[slug] for slug in slugs], password)
        for login, name, role, slugs in PEOPLE
    }


def _hire(login: str, name: str, role: str, cities: list[City], password: str) -> User:
    user = User.objects.create(login=login, name=name, is_staff=True, password=password)
    user.groups.add(Group.objects.get(name=role))
    user.cities.add(*cities)
    return user
