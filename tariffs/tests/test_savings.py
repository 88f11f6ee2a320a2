"""What offers saved."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from billing import charges
from billing.models import EntryKind
from billing.tests.factories import NOON, put
from tariffs import offers, picture, pricing, savings
from tariffs.models import OfferUse
from tariffs.tests.factories import FIRST, NEXT, TODAY, OfferUseFactory, charged, served

pytestmark = pytest.mark.django_db


def credited(contract, amount, use, *, now=NOON):
    line = charges.Line(f"offer:{use.pk}", EntryKind.DISCOUNT, Decimal(amount), use.offer.name)
    charges.post(contract.pk, [line], now=now)


def by_use(contract):
    uses = OfferUse.objects.filter(contract=contract).annotate(total=savings.of_use(contract.pk))
    return {use.pk: use.total for use in uses}


def test_nothing_is_saved_without_offers():
    contract = served(balance=1000)
    charged(contract)

    assert offers.saved(contract.pk) == 0
    assert by_use(contract) == {}


def test_what_was_taken_off_a_month_is_saved_and_what_is_given_back_is_not():
    contract = served(balance=1000)
    use = OfferUseFactory(contract=contract)
    charged(contract)
    parts = pricing.parts(picture.of(contract.pk, TODAY))

    charges.post(contract.pk, pricing.back(parts, date(2026, 11, 16), "switch:1:back"), now=NOON)

    assert offers.saved(contract.pk) == 150  # half of a month at half of 600
    assert by_use(contract) == {use.pk: 150}


def test_a_sum_credited_once_is_saved():
    contract = served()
    use, other = OfferUseFactory(contract=contract), OfferUseFactory()
    credited(contract, 300, use)
    credited(other.contract, 70, other)
    put(contract.pk, 1000, title="offer:5")

    assert offers.saved(contract.pk) == 300
    assert by_use(contract) == {use.pk: 300}


def test_a_span_is_from_its_first_day_until_before_its_last():
    contract = served()
    for amount, days in ((1, 0), (10, 11), (100, 40)):
        credited(contract, amount, OfferUseFactory(contract=contract), now=NOON + timedelta(days=days))

    assert offers.saved(contract.pk, FIRST, NEXT) == 1
    assert offers.saved(contract.pk, NEXT) == 110
    assert offers.saved(contract.pk, until=NEXT) == 1
    assert offers.saved(contract.pk, TODAY, TODAY + timedelta(days=12)) == 11
