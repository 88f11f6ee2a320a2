"""/connect/: what a person may type, and what is answered."""

from datetime import UTC, datetime

import pytest
import time_machine

from accounts import connections
from accounts.models import ConnectionRequest
from accounts.tests.factories import CityFactory, ConnectionRequestFactory

TEN = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)  # 10:00 in Samara, a Tuesday
ANNA = {"name": "Анна", "phone": "8 (912) 345-67-89"}

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _ten_oclock():
    with time_machine.travel(TEN, tick=False):
        yield


def send(client, **changes):
    return client.post("/connect/", ANNA | changes)


def test_the_page_offers_the_form(client):
    response = client.get("/connect/")

    assert (response.status_code, "form" in response.context) == (200, True)


def test_the_city_chosen_before_is_offered_first(client):
    client.cookies["city"] = "izhevsk"

    response = client.get("/connect/")

    assert response.context["form"]["city"].value() == "izhevsk"


def test_a_request_is_stored_and_the_browser_is_sent_on(client):
    response = send(client, city=CityFactory().slug)

    assert (response.status_code, response.url.split("?")[0]) == (302, "/connect/sent/")
    assert str(ConnectionRequest.objects.get().phone) == "+79123456789"


def test_the_next_page_says_until_when_we_call(client):
    response = client.get(send(client).url)

    assert response.context["until"].isoformat() == "2026-11-24T12:00:00+04:00"
    assert response.context["is_today"] is True


def test_after_hours_the_next_working_day_is_named(client):
    with time_machine.travel(datetime(2026, 11, 27, 16, 0, tzinfo=UTC)):
        response = client.get(send(client).url)

    assert response.context["until"].isoformat() == "2026-11-30T11:00:00+04:00"
    assert response.context["is_today"] is False


@pytest.mark.parametrize("query", ["", "?until=2026-11-24", "?until=a:b:c", "?until="])
def test_a_made_up_promise_is_not_shown(client, query):
    response = client.get(f"/connect/sent/{query}")

    assert (response.status_code, response.context["until"]) == (200, None)


@pytest.mark.parametrize(
    "typed",
    ["89123456789", "+7 912 345 67 89", "8 912 345-67-89", "9123456789", "7 (912) 345 67 89", " 8.912.345.67.89 "],
)
def test_a_mobile_number_is_understood_however_it_is_typed(client, typed):
    send(client, phone=typed)

    assert str(ConnectionRequest.objects.get().phone) == "+79123456789"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "12345",
        "+7 (3412) 918-111",
        "8 800 555-35-35",
        "+7 701 234 56 78",
        "+380 50 123 45 67",
        "8 912 345-67-89 доб. 5",
        "8 912 345-67-8",
        "позвоните мне",
        "9" * 100_000,
        "+" * 100_000,
    ],
)
def test_anything_but_a_russian_mobile_number_is_refused(client, typed):
    response = send(client, phone=typed)

    assert (response.status_code, list(response.context["form"].errors)) == (422, ["phone"])


def test_the_refusal_of_a_number_says_what_is_wanted(client):
    response = send(client, phone="918-111")

    assert "mobile number" in response.context["form"].errors["phone"][0]


@pytest.mark.parametrize("name", ["", "   ", "А" * 101, "А" * 100_000])
def test_a_name_is_needed_and_has_a_length(client, name):
    response = send(client, name=name)

    assert (response.status_code, list(response.context["form"].errors)) == (422, ["name"])


def test_a_city_that_is_not_served_is_refused(client):
    CityFactory(slug="perm", name="Пермь", is_served=False)

    assert send(client, city="perm").status_code == 422


@pytest.mark.parametrize("field", ["name", "phone", "city", "website"])
def test_a_zero_byte_is_refused_before_the_form(client, field):
    assert send(client, **{field: "А\0"}).status_code == 400


def test_a_refused_form_stores_nothing(client):
    send(client, phone="12345")

    assert not ConnectionRequest.objects.exists()


def test_a_program_that_fills_every_field_hears_success_and_is_not_stored(client):
    response = client.get(send(client, website="https://example.org").url)

    assert response.context["until"].isoformat() == "2026-11-24T12:00:00+04:00"
    assert not ConnectionRequest.objects.exists()


def test_a_known_phone_is_answered_as_a_new_one(client):
    ConnectionRequestFactory(phone="+79123456789")

    response = client.get(send(client).url)

    assert response.context["until"].isoformat() == "2026-11-24T12:00:00+04:00"


def test_one_request_too_many_of_a_network_is_refused_with_a_phone_to_call(client):
    for number in range(connections.BY_NETWORK.ceiling):
        send(client, phone=f"891234567{number:02d}")

    response = send(client)

    assert response.status_code == 429
    assert "918-177" in response.context["form"].non_field_errors()[0]


def test_refused_forms_do_not_use_up_the_limit(client):
    for _number in range(connections.BY_NETWORK.ceiling + 1):
        send(client, phone="12345")

    assert send(client).status_code == 302


def test_the_pages_are_not_kept_by_caches(client):
    assert "no-store" in client.get("/connect/")["Cache-Control"]


@pytest.mark.parametrize("path", ["/connect/", "/connect/sent/"])
def test_other_methods_are_refused(client, path):
    assert client.delete(path).status_code == 405


# --- What one came for


def opened_for(name="Интернет 300", name_en="Internet 300"):
    return connections.sign_interest(connections.Interest(name, name_en))


def test_the_form_says_what_one_came_for_and_the_request_keeps_it(client):
    page = client.get("/connect/", {"interest": opened_for()})
    send(client, interest=page.context["form"]["interest"].value())

    assert "Internet 300" in page.content.decode()
    assert ConnectionRequest.objects.get().interest == "Интернет 300"


@pytest.mark.parametrize("made_up", ["", "Free internet", "a:b:c", "💥", "x" * 5000])
def test_what_we_did_not_sign_is_neither_shown_nor_kept(client, made_up):
    page = client.get("/connect/", {"interest": made_up})
    send(client, interest=made_up)

    assert "You have chosen" not in page.content.decode()
    assert ConnectionRequest.objects.get().interest == ""


def test_what_one_came_for_is_not_lost_by_a_mistake_in_the_form(client):
    refused = send(client, interest=opened_for(), phone="x")

    assert (refused.status_code, "Internet 300" in refused.content.decode()) == (422, True)


def test_the_city_of_the_page_that_led_here_is_offered_first(client):
    client.cookies["city"] = "izhevsk"

    response = client.get("/connect/", {"city": "votkinsk"})

    assert response.context["form"]["city"].value() == "votkinsk"
