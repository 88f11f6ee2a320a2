"""Choosing a tariff without a script, and the way from it to the connection form."""

import pytest
from playwright.sync_api import expect

from accounts.models import ConnectionRequest
from tariffs.tests.factories import TariffFactory

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("stored")]


@pytest.mark.parametrize("pages", ["new", "old"])
def test_tariffs_are_compared_and_one_of_them_is_asked_for(visit, pages):
    TariffFactory(name="Шаг", speed_down=100)
    TariffFactory(name="Бег", speed_down=500)
    TariffFactory(name="Полёт", speed_down=1000)
    page = visit("/tariffs/", java_script_enabled=False, cookies={"pages": pages})

    page.get_by_label("Compare · Шаг").check()
    page.get_by_label("Compare · Полёт").check()
    page.get_by_role("button", name="Compare the marked").click()
    expect(page.locator("#compared thead th")).to_have_text(["Шаг", "Полёт"])
    expect(page.locator("#compared tbody tr", has_text="To you")).to_contain_text("1000")

    page.get_by_role("link", name="Connect · Полёт").click()
    expect(page.get_by_text("You have chosen: Полёт")).to_be_visible()
    page.get_by_label("Your name").fill("Анна")
    page.get_by_label("Mobile phone").fill("89123456789")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_role("heading", name="The request is sent")).to_be_visible()
    request = ConnectionRequest.objects.get()
    assert (request.interest, request.city.slug) == ("Полёт", "izhevsk")
