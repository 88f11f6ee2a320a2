"""What a subscriber is told about switches, in both languages' names of a tariff."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import translation

from accounts.tests.factories import StaffFactory
from billing.tests.factories import NOON, put
from notifications import words
from notifications.models import Notice
from tariffs import switching
from tariffs.models import Service, Subscription
from tariffs.tests.factories import NEXT, OptionUseFactory, TariffFactory, charged, served

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon(time_machine):
    """A day of another year is written with its year."""
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def contract():
    contract = served(fee=600, balance=1600)
    charged(contract)
    return contract


@pytest.fixture
def faster(contract):
    return TariffFactory(city=contract.city, fee=900, name="Быстрый", name_en="Fast", services=[Service.TV])


def plan(contract, tariff, on=NEXT, **options):
    return switching.plan(contract.pk, tariff_id=tariff.pk, on=on, operation=uuid4(), now=NOON, **options)


def told(kind: str) -> tuple[str, str]:
    seen = words.of(Notice.objects.get(kind=kind))
    assert seen.link == reverse("tariffs:tariff")
    assert seen.icon == "tag"
    return seen.title.replace("\xa0", " "), seen.text.replace("\xa0", " ")


def test_of_a_switch_that_is_done(contract, faster):
    OptionUseFactory(contract=contract, option__name="Адрес", option__needs=Service.INTERNET)
    switching.switch_now(contract.pk, tariff_id=faster.pk, operation=uuid4(), now=NOON)

    title, text = told("tariff_switched")

    assert title == "Your tariff from 20 November: «Fast»"
    assert text == "It costs 900.00 ₽ a month. Ended with the old tariff: Адрес."


def test_in_russian_by_its_russian_name(contract, faster):
    switching.switch_now(contract.pk, tariff_id=faster.pk, operation=uuid4(), now=NOON)

    with translation.override("ru"):
        title, _text = told("tariff_switched")

    assert "«Быстрый»" in title


def test_of_one_that_is_planned(contract, faster):
    plan(contract, faster)

    assert told("switch_planned") == (
        "Your tariff changes on 1 December to «Fast»",
        "Until then you can cancel it or choose another.",
    )


def test_of_one_that_staff_have_planned(contract, faster):
    plan(contract, faster, by=StaffFactory())

    assert "Our operator has planned it" in told("switch_planned")[1]


def test_of_one_that_is_cancelled(contract, faster):
    switching.cancel(contract.pk, switch_id=plan(contract, faster).pk, now=NOON)

    assert told("switch_cancelled")[0] == "The switch to «Fast» is cancelled"


def test_of_one_that_failed_for_want_of_money(contract, faster):
    plan(contract, faster, on=date(2026, 11, 25))
    put(contract.pk, -1000)
    switching.do_due(now=NOON + timedelta(days=5))

    title, text = told("switch_failed")

    assert title == "The switch to «Fast», planned for 25 November, could not be done"
    assert text.startswith("60.00 ₽ was missing on the account.")


def test_of_a_first_tariff(contract, faster):
    Subscription.objects.all().delete()

    switching.subscribe(contract.pk, tariff_id=faster.pk, now=NOON)

    assert told("tariff_given")[0] == "Your tariff from 20 November: «Fast»"
