"""What a contract has on a day."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.tests.factories import ContractFactory
from tariffs import picture
from tariffs.models import Service, Subscription, TariffPrice
from tariffs.pricing import Discount, PricedOption
from tariffs.tests.factories import (
    FIRST,
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


def test_a_picture_has_the_tariff_options_and_offers_of_the_day():
    contract = served(fee="600.50", name="Дом 100")
    use = OptionUseFactory(contract=contract, quantity=2, option=OptionFactory(name="Розетка", fee="0.10"))
    taken = OfferUseFactory(contract=contract, offer__name="Половина")

    seen = picture.of(contract.pk, TODAY)

    assert (seen.contract_id, seen.on) == (contract.pk, TODAY)
    assert seen.tariff is not None
    assert (seen.tariff.name, seen.tariff.fee, seen.tariff.services) == ("Дом 100", Decimal("600.50"), ("internet",))
    assert seen.options == (PricedOption(use.pk, use.option_id, "Розетка", Decimal("0.10"), 2),)
    assert seen.discounts == (Discount(taken.pk, "Половина", 50, None),)


def test_a_contract_without_services_has_an_empty_picture():
    seen = picture.of(ContractFactory().pk, TODAY)

    assert (seen.tariff, seen.options, seen.discounts) == (None, (), ())


def test_an_option_whose_service_the_tariff_lacks_is_not_in_it():
    contract = served(services=[Service.TELEPHONY])
    OptionUseFactory(contract=contract, option=OptionFactory(needs=Service.TV))

    assert picture.of(contract.pk, TODAY).options == ()


def test_of_a_bundle_only_options_of_its_own_services_are_in_it():
    contract = served(services=[Service.INTERNET, Service.TV])
    has, lacks = OptionFactory(needs=Service.TV), OptionFactory(needs=Service.TELEPHONY)
    for option in (has, lacks):
        OptionUseFactory(contract=contract, option=option)

    assert [each.option_id for each in picture.of(contract.pk, TODAY).options] == [has.pk]


def test_an_offer_for_other_tariffs_is_not_in_it():
    contract = served()
    offer = OfferFactory()
    offer.tariffs.add(TariffFactory(city=contract.city))
    OfferUseFactory(contract=contract, offer=offer)

    assert picture.of(contract.pk, TODAY).discounts == ()


def test_what_ends_or_is_not_priced_yet_is_not_in_it():
    contract = served()
    OptionUseFactory(contract=contract, until=TODAY)
    OptionUseFactory(contract=contract, since=NEXT)
    unpriced = OptionUseFactory(contract=contract)
    unpriced.option.prices.update(since=NEXT)
    OfferUseFactory(contract=contract, since=date(2026, 8, 1), until=FIRST)

    seen = picture.of(contract.pk, TODAY)

    assert (seen.options, seen.discounts) == ((), ())


def test_many_contracts_and_many_days_cost_one_query_each(django_assert_num_queries):
    first, second = served(), served(fee=700)
    TariffPrice.objects.create(tariff=Subscription.objects.get(contract=first).tariff, fee=650, since=NEXT)
    OptionUseFactory(contract=first, until=NEXT)

    with django_assert_num_queries(1):
        many = picture.of_many([first.pk, second.pk], TODAY)
    with django_assert_num_queries(1):
        days = picture.of_days(first.pk, [NEXT, TODAY])

    assert [many[row.pk].tariff.fee for row in (first, second)] == [600, 700]
    assert [(seen.on, seen.tariff.fee, len(seen.options)) for seen in days] == [(TODAY, 600, 1), (NEXT, 650, 0)]
