"""Options and offers through a subscriber's months, with the balance after each step, and beside other changes."""

from datetime import date, datetime
from decimal import Decimal
from uuid import uuid4

import pytest

from accounts.models import Contract
from billing.models import Account, LedgerEntry
from billing.tests.factories import NOON
from tariffs import offers, options, picture, pricing, switching
from tariffs.models import OptionUse, Service
from tariffs.tests.factories import OfferFactory, OptionFactory, OptionUseFactory, TariffFactory, charged, served

pytestmark = pytest.mark.django_db


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 8, tzinfo=NOON.tzinfo)


class Story:
    """One contract with a tariff of 600 ₽; each step says what is left on the account."""

    def __init__(self, balance) -> None:
        self.contract: Contract = served(balance=balance)

    def left(self) -> Decimal:
        return Account.objects.get(pk=self.contract.pk).balance

    def month(self, first: date) -> Decimal:
        options.end_due(now=at(first))
        charged(self.contract, now=at(first), since=first)
        return self.left()

    def order(self, option, quantity: int, day: date) -> Decimal:
        options.order(
            self.contract.pk, option_id=option.pk, quantity=quantity, choice="", operation=uuid4(), now=at(day)
        )
        return self.left()

    def off(self, option, day: date) -> Decimal:
        options.switch_off(self.contract.pk, option_id=option.pk, now=at(day))
        return self.left()

    def take(self, offer, day: date) -> Decimal:
        offers.take(self.contract.pk, offer_id=offer.pk, operation=uuid4(), now=at(day))
        return self.left()


def test_a_winter_with_sockets_and_a_discount():
    story, socket = Story(10_000), OptionFactory(fee=310, activation_fee=150, max_quantity=5)
    half = OfferFactory(percent=50, months=2, option=socket)

    steps = [
        story.month(date(2026, 12, 1)),
        story.order(socket, 1, date(2026, 12, 22)),  # 10 days of 31: 100, and 150 for the activation
        story.take(half, date(2026, 12, 31)),  # from January
        story.month(date(2027, 1, 1)),  # 600 + 310 − 155
        story.order(socket, 3, date(2027, 1, 12)),  # 20 days of 31: two more for 400, half of it off
        story.order(socket, 2, date(2027, 1, 20)),  # fewer: from February
        story.month(date(2027, 2, 1)),  # 600 + 620 − 310
        story.off(socket, date(2027, 2, 2)),
        story.month(date(2027, 3, 1)),  # the tariff alone
    ]

    assert steps == [9400, 9150, 9150, 8395, 8195, 8195, 7285, 7285, 6685]
    assert offers.saved(story.contract.pk) == 155 + 200 + 310


def test_a_discount_over_29_february():
    story = Story(10_000)

    steps = [
        story.month(date(2028, 1, 1)),
        story.take(OfferFactory(percent=30, months=1), date(2028, 1, 31)),
        story.month(date(2028, 2, 1)),
        story.month(date(2028, 3, 1)),
    ]

    assert steps == [9400, 9400, 8980, 8380]
    assert pricing.monthly(picture.of(story.contract.pk, date(2028, 2, 29))) == 420


def switch_to_telephony(story: Story, day: date) -> None:
    tariff = TariffFactory(city=story.contract.city, services=[Service.TELEPHONY], fee=100)
    switching.switch_now(story.contract.pk, tariff_id=tariff.pk, operation=uuid4(), now=at(day))


def test_a_tariff_without_the_service_takes_the_option_and_what_was_planned_of_it():
    story, option = Story(10_000), OptionFactory(fee=310, needs=Service.INTERNET, max_quantity=5)
    story.month(date(2026, 12, 1))
    story.order(option, 3, date(2026, 12, 2))
    story.order(option, 1, date(2026, 12, 3))

    switch_to_telephony(story, date(2026, 12, 10))

    for day in (date(2026, 12, 10), date(2027, 1, 1)):
        assert not OptionUse.objects.in_force(day).filter(contract=story.contract).exists()
    lines = LedgerEntry.objects.filter(key__contains="option:")
    paid = sum((row.amount for row in lines), Decimal(0))
    # Three of it for the eight days from the 2nd to the 9th: what was charged less what came back.
    assert paid == -(Decimal(930) * 30 / 31 - Decimal(930) * 22 / 31).quantize(Decimal("0.01"))


def test_an_option_is_ordered_although_an_old_plan_of_it_is_left():
    story, option = Story(10_000), OptionFactory(fee=310, max_quantity=5)
    story.month(date(2026, 12, 1))
    OptionUseFactory(contract=story.contract, option=option, since=date(2027, 1, 1))

    story.order(option, 2, date(2026, 12, 2))

    used = OptionUse.objects.in_force(date(2027, 1, 1)).filter(contract=story.contract)
    assert [use.quantity for use in used] == [2]
