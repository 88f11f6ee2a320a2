"""Rows of services for tests; each sets only what matters to it."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import factory
from factory.django import DjangoModelFactory

from accounts.models import Contract, Subscriber
from accounts.tests.factories import ContractFactory
from billing import charges
from billing.models import LedgerEntry
from billing.tests.factories import NOON, account_of
from tariffs import picture, pricing
from tariffs.models import (
    Offer,
    OfferUse,
    Option,
    OptionPrice,
    OptionUse,
    Service,
    Subscription,
    Tariff,
    TariffPrice,
    TurboPackage,
)

LONG_AGO = date(2020, 1, 1)
TODAY = date(2026, 11, 20)  # the day of NOON
FIRST = date(2026, 11, 1)
NEXT = date(2026, 12, 1)


class TariffFactory(DjangoModelFactory):
    """Internet for persons of the contract's city; `fee` is its price since long ago."""

    class Meta:
        model = Tariff
        skip_postgeneration_save = True

    city = factory.SubFactory("accounts.tests.factories.CityFactory")
    audience = Subscriber.Kind.PERSON
    services = (Service.INTERNET,)
    name = factory.Sequence("Интернет {}".format)
    speed_down = factory.LazyAttribute(lambda row: 100 if Service.INTERNET in row.services else None)
    speed_up = factory.SelfAttribute("speed_down")

    @factory.post_generation
    def fee(self, create, extracted, **_kwargs):
        TariffPrice.objects.create(tariff=self, fee=Decimal(600 if extracted is None else extracted), since=LONG_AGO)


class OptionFactory(DjangoModelFactory):
    """For everybody; `fee` is its price since long ago."""

    class Meta:
        model = Option
        skip_postgeneration_save = True

    name = factory.Sequence("Услуга {}".format)

    @factory.post_generation
    def fee(self, create, extracted, **_kwargs):
        OptionPrice.objects.create(option=self, fee=Decimal(100 if extracted is None else extracted), since=LONG_AGO)


class OptionUseFactory(DjangoModelFactory):
    class Meta:
        model = OptionUse

    operation = factory.LazyFunction(uuid4)
    contract = factory.SubFactory(ContractFactory)
    option = factory.SubFactory(OptionFactory)
    since = LONG_AGO
    created_at = NOON - timedelta(days=300)


class OfferFactory(DjangoModelFactory):
    """Half off the tariff for three months, for everybody, always."""

    class Meta:
        model = Offer

    name = factory.Sequence("Акция {}".format)
    starts_on = LONG_AGO
    percent = 50
    months = 3


class OfferUseFactory(DjangoModelFactory):
    class Meta:
        model = OfferUse

    operation = factory.LazyFunction(uuid4)
    contract = factory.SubFactory(ContractFactory)
    offer = factory.SubFactory(OfferFactory)
    since = FIRST
    until = date(2027, 2, 1)
    percent = factory.SelfAttribute("offer.percent")
    option = factory.SelfAttribute("offer.option")
    taken_at = NOON - timedelta(days=30)


class TurboPackageFactory(DjangoModelFactory):
    class Meta:
        model = TurboPackage

    hours = 3
    price = Decimal(50)
    factor = Decimal(2)


def served(
    *, fee: Decimal | int | str = 600, balance: Decimal | int | str = 0, contract: Contract | None = None, **tariff
) -> Contract:
    """A contract with a tariff of this fee since long ago, and so much money; `tariff` are columns of the tariff."""
    contract = contract or ContractFactory(started_on=LONG_AGO)
    subscribed = TariffFactory(city=contract.city, audience=contract.subscriber.kind, fee=fee, **tariff)
    Subscription.objects.create(contract=contract, tariff=subscribed, since=LONG_AGO)
    account_of(contract, balance=balance)
    return contract


def charged(contract: Contract, *, now=NOON, since: date = FIRST) -> list[LedgerEntry]:
    """Charges the month of `since` from that day on, as the month run does."""
    return charges.post(contract.pk, pricing.month_lines(picture.of(contract.pk, since), since), now=now)
