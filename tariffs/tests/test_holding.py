"""What a contract has and could have, on any day, under any tariff."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest

from accounts.tests.factories import CityFactory
from billing.tests.factories import NOON
from tariffs import holding, picture, pricing
from tariffs.models import OptionPrice, Service, Subscription, Suspension, Switch, TariffPrice
from tariffs.tests.factories import (
    FIRST,
    LONG_AGO,
    NEXT,
    TODAY,
    OfferFactory,
    OfferUseFactory,
    OptionFactory,
    OptionUseFactory,
    TariffFactory,
    served,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract():
    """Internet with three options, one of them twice, one going and one needing television, and two offers."""
    contract = served(fee="600.50")
    twice = OptionFactory(name="Адрес", fee="50.25", needs=Service.INTERNET)
    OptionUseFactory(contract=contract, option=twice, quantity=2)
    OptionUseFactory(contract=contract, option__name="Роутер", until=NEXT)
    OptionUseFactory(contract=contract, option__name="Кино", option__needs=Service.TV)
    OfferUseFactory(contract=contract, offer__name="Полцены")
    OfferUseFactory(contract=contract, offer=OfferFactory(name="Адрес дешевле", percent=10, option=twice))
    return contract


def of(contract, **options):
    return holding.of(contract, today=TODAY, **options)


@pytest.mark.parametrize("on", [TODAY, NEXT, date(2027, 2, 1), date(2027, 3, 17)])
def test_it_draws_the_same_picture_as_the_one_that_is_charged(contract, on):
    assert of(contract).picture(on) == picture.of(contract.pk, on)


def test_a_price_to_come_is_in_the_picture_of_its_day(contract):
    tariff = Subscription.objects.get(contract=contract).tariff
    TariffPrice.objects.create(tariff=tariff, fee=700, since=NEXT)
    OptionPrice.objects.create(option=contract.options.first().option, fee=1, since=NEXT)

    assert [of(contract).picture(day) for day in (TODAY, NEXT)] == [picture.of(contract.pk, d) for d in (TODAY, NEXT)]


def test_another_tariff_takes_the_options_whose_service_it_lacks(contract):
    television = TariffFactory(services=[Service.TV], fee=300, city=contract.city)

    seen = of(contract, also=television.pk)
    drawn = seen.under(seen.tariffs[television.pk], TODAY)

    assert [option.name for option in drawn.options] == ["Роутер", "Кино"]
    assert drawn.tariff == pricing.PricedTariff(television.pk, television.name, Decimal(300), (Service.TV,))


def test_an_offer_for_the_old_tariff_takes_nothing_off_another():
    contract = served()
    other = TariffFactory(fee=800, city=contract.city)
    offer = OfferFactory()
    offer.tariffs.add(Subscription.objects.get(contract=contract).tariff)
    OfferUseFactory(contract=contract, offer=offer)

    seen = of(contract)

    assert pricing.monthly(seen.picture(TODAY)) == 300
    assert pricing.monthly(seen.under(seen.tariffs[other.pk], TODAY)) == 800


def test_it_knows_what_is_on_sale_to_the_contract_and_what_it_had():
    contract = served()
    mine = Subscription.objects.get(contract=contract).tariff
    on_sale = TariffFactory(city=contract.city)
    had = TariffFactory(city=contract.city, is_archived=True)
    Subscription.objects.create(contract=contract, tariff=had, since=date(2019, 1, 1), until=LONG_AGO)
    TariffFactory(city=contract.city, is_archived=True)
    TariffFactory(city=contract.city, audience="legal")
    TariffFactory(city=CityFactory(slug="votkinsk", name="Воткинск"))

    seen = of(contract)

    assert set(seen.tariffs) == {mine.pk, on_sale.pk, had.pk}
    assert [(period.tariff, period.since, period.until) for period in seen.periods] == [
        (mine, LONG_AGO, None),
        (had, date(2019, 1, 1), LONG_AGO),
    ]


def test_it_knows_what_is_planned_and_until_when_the_service_rests():
    contract = served()
    old, new = Subscription.objects.get(contract=contract).tariff, TariffFactory(is_archived=True)
    planned = Switch.objects.create(
        operation=uuid4(), contract=contract, old=old, tariff=new, on=NEXT, created_at=NOON - timedelta(days=1)
    )
    Suspension.objects.create(
        operation=uuid4(), contract=contract, starts_on=FIRST, ends_on=NEXT, state="running", created_at=NOON
    )

    seen = of(contract)

    assert seen.planned == planned
    assert (seen.planned.tariff, seen.planned.on, seen.planned.created_at) == (new, NEXT, planned.created_at)
    assert seen.pause == holding.Pause(FIRST, NEXT)


def test_two_queries_however_much_there_is(contract, django_assert_num_queries):
    contract.subscriber, contract.city  # noqa: B018 — a page has them already
    TariffFactory.create_batch(5, city=contract.city)

    with django_assert_num_queries(2):
        seen = of(contract)
        [seen.under(tariff, TODAY) for tariff in seen.tariffs.values()]
