"""Registers in the admin: uploading, the report, correcting with a click, and who may."""

import csv
import io
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import roles
from accounts.models import City
from accounts.tests.at_once import at_once
from accounts.tests.factories import CityFactory, ContractFactory, StaffFactory
from billing import registries
from billing.models import Account, LedgerEntry, Registry, RegistryLine
from billing.tests.factories import put
from billing.tests.test_registries import DAY, MORNING_AFTER, accept, paid, row

LIST = "/admin/billing/registry/"
GOOD = "number;contract;sum;date\n1;600001;500.00;20.11.2026 12:05:00\n"

pytestmark = pytest.mark.django_db


@pytest.fixture
def contract():
    return ContractFactory(number="600001")


@pytest.fixture
def accountant(client):
    return signed_in(client, roles.ACCOUNTANT)


def signed_in(client, role, cities=None):
    CityFactory()
    user = StaffFactory(role=role, in_cities=list(City.objects.all() if cities is None else cities))
    client.force_login(user, "accounts.backends.StaffBackend")
    return user


def upload(client, content=GOOD, *, day=DAY, gateway="osmp"):
    file = SimpleUploadedFile("osmp.csv", content.encode() if isinstance(content, str) else content)
    return client.post(f"{LIST}add/", {"network": gateway, "day": day.isoformat(), "file": file})


def correct(client, line, **extra):
    return client.post(f"{LIST}lines/{line.pk}/correct/", **extra)


def balance(contract):
    return Account.objects.get(pk=contract.pk).balance


# --- Uploading ------------------------------------------------------------------------------------------------------
def test_an_upload_leads_to_its_report(client, accountant, contract):
    answer = upload(client)

    registry = Registry.objects.get()
    assert (answer.status_code, answer.url) == (302, f"{LIST}{registry.pk}/change/")
    assert (registry.gateway, registry.day, registry.uploaded_by) == ("osmp", DAY, accountant)
    page = client.get(answer.url).content.decode()
    assert "Not with us" in page
    assert "Credit 500.00" in page


def test_the_form_shows_a_sample(client, accountant):
    assert "1234567890;100001;500.00" in client.get(f"{LIST}add/").content.decode()


def test_errors_are_told_line_by_line_and_nothing_is_kept(client, accountant):
    answer = upload(client, GOOD + "x;600001;1;20.11.2026 12:00:00\n2;600001;0;20.11.2026 12:00:00\n")

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Line 3: the number of the payment" in page
    assert "Line 4: the sum is above zero" in page
    assert not Registry.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"gateway": "yookassa"},
        {"day": timezone.localdate()},
        {"day": DAY + timedelta(days=1)},
        {"content": b"\0"},
        {"content": b""},
    ],
)
def test_a_wrong_upload_is_refused(client, accountant, wrong):
    given = {"content": GOOD} | wrong

    assert upload(client, given.pop("content"), **given).status_code == 422
    assert not Registry.objects.exists()


def test_an_upload_without_a_file_is_refused(client, accountant):
    assert client.post(f"{LIST}add/", {"network": "osmp", "day": "x"}).status_code == 422


def test_the_same_day_again_replaces_it_until_something_is_corrected(client, accountant, contract):
    upload(client)
    assert upload(client).status_code == 302
    correct(client, RegistryLine.objects.get())

    refused = upload(client)

    assert refused.status_code == 422
    assert "corrected already" in refused.content.decode()
    assert balance(contract) == 500


def test_a_race_lost_at_the_last_moment_is_told_on_the_list(client, accountant, contract, monkeypatch):
    def refuse(**_kwargs):
        raise registries.RegistryRefused("Somebody was quicker")

    monkeypatch.setattr(registries, "accept", refuse)

    answer = client.post(
        f"{LIST}add/",
        {"network": "osmp", "day": DAY.isoformat(), "file": SimpleUploadedFile("a.csv", GOOD.encode())},
        follow=True,
    )

    assert "Somebody was quicker" in answer.content.decode()


# --- The report and its corrections ---------------------------------------------------------------------------------
def test_a_click_corrects_a_line_and_says_so(client, accountant, contract):
    line = accept(row()).lines.get()

    page = client.get(correct(client, line).url).content.decode()

    assert balance(contract) == 500
    assert "Corrected: payment 1, contract 600001." in page
    assert f"Corrected: {accountant}" in page
    assert "/correct/" not in page


def test_an_account_that_falls_below_zero_is_warned_about_before_and_after(client, accountant, contract):
    paid(contract)
    put(contract.pk, -400)
    registry = accept()

    before = client.get(f"{LIST}{registry.pk}/change/").content.decode()
    after = correct(client, registry.lines.get(), follow=True).content.decode()

    assert "will be below zero" in before
    assert "The money had been spent" in after
    assert "−400.00" in after


def test_a_line_that_has_changed_since_says_so(client, accountant, contract):
    line = accept(row()).lines.get()
    paid(contract)

    assert "Nothing was posted" in correct(client, line, follow=True).content.decode()
    assert balance(contract) == 500


def test_a_refused_correction_says_why_in_place_of_the_button(client, accountant, contract):
    registry = accept(row(contract_number="999999"))

    page = client.get(f"{LIST}{registry.pk}/change/").content.decode()
    answer = correct(client, registry.lines.get(), follow=True).content.decode()

    assert "No contract has this number" in page
    assert "/correct/" not in page
    assert "No contract has this number" in answer


def test_what_agrees_is_said(client, accountant, contract):
    paid(contract)

    assert "agree." in client.get(f"{LIST}{accept(row()).pk}/change/").content.decode()


def test_the_report_is_a_table_for_excel_too(client, accountant, contract):
    paid(contract, txn="2", amount=300)
    registry = accept(row(amount="500.50"))

    answer = client.get(f"{LIST}{registry.pk}/differences.csv")

    lines = list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig")), delimiter=";"))
    assert answer["Content-Disposition"] == 'attachment; filename="osmp-2026-11-20.csv"'
    assert lines[1:] == [
        ["1", "not with us", "20.11.2026 12:00:00", "600001", "500,50", "", "", ""],
        ["2", "not in the register", "20.11.2026 12:00:00", "", "", "600001", "300,00", ""],
    ]


def test_the_payments_page_shows_the_correction(client, accountant, contract):
    payment = paid(contract)
    line = accept(row(amount=450)).lines.get()
    correct(client, line)

    page = client.get(f"/admin/billing/payment/{payment.pk}/change/").content.decode()

    assert f"register:{line.pk}" in page


def test_correcting_wants_a_post(client, accountant, contract):
    line = accept(row()).lines.get()

    assert client.get(f"{LIST}lines/{line.pk}/correct/").status_code == 405
    assert balance(contract) == 0


def test_a_line_that_is_not_there_is_not_found(client, accountant):
    assert client.post(f"{LIST}lines/999999/correct/").status_code == 404


def test_queries_do_not_grow_with_the_lines(client, accountant, contract):
    def queries(count, day):
        paid(contract, txn=f"{day}")
        registry = accept(
            *(row(f"{day}{number}") for number in range(count)), day=day, now=MORNING_AFTER + timedelta(days=9)
        )
        with CaptureQueriesContext(connection) as seen:
            assert client.get(f"{LIST}{registry.pk}/change/").status_code == 200
        return len(seen)

    queries(1, DAY)
    assert queries(2, DAY + timedelta(days=1)) == queries(300, DAY + timedelta(days=2)) <= 8


def test_the_list_does_not_ask_for_each_row(client, accountant, contract):
    def queries():
        with CaptureQueriesContext(connection) as seen:
            assert client.get(LIST).status_code == 200
        return len(seen)

    accept(row())
    first = queries()
    for days in range(1, 6):
        accept(row(), day=DAY - timedelta(days=days))
    assert queries() == first


# --- Who may --------------------------------------------------------------------------------------------------------
def test_whoever_is_not_given_every_city_sees_no_register(client, contract):
    izhevsk, _votkinsk = CityFactory(), CityFactory(slug="votkinsk", name="Воткинск", name_en="Votkinsk")
    signed_in(client, roles.SUPERVISOR, [izhevsk])
    registry = accept(row())

    answers = [
        client.get(LIST),
        client.get(f"{LIST}add/"),
        client.get(f"{LIST}{registry.pk}/change/"),
        client.get(f"{LIST}{registry.pk}/differences.csv"),
        correct(client, registry.lines.get()),
    ]

    assert {answer.status_code for answer in answers} == {403}
    assert balance(contract) == 0


@pytest.mark.parametrize("role", [roles.OPERATOR, roles.SUPPORT_AGENT, roles.NETWORK_ENGINEER, roles.CATALOGUE_MANAGER])
def test_other_roles_see_no_register(client, contract, role):
    signed_in(client, role)
    registry = accept(row())

    assert client.get(f"{LIST}{registry.pk}/change/").status_code == 403
    assert correct(client, registry.lines.get()).status_code == 403


@pytest.mark.parametrize("role", [roles.ACCOUNTANT, roles.SUPERVISOR])
def test_the_roles_of_money_do(client, contract, role):
    signed_in(client, role)

    assert client.get(f"{LIST}{accept(row()).pk}/change/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_correct_once():
    contract = ContractFactory(number="600001")
    CityFactory()
    user = StaffFactory(role=roles.ACCOUNTANT, in_cities=list(City.objects.all()))
    line = accept(row()).lines.get()

    def click(_number):
        client = Client()
        client.force_login(user, "accounts.backends.StaffBackend")
        return correct(client, line).status_code

    assert at_once(8, click) == [302] * 8
    assert balance(contract) == 500
    assert LedgerEntry.objects.count() == 1
