"""The address directory in the admin: search, cities, import."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import address_import, journal, roles, tasks
from accounts.models import AddressImport, City, House, Street
from accounts.tests.factories import CityFactory, HouseFactory, StaffFactory, StreetFactory

NOON = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
HOUSES, STREETS, CITIES = (f"/admin/accounts/{model}/" for model in ("house", "street", "city"))
IMPORTS = "/admin/accounts/addressimport/"
State = AddressImport.State

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client):
    return signed_in(client, roles.OPERATOR)


def signed_in(client, role):
    user = StaffFactory(role=role, in_cities=[CityFactory()])
    client.force_login(user, "accounts.backends.StaffBackend")
    return user


def votkinsk():
    return CityFactory(slug="votkinsk", name="Воткинск", name_en="Votkinsk")


def rows(client, url, **query):
    return [str(row) for row in client.get(url, query).context["cl"].result_list]


def offered(client, of, field, term):
    """What an autocomplete field of the model `of` offers."""
    query = {"app_label": "accounts", "model_name": of, "field_name": field, "term": term}
    return [choice["text"] for choice in client.get("/admin/autocomplete/", query).json()["results"]]


def upload(client, content="street,house\nулица Ленина,1\n", *, city=None, name="addresses.csv"):
    file = SimpleUploadedFile(name, content.encode() if isinstance(content, str) else content)
    return client.post(f"{IMPORTS}add/", {"city": (city or CityFactory()).pk, "file": file})


def waiting_import(operator, **fields):
    row = AddressImport(city=CityFactory(), file_name="addresses.csv")
    text = address_import.text_of("street,house\nулица Ленина,1\n".encode())
    address_import.accept(row, text, author=operator, now=timezone.now())
    AddressImport.objects.filter(pk=row.pk).update(**fields)
    return row


# --- Search ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("Пушк 12", ["Пушкинская улица, 12", "Пушкинская улица, 12 к2", "Пушкинская улица, 12А"]),
        ("пушк, 12а", ["Пушкинская улица, 12А"]),
        ("12 пушк к2", ["Пушкинская улица, 12 к2"]),
        ("40 лет 5", ["улица 40 лет Победы, 5"]),
        ("Пушк 7", ["Пушкинская улица, 7"]),
        ("Лермонт 1", []),
        ("%", []),
        ("А" * 100_000, []),
    ],
)
def test_a_house_is_found_by_pieces_of_its_address(client, operator, typed, found):
    for number in ("12", "12А", "12 к2", "7"):
        HouseFactory(number=number)
    HouseFactory(street__name="улица 40 лет Победы", number="5")

    assert sorted(offered(client, "contract", "house", typed)) == found


def test_houses_are_offered_in_the_order_of_the_street(client, operator):
    for number in ("12А", "2", "12", "7"):
        HouseFactory(number=number)

    assert [house.split()[-1] for house in offered(client, "contract", "house", "Пушк")] == ["2", "7", "12", "12А"]


def test_houses_of_other_cities_are_not_offered(client, operator):
    HouseFactory(number="12")
    HouseFactory(street__city=votkinsk(), number="12")

    assert offered(client, "contract", "house", "Пушк 12") == ["Пушкинская улица, 12"]


def test_streets_of_other_cities_are_not_offered(client, operator):
    StreetFactory(city=votkinsk(), name="Пушкина")
    StreetFactory(name="Пушкинская улица")

    assert offered(client, "house", "street", "пушк") == ["Пушкинская улица"]


@pytest.mark.parametrize("url", [HOUSES, STREETS])
def test_lists_show_the_staff_members_cities_only(client, operator, url):
    ours, theirs = HouseFactory(number="1"), HouseFactory(street__city=votkinsk(), number="2")

    shown = rows(client, url)

    assert shown == [str(ours if url == HOUSES else ours.street)]
    assert client.get(f"{url}{theirs.pk if url == HOUSES else theirs.street_id}/change/").status_code == 302


@pytest.mark.parametrize("query", [{}, {"q": "Пушк"}])
@pytest.mark.parametrize("url", [HOUSES, STREETS, "/admin/autocomplete/"])
def test_pages_ask_as_many_queries_for_many_rows_as_for_one(client, operator, django_assert_num_queries, url, query):
    if "autocomplete" in url:
        query = {"app_label": "accounts", "model_name": "contract", "field_name": "house", "term": "Пушк"}
    HouseFactory()
    with CaptureQueriesContext(connection) as few:
        client.get(url, query)

    for number in range(15):
        HouseFactory(street__name=f"Пушкинский переулок {number}")

    with django_assert_num_queries(len(few)):
        client.get(url, query)


def test_a_street_shows_how_many_houses_it_has(client, operator):
    HouseFactory.create_batch(3)

    assert '<td class="field-houses">3</td>' in client.get(STREETS).content.decode()


# --- By hand --------------------------------------------------------------------------------------------------------
def test_a_house_number_typed_by_hand_gets_its_spelling(client, operator):
    client.post(f"{HOUSES}add/", {"street": StreetFactory().pk, "number": "12 корп. 2"})

    assert House.objects.get().number == "12 к2"


@pytest.mark.parametrize("number", ["", "д. 12", "А" * 100_000])
def test_a_bad_house_number_is_refused(client, operator, number):
    response = client.post(f"{HOUSES}add/", {"street": StreetFactory().pk, "number": number})

    assert list(response.context["adminform"].errors) == ["number"]


def test_a_house_is_not_added_twice(client, operator):
    house = HouseFactory(number="12А")

    response = client.post(f"{HOUSES}add/", {"street": house.street_id, "number": "12 а"})

    assert (House.objects.count(), bool(response.context["adminform"].errors)) == (1, True)


def test_a_house_on_a_street_of_another_city_is_refused(client, operator):
    client.post(f"{HOUSES}add/", {"street": StreetFactory(city=votkinsk()).pk, "number": "1"})

    assert not House.objects.exists()


def test_a_street_in_another_city_is_refused(client, operator):
    client.post(f"{STREETS}add/", {"city": votkinsk().pk, "name": "улица Мира"})

    assert not Street.objects.exists()


def test_a_house_does_not_move_to_another_street(client, operator):
    house, other = HouseFactory(number="1"), StreetFactory(name="улица Мира")

    client.post(f"{HOUSES}{house.pk}/change/", {"street": other.pk, "number": "2"})

    house.refresh_from_db()
    assert (house.street_id != other.pk, house.number) == (True, "2")


def test_changes_of_the_directory_are_in_the_journal(client, operator):
    client.post(f"{STREETS}add/", {"city": CityFactory().pk, "name": "улица Мира"})

    entry = journal.of(Street.objects.get()).get()
    assert (entry.actor, entry.action, entry.city) == (operator, "added", CityFactory())


def test_the_author_of_a_city_sees_it(client):
    supervisor = signed_in(client, roles.SUPERVISOR)

    client.post(f"{CITIES}add/", {"name": "Воткинск", "name_en": "Votkinsk", "slug": "votkinsk", "is_served": "on"})

    assert City.objects.get(slug="votkinsk") in supervisor.cities.all()


def test_the_address_name_of_a_city_stays(client):
    signed_in(client, roles.SUPERVISOR)

    client.post(
        f"{CITIES}{CityFactory().pk}/change/",
        {"name": "Ижевск", "name_en": "Izhevsk", "slug": "izh", "is_served": "on"},
    )

    assert City.objects.get().slug == "izhevsk"


# --- Import ---------------------------------------------------------------------------------------------------------
def test_an_upload_is_kept_and_leads_to_its_progress(client, operator):
    response = upload(client)

    row = AddressImport.objects.get()
    assert (response.status_code, response.url) == (302, f"{IMPORTS}{row.pk}/change/")
    assert (row.state, row.author, row.file_name, row.lines_total) == (State.WAITING, operator, "addresses.csv", 1)


def test_the_upload_page_shows_a_sample(client, operator):
    assert "street,house" in client.get(f"{IMPORTS}add/").content.decode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("street,house\nулица Ленина,1\n".encode("cp1251"), "not in UTF-8"),
        ("улица Ленина,1\n", "header"),
        (b"", "empty"),
        (b"a" * (address_import.MAX_BYTES + 1), "larger than 10 MB"),
    ],
)
def test_an_unusable_file_is_refused_on_the_page(client, operator, content, reason):
    response = upload(client, content)

    assert reason in response.context["adminform"].errors["file"][0]
    assert not AddressImport.objects.exists()


def test_an_import_into_another_city_is_refused(client, operator):
    response = upload(client, city=votkinsk())

    assert list(response.context["adminform"].errors) == ["city"]


def test_the_journal_does_not_swallow_the_file(client, operator):
    upload(client)

    changes = journal.of(AddressImport.objects.get()).get(action="added").changes
    assert changes["file"] == ["•••", "•••"]


def test_the_progress_page_renews_itself_while_the_import_runs(client, operator):
    row = waiting_import(operator, state=State.CHECKING, lines_total=10_000, lines_done=5_000, started_at=NOON)

    response = client.get(f"{IMPORTS}{row.pk}/change/")

    assert response["Refresh"] == "2"
    assert re.search(r"<progress max=['\"]10000['\"]\s+value=['\"]5000['\"]", response.content.decode())


def test_a_finished_import_stands_still_and_tells_the_counts(client, operator):
    row = waiting_import(operator)
    tasks.import_addresses(import_id=row.pk)

    response = client.get(f"{IMPORTS}{row.pk}/change/")

    assert "Refresh" not in response
    assert "streets added: 1; houses added: 1" in response.content.decode()


def test_errors_are_shown_line_by_line(client, operator):
    upload(client, "street,house\nулица Ленина,<b>\n")
    tasks.import_addresses(import_id=AddressImport.objects.get().pk)

    page = client.get(f"{IMPORTS}{AddressImport.objects.get().pk}/change/").content.decode()

    assert "<td>2</td>" in page
    assert "must start with a figure" in page
    assert "&lt;b&gt;" in page


def test_a_stuck_import_can_be_run_again(client, operator):
    row = waiting_import(operator, state=State.WRITING, started_at=timezone.now() - timedelta(minutes=7))
    url = reverse("admin:accounts_addressimport_run_again", args=[row.pk])
    page = client.get(f"{IMPORTS}{row.pk}/change/").content.decode()

    client.post(url)

    assert (url in page, AddressImport.objects.get().state) == (True, State.WAITING)


def test_a_running_import_is_not_run_again(client, operator):
    row = waiting_import(operator, state=State.WRITING, started_at=timezone.now())
    url = reverse("admin:accounts_addressimport_run_again", args=[row.pk])
    page = client.get(f"{IMPORTS}{row.pk}/change/").content.decode()

    client.post(url)

    assert (url in page, AddressImport.objects.get().state) == (False, State.WRITING)


def test_the_list_of_imports_shows_how_they_went(client, operator):
    waiting_import(operator)

    assert rows(client, IMPORTS) == ["addresses.csv"]


def test_imports_of_other_cities_are_not_seen(client, operator):
    row = waiting_import(operator, city=votkinsk())

    assert rows(client, IMPORTS) == []
    assert client.get(f"{IMPORTS}{row.pk}/change/").status_code == 404
    assert client.post(reverse("admin:accounts_addressimport_run_again", args=[row.pk])).status_code == 404


def test_an_address_that_is_no_number_is_not_found(client, operator):
    assert client.get(f"{IMPORTS}abc/change/").status_code == 404


# --- Roles ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("role", "statuses"),
    [
        (roles.OPERATOR, (200, 200, 200, 403)),
        (roles.NETWORK_ENGINEER, (200, 200, 200, 403)),
        (roles.SUPERVISOR, (200, 200, 200, 200)),
        (roles.SUPPORT_AGENT, (200, 403, 403, 403)),
        (roles.ACCOUNTANT, (200, 403, 403, 403)),
        (roles.CATALOGUE_MANAGER, (403, 403, 403, 403)),
    ],
)
def test_each_role_reads_and_writes_what_it_needs(client, role, statuses):
    signed_in(client, role)

    paths = [HOUSES, f"{HOUSES}add/", f"{IMPORTS}add/", f"{CITIES}add/"]

    assert tuple(client.get(path).status_code for path in paths) == statuses


@pytest.mark.parametrize("url", [HOUSES, STREETS, CITIES])
def test_no_role_deletes_addresses(client, url):
    signed_in(client, roles.SUPERVISOR)
    house = HouseFactory()
    key = {HOUSES: house.pk, STREETS: house.street_id, CITIES: house.street.city_id}[url]

    assert client.get(f"{url}{key}/delete/").status_code == 403
