"""The old version in w3m, which knows neither styles nor scripts; it asks the real portal."""

import re
import shutil
import subprocess

import pytest

from accounts.tests.factories import UserFactory
from mark_portal.tests.browser.rows import post
from mark_portal.tests.browser.world import session_of
from tariffs.tests.factories import TariffFactory, TurboPackageFactory, served

pytestmark = pytest.mark.usefixtures("stored")


@pytest.fixture
def read(portal, tmp_path):
    """A function that gives the text of a page as w3m shows it; words are parted by single spaces."""
    w3m = shutil.which("w3m")
    if w3m is None:
        pytest.skip("no w3m found on PATH")

    def dump(address, **cookies):
        header = "Cookie: " + "; ".join(f"{name}={value}" for name, value in {"pages": "old", **cookies}.items())
        command = [w3m, "-dump", "-cols", "100", "-O", "UTF-8", "-no-proxy", "-header", header, portal.url + address]
        done = subprocess.run(command, capture_output=True, text=True, env={"HOME": str(tmp_path)}, timeout=120)
        assert done.returncode == 0, done.stderr
        return re.sub(r"[ \u00a0]+", " ", done.stdout)

    return dump


@pytest.fixture
def user():
    user = UserFactory()
    served(contract=user.contract, name="Домашний 100")
    post(user, 1500)
    post(user, -650, "month", title="Домашний интернет")
    return user


@pytest.fixture
def session(user):
    return session_of(user)


def test_the_sign_in_page_has_its_fields_and_says_whom_to_call(read, user):
    page = read("/login/")

    assert re.search(r"City \[Izhevsk\]\s+Login \[ \]\s.*\s+Password \[ \]\s+Sign in\n", page)
    assert "Home | Tariffs | Offers | Services | Business | Connect | Balance" in page
    assert "+7 (3412) 918-111" in page


def test_the_overview_says_the_balance_and_leads_on(read, user, session):
    page = read("/cabinet/", sessionid=session)

    assert "The service is on" in page
    assert "Домашний 100 · 100 Mbit/s" in page
    assert "850.00 ₽" in page
    assert f"Contract {user.contract.number}: Overview | Operations | Services | Notices | Profile | Help" in page
    assert "New version of the site" in page


def test_a_line_of_the_history_is_one_line(read, session):
    page = read("/cabinet/billing/", sessionid=session)

    [fee] = [line for line in page.splitlines() if "Домашний интернет" in line]
    assert "−650.00 ₽" in fee
    assert "850.00 ₽" in fee
    assert re.search(r"Kind.* \[All ?\]\s+From.* \[ \]\s+To.* \[ \]\s+Show\n", page)


def test_the_profile_has_its_devices_and_its_form(read, session):
    page = read("/cabinet/profile/", sessionid=session)

    assert "this device" in page
    assert re.search(r"New password again \[ \]", page)


def test_it_reads_in_russian(read, session):
    page = read("/cabinet/", sessionid=session, django_language="ru")

    assert "Обзор | Операции | Услуги | Уведомления | Профиль | Помощь" in page
    assert "850,00 ₽" in page


def test_the_new_version_can_be_read_too(read, session):
    page = read("/cabinet/", sessionid=session, pages="new")

    assert "850.00 ₽" in page
    assert "Old version of the site" in page


def test_turbo_says_what_it_costs_and_what_it_gives(read, user, session):
    package = TurboPackageFactory(hours=3, price=50)

    page = read("/cabinet/turbo/", sessionid=session)
    confirmed = read(f"/cabinet/turbo/?package={package.pk}", sessionid=session)

    assert re.search(r"3 hours\s+200 Mbit/s until .*\s+50 ₽\s+Choose", page)
    assert "−50.00 ₽" in confirmed
    assert "800.00 ₽" in confirmed
    assert "Turn turbo on" in confirmed


def test_the_tariff_is_chosen_and_its_lines_are_read(read, user, session):
    faster = TariffFactory(city=user.city, name="Быстрый 300", speed_down=300, speed_up=300, fee=900)
    post(user, -200, "charge")

    page = read("/cabinet/tariff/", sessionid=session)
    confirmed = read(f"/cabinet/tariff/{faster.pk}/?when=first", sessionid=session)

    assert re.search(r"Быстрый 300 .*900.00 ₽", page)
    assert "300 ₽ more for you" in page
    assert "300 Mbit/s · without limit" in page
    assert re.search(r"\(\*\) From 1 .* — free", confirmed)
    assert "−900.00 ₽" in confirmed
    assert re.search(r"Switch on 1 ", confirmed)
