"""Rows for tests; each sets only what matters to it."""

from datetime import UTC, date, datetime, timedelta

import factory
from factory.django import DjangoModelFactory

from accounts.models import City, ConnectionRequest, Contract, House, Street, Subscriber, User

PASSWORD = "kamu-tefa-58-nuze"


class CityFactory(DjangoModelFactory):
    class Meta:
        model = City
        django_get_or_create = ("slug",)

    slug = "izhevsk"
    name = "Ижевск"
    name_en = "Izhevsk"


class StreetFactory(DjangoModelFactory):
    class Meta:
        model = Street
        django_get_or_create = ("city", "name")

    city = factory.SubFactory(CityFactory)
    name = "Пушкинская улица"


class HouseFactory(DjangoModelFactory):
    class Meta:
        model = House

    street = factory.SubFactory(StreetFactory)
    number = factory.Sequence(str)


class SubscriberFactory(DjangoModelFactory):
    class Meta:
        model = Subscriber

    name = "Мария Петровна Иванова"


class ContractFactory(DjangoModelFactory):
    class Meta:
        model = Contract

    number = factory.Sequence(lambda n: f"{500000 + n}")
    house = factory.SubFactory(HouseFactory)
    city = factory.SelfAttribute("house.street.city")
    flat = "7"
    subscriber = factory.SubFactory(SubscriberFactory)
    started_on = date(2024, 3, 1)


class UserFactory(DjangoModelFactory):
    """A subscriber who can sign in."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    contract = factory.SubFactory(ContractFactory)
    city = factory.SelfAttribute("contract.city")
    login = factory.SelfAttribute("contract.number")
    password = factory.django.Password(PASSWORD)


class StaffFactory(DjangoModelFactory):
    """A member of staff: `role` names the group, `cities` what they may see."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    login = factory.Sequence(lambda n: f"staff{n}")
    is_staff = True
    password = factory.django.Password(PASSWORD)

    @factory.post_generation
    def role(self, create, extracted, **kwargs):
        from django.contrib.auth.models import Group

        if extracted:
            self.groups.add(Group.objects.get(name=extracted))

    @factory.post_generation
    def in_cities(self, create, extracted, **kwargs):
        if extracted:
            self.cities.add(*extracted)


class ConnectionRequestFactory(DjangoModelFactory):
    """A new request, sent on a Tuesday at 10:00; `taken_by` puts an operator on it."""

    class Meta:
        model = ConnectionRequest

    name = "Анна"
    phone = factory.Sequence(lambda n: f"+7912{n:07d}")
    city = factory.SubFactory(CityFactory)
    created_at = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
    deadline_at = factory.LazyAttribute(lambda request: request.created_at + timedelta(hours=2))
    state = factory.LazyAttribute(lambda request: "taken" if request.taken_by else "new")
    taken_by = None
    taken_at = factory.LazyAttribute(lambda request: request.created_at if request.taken_by else None)
