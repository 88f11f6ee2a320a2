"""Operators in the admin: a new contract from the first field to the first sign-in, passports, addresses, requests."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts import address_import, roles
from accounts.models import AddressImport, ConnectionRequest, Contract, House
from accounts.tests.factories import (
    PASSWORD,
    CityFactory,
    HouseFactory,
    StaffFactory,
    StreetFactory,
    SubscriberFactory,
    UserFactory,
)

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("stored")]

PASSPORT = "9408123456"


@pytest.fixture
def city():
    return CityFactory()


@pytest.fixture
def operator(city):
    return StaffFactory(login="operator", role=roles.OPERATOR, in_cities=[city])


def search(page, typed):
    """Until all of it is answered: what was found by its beginning goes away again."""
    with page.expect_response(lambda answer: parse_qs(urlsplit(answer.url).query).get("term") == [typed]):
        page.locator(".select2-search__field").press_sequentially(typed)


def choose_by_mouse(page, field, typed, option):
    page.locator(f".field-{field} .select2-selection").click()
    search(page, typed)
    page.get_by_role("option", name=option).click()


def choose_by_keyboard(page, field, typed, option):
    page.locator(f".field-{field} .select2-selection").focus()
    page.keyboard.press("Enter")
    search(page, typed)
    expect(page.locator(".select2-results__option--highlighted")).to_have_text(option)
    page.keyboard.press("Enter")


def test_an_operator_signs_in(visit, operator):
    page = visit("/admin/")

    page.get_by_label("Login").fill("operator")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()

    expect(page.get_by_text("Open connection requests", exact=True)).to_be_visible()


def test_a_subscriber_is_put_on_file(visit, operator):
    page = visit("/admin/accounts/subscriber/add/", user=operator)

    page.get_by_label("Name").fill("Анна Сергеевна Петрова")
    page.get_by_label("Passport series and number").fill("9408 654321")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_text("was added successfully")).to_be_visible()
    expect(page.get_by_role("link", name="Анна Сергеевна Петрова").first).to_be_visible()


@pytest.fixture
def filled_in(visit, operator, city):
    """The form of a new contract, filled in."""
    HouseFactory(street=StreetFactory(city=city), number="12А")
    SubscriberFactory(name="Анна Сергеевна Петрова")
    page = visit("/admin/accounts/contract/add/", user=operator)
    choose_by_mouse(page, "house", "пушк 12", "Пушкинская улица, 12А")
    page.get_by_label("Flat").fill("7")
    choose_by_keyboard(page, "subscriber", "петр", "Анна Сергеевна Петрова")
    return page


def test_the_printed_password_of_a_new_contract_opens_the_cabinet(filled_in, visit):
    filled_in.get_by_role("button", name="Save", exact=True).click()
    filled_in.get_by_role("button", name="Show the sheet").click()
    login, password = (filled_in.locator(f"[data-{name}]").inner_text() for name in ("login", "password"))
    page = visit("/login/")

    page.get_by_label("Login").fill(login)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()

    expect(page).to_have_url("/cabinet/")
    expect(page.locator("main")).to_contain_text(Contract.objects.get().number)


def test_the_sheet_offers_to_print_itself_and_is_shown_once(filled_in, watch):
    watch.expect("status of 410")
    filled_in.get_by_role("button", name="Save", exact=True).click()
    filled_in.get_by_role("button", name="Show the sheet").click()
    filled_in.evaluate("window.print = () => { window.isPrinted = true }")

    filled_in.get_by_role("button", name="Print").click()
    assert filled_in.evaluate("window.isPrinted")

    filled_in.reload()
    expect(filled_in.locator("[data-password]")).to_have_count(0)


@pytest.mark.parametrize(("named", "answer"), [("9408 123456", "Yes: it is"), ("9408 123457", "No: it is not")])
def test_a_passport_is_answered_yes_or_no(visit, operator, watch, named, answer):
    watch.expect("status of 422")
    contract = UserFactory().contract
    contract.subscriber.set_passport(PASSPORT)
    contract.subscriber.save()
    page = visit(f"/admin/accounts/contract/{contract.pk}/change/", user=operator)

    page.get_by_role("link", name="Lost password").click()
    page.get_by_role("textbox").fill(named)
    page.get_by_role("button", name="Check").click()

    expect(page.get_by_text(answer)).to_be_visible()


def upload(page, content):
    file = {"name": "streets.csv", "mimeType": "text/csv", "buffer": content.encode()}
    page.get_by_label("CSV file").set_input_files(file)
    page.get_by_role("button", name="Upload and check").click()
    expect(page.get_by_text("The import waits for its turn")).to_be_visible()


def test_addresses_are_uploaded_and_the_page_follows_by_itself(visit, operator, city):
    page = visit("/admin/accounts/addressimport/add/", user=operator)
    upload(page, "street,house\nПушкинская улица,12А\nПушкинская улица,14 к2\n")

    address_import.run(AddressImport.objects.get().pk, clock=timezone.now)

    expect(page.get_by_text("Done. Lines: 2; streets added: 1; houses added: 2")).to_be_visible()
    assert House.objects.count() == 2


def test_a_file_with_a_slip_is_refused_with_its_line(visit, operator, city):
    page = visit("/admin/accounts/addressimport/add/", user=operator)
    upload(page, "street,house\nПушкинская улица,12А\nПушкинская улица,\n")

    address_import.run(AddressImport.objects.get().pk, clock=timezone.now)

    expect(page.get_by_role("row", name="3 The house number must start with a figure")).to_be_visible()
    assert not House.objects.exists()


def ask_for_connection(page):
    page.get_by_label("Your name").fill("Ольга")
    page.get_by_label("Mobile phone").fill("8 912 345-67-89")
    page.get_by_role("button", name="Send the request").click()
    expect(page.get_by_text("Please keep the phone near.")).to_be_visible()


def test_a_connection_request_is_taken_and_closed(visit, operator):
    ask_for_connection(visit("/connect/"))
    page = visit("/admin/accounts/connectionrequest/", user=operator)

    page.get_by_role("link", name="Ольга").click()
    page.get_by_role("button", name="Take", exact=True).click()
    page.get_by_label("Note").fill("Придём в среду")
    page.get_by_role("button", name="Connected").click()

    expect(page.get_by_text("The request is closed.")).to_be_visible()
    assert ConnectionRequest.objects.get().state == "connected"
