"""Options and offers as a person takes them: the lines first, then the word, and back."""

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.tests.factories import UserFactory
from billing import shares
from billing.models import Account
from mark_portal.tests.browser.test_every_page import LOOKS, OVERFLOW, violations
from mark_portal.tests.browser.test_text_browser import read, session  # noqa: F401
from tariffs.models import OfferUse, OptionUse
from tariffs.tests.factories import OfferFactory, OptionFactory, OptionUseFactory, charged, served

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("stored")]

OPTIONS, OFFERS = "/cabinet/options/", "/cabinet/offers/"


@pytest.fixture
def user():
    user = UserFactory()
    served(contract=user.contract, balance=5000, name="Домашний 100")
    charged(user.contract, now=timezone.now(), since=shares.first_of_month(timezone.localdate()))
    return user


@pytest.fixture
def socket():
    return OptionFactory(
        name="Розетка", fee=0, activation_fee=150, max_quantity=4, choices=["белая", "чёрная"], choice_label="Цвет"
    )


@pytest.mark.parametrize("script", [True, False])
def test_an_option_is_configured_switched_on_and_off_and_kept(visit, user, socket, script):
    page = visit(OPTIONS, user=user, java_script_enabled=script)

    page.get_by_role("link", name="Add").click()
    page.get_by_label("How many").fill("3")
    page.get_by_label("Цвет").select_option("чёрная")
    page.get_by_role("button", name="Show what it costs").click()
    expect(page.get_by_role("table")).to_contain_text("−150.00")
    page.get_by_role("button", name="Switch on").click()

    expect(page.get_by_text("«Розетка» is switched on.")).to_be_visible()
    expect(page.get_by_role("heading", name="Розетка × 3")).to_be_visible()
    assert Account.objects.get(pk=user.contract_id).balance == 5000 - 600 - 150

    page.get_by_role("button", name="Switch off from").click()
    page.get_by_role("button", name="Leave as it was").click()
    expect(page.get_by_text("«Розетка» stays as it was.")).to_be_visible()
    assert OptionUse.objects.get().until is None


@pytest.mark.parametrize("version", ["new", "old"])
def test_an_offer_is_read_and_taken(visit, user, version):
    OfferFactory(name="Половина", percent=50, months=2)
    page = visit(OFFERS, user=user, cookies={"pages": version})

    page.get_by_role("link", name="See and take").click()
    expect(page.get_by_role("table")).to_contain_text("300.00")
    page.get_by_role("button", name="Take the offer").click()

    expect(page.get_by_text("The offer «Половина» is yours.")).to_be_visible()
    assert OfferUse.objects.count() == 1


@pytest.mark.parametrize("version", ["new", "old"])
def test_every_page_is_accessible_and_fits_a_phone(visit, user, socket, version):
    OptionUseFactory(contract=user.contract, option=socket, quantity=2, choice="белая")
    OptionFactory(name="Электрокардиографического-видеонаблюдения", fee=9000, needs="tv", summary="Ш" * 200)
    offer = OfferFactory(percent=50, months=2)
    OfferFactory(tenure_from=600)
    page = visit("/offline/", user=user, cookies={"pages": version, "django_language": "ru"})

    found = {}
    for address in (
        OPTIONS,
        f"{OPTIONS}{socket.pk}/",
        f"{OPTIONS}{socket.pk}/?quantity=4",
        OFFERS,
        f"{OFFERS}{offer.pk}/",
    ):
        page.goto(address)
        found[address] = violations(page, LOOKS if version == "new" else LOOKS[:1])
        page.set_viewport_size({"width": 320, "height": 844})
        found[address] += page.evaluate(OVERFLOW) if version == "new" else []  # tables of the old one scroll

    assert {address: faults for address, faults in found.items() if faults} == {}


def test_they_read_in_a_text_browser(read, user, session, socket):  # noqa: F811
    OptionFactory(name="Кино", fee=200, needs="tv")
    offer = OfferFactory(name="Половина", percent=50, months=2)

    listed = read(OPTIONS, sessionid=session)
    shown = read(f"{OPTIONS}{socket.pk}/?quantity=2", sessionid=session)
    months = read(f"{OFFERS}{offer.pk}/", sessionid=session)

    assert re.search(r"Кино\s+.*It needs television, and your tariff has none\.", listed, re.S)
    assert re.search(r"How many \[2 ?\]", shown)
    assert re.search(r"Розетка, подключение .*−150.00 ₽ .*4,250.00 ₽", shown)
    assert re.search(r"600.00 ₽ .*300.00 ₽", months)
