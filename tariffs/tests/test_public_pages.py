"""What anybody reads of the catalogue: /tariffs/, /offers/, /services/, /business/."""

import gzip
import re
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import City, ConnectionRequest
from accounts.tests.factories import CityFactory, UserFactory
from billing.tests.factories import NOON
from tariffs import prices
from tariffs.models import Service
from tariffs.tests.factories import (
    NEXT,
    TODAY,
    OfferFactory,
    OptionFactory,
    TariffFactory,
    TurboPackageFactory,
)

pytestmark = pytest.mark.django_db
PAGES = ["/tariffs/", "/offers/", "/services/", "/business/"]


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture(autouse=True)
def cities(db):
    return [CityFactory(), CityFactory(slug="votkinsk", name="Воткинск", name_en="Votkinsk")]


def sign_in(client, **fields):
    user = UserFactory(**fields)
    client.force_login(user, "accounts.backends.SubscriberBackend")
    return user


def text(response) -> str:
    words = re.sub(r"<[^>]+>", " ", response.content.decode()).replace("\N{NO-BREAK SPACE}", " ")
    return " ".join(words.split())


# --- The city


@pytest.mark.parametrize("page", PAGES)
def test_an_unknown_city_has_no_page(client, page):
    assert client.get(page, {"city": "perm"}).status_code == 404


@pytest.mark.parametrize("page", PAGES)
def test_a_city_that_is_not_served_has_no_page(client, page, cities):
    City.objects.filter(pk=cities[1].pk).update(is_served=False)

    assert client.get(page, {"city": "votkinsk"}).status_code == 404


def test_the_city_of_the_address_is_remembered_for_the_next_page(client, cities):
    TariffFactory(city=cities[0], name="Ижевский")
    TariffFactory(city=cities[1], name="Воткинский")

    chosen = text(client.get("/tariffs/", {"city": "votkinsk"}))
    next_one = text(client.get("/tariffs/"))

    assert [("Воткинский" in page, "Ижевский" in page) for page in (chosen, next_one)] == [(True, False)] * 2


def test_an_old_cookie_of_a_city_that_is_gone_does_no_harm(client):
    client.cookies["city"] = "perm"

    assert client.get("/tariffs/").status_code == 200


def test_a_subscriber_sees_their_own_city(client, cities):
    sign_in(client, contract__house__street__city=cities[1])
    TariffFactory(city=cities[1], name="Воткинский")
    client.cookies["city"] = "izhevsk"

    assert "Воткинский" in text(client.get("/tariffs/"))


# --- Tariffs


def test_a_tariff_is_shown_with_its_price_and_what_it_gives(client):
    TariffFactory(fee=690, name="Соты", name_en="Honeycomb", speed_down=300, speed_up=100, summary_en="For a family.")

    page = text(client.get("/tariffs/"))

    assert "Honeycomb 690 ₽ a month" in page
    assert all(words in page for words in ("up to 300 Mbit/s to you, 100 Mbit/s from you", "For a family."))


def test_a_price_to_come_is_shown_beside_that_of_today(client):
    tariff = TariffFactory(fee=690)
    prices.plan(tariff, fee=750, since=NEXT, by=None, now=NOON)

    page = text(client.get("/tariffs/"))

    assert "690 ₽ a month From 1 December: 750 ₽ a month" in page


def test_a_tariff_that_is_sold_from_a_day_to_come_says_so(client):
    tariff = TariffFactory(name="Будущий")
    tariff.prices.update(since=NEXT)

    page = text(client.get("/tariffs/"))

    assert "Будущий From 1 December: 600 ₽ a month" in page


def test_what_is_archived_unpriced_or_for_others_is_not_shown(client):
    TariffFactory(name="Архивный", is_archived=True)
    TariffFactory(name="Бесценный").prices.all().delete()
    TariffFactory(name="Конторский", audience="legal")
    OptionFactory(name="Старая услуга", is_archived=True)
    OptionFactory(name="Конторская услуга", audience="legal")

    page = text(client.get("/tariffs/"))

    assert not [name for name in ("Архивный", "Бесценный", "Контор", "Старая") if name in page]


def test_the_list_is_narrowed_to_a_service_and_to_organisations(client):
    TariffFactory(name="Быстрый")
    TariffFactory(name="Цветной", services=[Service.TV], speed_down=None, speed_up=None)
    TariffFactory(name="Конторский", audience="legal")

    television = text(client.get("/tariffs/", {"family": "tv"}))
    companies = text(client.get("/tariffs/", {"kind": "legal"}))

    assert ("Цветной" in television, "Быстрый" in television) == (True, False)
    assert ("Конторский" in companies, "Быстрый" in companies) == (True, False)


@pytest.mark.parametrize("query", [{"family": "x"}, {"kind": "x"}, {"compare": "x"}, {"compare": "9" * 30}])
def test_a_made_up_choice_is_refused_and_everything_shown(client, query):
    TariffFactory(name="Быстрый")

    answer = client.get("/tariffs/", query)

    assert (answer.status_code, "Быстрый" in text(answer), 'role="alert"' in answer.content.decode()) == (
        422,
        True,
        True,
    )


def test_chosen_tariffs_are_put_side_by_side(client):
    rows = [TariffFactory(fee=500), TariffFactory(fee=700, speed_down=300, volume_gb=100, floor_speed=1)]
    TariffFactory(name="Третий", fee=800)

    answer = client.get("/tariffs/", {"compare": [row.pk for row in rows]})

    table = text(answer).partition("Side by side")[2].partition("Compare the marked")[0]
    assert "A month 500.00 ₽ 700.00 ₽ To you, Mbit/s 100 300" in table
    assert "Traffic a month without limit 100 GB" in table
    assert "TV channels" not in table
    assert answer.content.decode().count(" checked") == 2


@pytest.mark.parametrize("count", [1, 5])
def test_two_to_four_are_compared(client, count):
    rows = TariffFactory.create_batch(5)[:count]

    answer = client.get("/tariffs/", {"compare": [row.pk for row in rows]})

    assert (answer.status_code, "Choose two to four tariffs" in text(answer)) == (422, True)


def test_tariffs_of_another_city_are_not_compared(client, cities):
    here, there = TariffFactory(), TariffFactory(city=cities[1])

    answer = client.get("/tariffs/", {"compare": [here.pk, there.pk], "city": "izhevsk"})

    assert (answer.status_code, "not sold here any more" in text(answer)) == (422, True)


def test_options_and_turbo_of_the_city_are_shown(client, cities):
    OptionFactory(name="Адрес", fee=150, activation_fee=99, needs="internet")
    OptionFactory(name="Чужая", city=cities[1])
    TurboPackageFactory(hours=3, price=50, factor="2.5")
    TurboPackageFactory(hours=24, is_archived=True)

    page = text(client.get("/tariffs/", {"city": "izhevsk"}))

    assert "Адрес 150 ₽ a month" in page
    assert "Switching on: 99 ₽ once." in page
    assert "3 hours 50 ₽" in page
    assert ("Чужая" in page, "24 hours" in page) == (False, False)


def test_the_way_to_connect_carries_the_tariff(client):
    tariff = TariffFactory(name="Соты")

    form = client.get(f"/tariffs/{tariff.pk}/connect/", follow=True)
    asked = {"name": "Анна", "phone": "89123456789", "interest": form.context["form"]["interest"].value()}
    client.post("/connect/", asked)

    assert "You have chosen: Соты" in text(form)
    assert ConnectionRequest.objects.get().interest == "Соты"


@pytest.mark.parametrize("number", [0, 2**31, 2**63 - 1, 10**30])
def test_there_is_no_way_to_connect_with_no_tariff(client, number):
    assert client.get(f"/tariffs/{number}/connect/").status_code == 404


def test_there_is_no_way_to_connect_with_an_archived_tariff(client):
    tariff = TariffFactory(is_archived=True)

    assert client.get(f"/tariffs/{tariff.pk}/connect/").status_code == 404


def test_an_empty_catalogue_says_what_to_do(client):
    assert "Nothing of the kind is sold here now" in text(client.get("/tariffs/"))


def test_a_company_sees_its_tariffs_first(client):
    sign_in(client, contract__subscriber__kind="legal")
    TariffFactory(name="Конторский", audience="legal")

    assert "Конторский" in text(client.get("/tariffs/"))


# --- Offers


def test_an_offer_tells_what_it_gives_to_whom_and_until_when(client):
    offer = OfferFactory(
        name="Осень", percent=20, months=3, audience="person", tenure_from=12, ends_on=TODAY + timedelta(days=10)
    )
    offer.tariffs.add(TariffFactory(name="Соты"))

    page = text(client.get("/offers/"))

    assert "Осень −20 % off the tariff for 3 months" in page
    assert "for persons for those who are with us for 12 months or longer" in page
    assert "Tariffs: Соты" in page
    assert "to be taken until 30 November" in page


@pytest.mark.parametrize(
    ("effect", "words"),
    [
        ({"credit": 300}, "300 ₽ to the account"),
        ({"presses": 1}, "1 free press of the turbo button"),
        ({"presses": 5}, "5 free presses of the turbo button"),
    ],
)
def test_other_effects_are_told_too(client, effect, words):
    OfferFactory(percent=None, months=None, **effect)

    assert words in text(client.get("/offers/"))


def test_a_percentage_off_an_option_names_it(client):
    OfferFactory(option=OptionFactory(name="Адрес"), percent=10, months=1)

    assert "−10 % off «Адрес» for 1 month" in text(client.get("/offers/"))


def test_offers_of_other_days_cities_and_tariffs_are_not_shown(client, cities):
    OfferFactory(name="Прошлая", ends_on=TODAY - timedelta(days=1))
    OfferFactory(name="Будущая", starts_on=TODAY + timedelta(days=1))
    OfferFactory(name="Чужая", city=cities[1])
    OfferFactory(name="Архивная", is_archived=True)
    OfferFactory(name="Чужие тарифы").tariffs.add(TariffFactory(city=cities[1]))

    page = text(client.get("/offers/", {"city": "izhevsk"}))

    assert "There are no offers now" in page


# --- Services and organisations


def test_services_tell_the_least_price_of_each(client):
    TariffFactory(fee=690)
    TariffFactory(fee=450)
    TariffFactory(fee=200, services=[Service.TV], speed_down=None, speed_up=None)
    TariffFactory(fee=100, audience="legal")

    page = text(client.get("/services/"))

    assert "Internet from 450 ₽ a month" in page
    assert "Digital and cable television from 200 ₽ a month" in page


@pytest.mark.parametrize(
    "service", ["Internet", "Digital and cable television", "City telephone", "Computer help", "Household services"]
)
def test_every_service_is_described(client, service):
    assert service in text(client.get("/services/"))


def test_organisations_find_their_tariffs_the_mail_and_the_phone(client, settings):
    TariffFactory(name="Конторский", audience="legal")
    TariffFactory(name="Домашний")

    page = text(client.get("/business/"))

    assert all(words in page for words in ("Конторский", settings.BUSINESS_EMAIL, settings.SALES_PHONE))
    assert "1 to 3 working days" in page
    assert "Домашний" not in page


# --- Cost


def queries_of(client, page) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(page).status_code == 200
    return len(asked)


def fill(count):
    for audience in ("person", "legal"):
        TariffFactory.create_batch(count, audience=audience)
    for tariff_of_an_offer in TariffFactory.create_batch(count):
        OfferFactory().tariffs.add(tariff_of_an_offer)
    OptionFactory.create_batch(count)


@pytest.mark.parametrize("page", [*PAGES, "/", "/tariffs/?city=votkinsk"])
@pytest.mark.parametrize("visitor", ["visitor", "subscriber"])
def test_a_page_asks_six_questions_at_most_however_much_is_sold(client, page, visitor):
    if visitor == "subscriber":
        sign_in(client)
    fill(2)
    few = queries_of(client, page)
    fill(10)

    many = queries_of(client, page)

    assert (many, many <= 6) == (few, True)


@pytest.mark.parametrize("page", PAGES)
def test_a_full_catalogue_is_light(client, page):
    fill(15)

    assert len(gzip.compress(client.get(page).content)) <= 12 * 1024


@pytest.mark.parametrize("page", PAGES)
def test_the_old_version_has_no_pictures_and_says_the_same(client, page):
    TariffFactory(name="Соты", audience="legal")
    TariffFactory(name="Соты")
    client.cookies["pages"] = "old"

    answer = client.get(page)

    assert answer.status_code == 200
    assert "<svg" not in answer.content.decode()


@pytest.mark.parametrize(
    ("tenure", "words"),
    [
        ({"tenure_from": 6, "tenure_to": 12}, "with us from 6 to 12 months"),
        ({"tenure_to": 1}, "with us for 1 month at most"),
        ({"tenure_from": 1}, "with us for 1 month or longer"),
    ],
)
def test_an_offer_tells_how_long_one_must_have_been_here(client, tenure, words):
    OfferFactory(**tenure)

    assert words in text(client.get("/offers/"))


# --- Home


def test_the_home_page_tells_the_least_prices_and_the_offers_of_the_city(client):
    TariffFactory(fee=690)
    TariffFactory(fee=450)
    OfferFactory(name="Осень")

    page = text(client.get("/"))

    assert "Internet from 450 ₽ a month" in page
    assert "Осень" in page


def test_the_home_page_needs_no_catalogue_and_no_city(client):
    empty = client.get("/")
    City.objects.all().delete()

    assert (empty.status_code, client.get("/").status_code) == (200, 200)


def test_the_home_page_of_a_city_that_is_not_served_shows_no_prices(client):
    TariffFactory(fee=690)

    page = client.get("/", {"city": "perm"})

    assert (page.status_code, "690" in text(page)) == (200, False)
