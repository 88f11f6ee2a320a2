"""The catalogue in the admin: who may change what, prices, the archive."""

from datetime import timedelta

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import roles
from accounts.models import JournalEntry
from accounts.tests.factories import CityFactory, StaffFactory
from billing.tests.factories import NOON
from notifications.models import Notice
from tariffs import prices
from tariffs.models import Offer, OfferUse, Option, OptionPrice, Subscription, Tariff, TariffPrice, TurboPackage
from tariffs.tests.factories import (
    LONG_AGO,
    NEXT,
    OfferFactory,
    OfferUseFactory,
    OptionFactory,
    OptionUseFactory,
    TariffFactory,
    TurboPackageFactory,
    served,
)

pytestmark = pytest.mark.django_db
TARIFFS, OPTIONS, OFFERS = "/admin/tariffs/tariff/", "/admin/tariffs/option/", "/admin/tariffs/offer/"
PACKAGES = "/admin/tariffs/turbopackage/"
NO_PRICES = {"prices-TOTAL_FORMS": 0, "prices-INITIAL_FORMS": 0}


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def cities():
    return [CityFactory(), CityFactory(slug="votkinsk", name="Воткинск", name_en="Votkinsk")]


def sign_in(client, cities, role=roles.CATALOGUE_MANAGER):
    user = StaffFactory(role=role, in_cities=cities)
    client.force_login(user, "accounts.backends.StaffBackend")
    return user


@pytest.fixture
def manager(client, cities):
    """Of both cities."""
    return sign_in(client, cities)


def tariff_form(**fields):
    form = {"audience": "person", "services": ["internet"], "name": "Новый", "speed_down": 100, "speed_up": 50}
    return form | {"city": CityFactory().pk, "position": 100, "switch_fee": "0"} | fields


def a_price(fee, since):
    """The form of a new tariff's first price."""
    return {
        "prices-TOTAL_FORMS": 1,
        "prices-INITIAL_FORMS": 0,
        "prices-0-fee": fee,
        "prices-0-since": since,
        "prices-0-id": "",
    }


def price_rows(thing, link="tariff", *, new=None, fees=None, removed=()):
    """The page's rows of prices, the newest first, and after them the empty one: `new` is its fee and day."""
    rows = list(thing.prices.order_by("-since"))
    form = {"prices-TOTAL_FORMS": len(rows) + 1, "prices-INITIAL_FORMS": len(rows)}
    for number, price in enumerate(rows):
        form |= {f"prices-{number}-id": price.pk, f"prices-{number}-{link}": thing.pk}
        form[f"prices-{number}-fee"] = (fees or {}).get(price.pk, price.fee)
        if price.pk in removed:
            form[f"prices-{number}-DELETE"] = "on"
    fee, since = new or ("", "")
    return form | {f"prices-{len(rows)}-fee": fee, f"prices-{len(rows)}-since": since, f"prices-{len(rows)}-id": ""}


def save(client, tariff, **rows):
    form = tariff_form(city=tariff.city_id, name=tariff.name, speed_down=tariff.speed_down, speed_up=tariff.speed_up)
    return client.post(f"{TARIFFS}{tariff.pk}/change/", form | price_rows(tariff, **rows))


def text(response) -> str:
    return " ".join(response.content.decode().replace("\N{NO-BREAK SPACE}", " ").split())


# --- Tariffs


def test_a_tariff_is_added_with_its_first_price_and_both_are_journaled(client, manager):
    answer = client.post(f"{TARIFFS}add/", tariff_form() | a_price("650", "2026-11-01"))

    tariff = Tariff.objects.get()
    assert (answer.status_code, tariff.prices.get().fee) == (302, 650)
    assert set(JournalEntry.objects.values_list("action", flat=True)) == {"added", "price_planned"}


def test_a_tariff_without_a_price_is_refused(client, manager):
    answer = client.post(f"{TARIFFS}add/", tariff_form() | a_price("", ""))

    assert "This field is required" in text(answer)
    assert not Tariff.objects.exists()


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"speed_up": ""}, "How fast"),
        ({"services": ["internet", "tv"], "speed_down": ""}, "How fast"),
        ({"services": ["tv"]}, "Only internet has a speed"),
        ({"services": ["internet", "post"]}, "post is not one of the available choices"),
        ({"services": []}, "This field is required"),
        ({"volume_gb": 100}, "needs the speed past it"),
        ({"floor_speed": 1}, "needs the volume"),
        ({"volume_gb": 100, "floor_speed": 100}, "less than the usual"),
        ({"services": ["tv"], "speed_down": "", "speed_up": "", "volume_gb": 1, "floor_speed": 1}, "Only internet"),
        ({"switch_fee": "-1"}, "greater than or equal to 0"),
        ({"name": "Старый"}, "of this name for them already"),
    ],
)
def test_an_impossible_tariff_is_refused_in_words(client, manager, fields, why):
    TariffFactory(name="Старый")

    answer = client.post(f"{TARIFFS}add/", tariff_form(**fields) | a_price("650", "2026-11-01"))

    assert why in text(answer)
    assert "Constraint" not in text(answer)


def test_a_future_price_is_set_on_the_tariffs_page_and_told(client, manager):
    contract = served(fee=600)
    tariff = Tariff.objects.get()

    answer = save(client, tariff, new=("700", "2026-12-01"))
    prices.announce_due(now=NOON)

    assert answer.status_code == 302
    assert Notice.objects.filter(contract=contract, kind=prices.TOLD).count() == 1
    assert JournalEntry.objects.get(action="price_planned").actor == manager


def test_a_price_that_begins_too_early_is_refused_with_the_first_possible_day(client, manager):
    tariff = TariffFactory()

    with time_machine.travel(NOON + timedelta(days=2), tick=False):
        answer = save(client, tariff, new=("700", "2026-12-01"))

    assert "1 January 2027 or later" in text(answer)
    assert tariff.prices.count() == 1


def test_a_price_in_force_cannot_be_changed_or_removed(client, manager):
    tariff = TariffFactory(fee=600)
    price = tariff.prices.get()

    save(client, tariff, fees={price.pk: "1"}, removed=[price.pk])

    assert tariff.prices.get().fee == 600


def test_a_price_to_come_that_nobody_knows_of_is_removed(client, manager):
    tariff = TariffFactory()
    price = prices.plan(tariff, fee=700, since=NEXT, by=None, now=NOON)

    save(client, tariff, removed=[price.pk])

    assert tariff.prices.filter(since=NEXT).count() == 0


def test_a_price_that_was_told_cannot_be_removed_and_can_be_corrected(client, manager):
    served(fee=600)
    tariff = Tariff.objects.get()
    price = prices.plan(tariff, fee=700, since=NEXT, by=None, now=NOON)
    prices.announce_due(now=NOON)

    save(client, tariff, fees={price.pk: "650"}, removed=[price.pk])

    assert tariff.prices.get(since=NEXT).fee == 650


def test_the_page_tells_how_many_have_been_told(client, manager):
    served()
    tariff = Tariff.objects.get()
    prices.plan(tariff, fee=700, since=NEXT, by=None, now=NOON)

    page = client.get(f"{TARIFFS}{tariff.pk}/change/")

    assert "told 0 of 1" in text(page)


def test_the_quicker_manager_wins_and_the_other_is_told_why(client, manager, monkeypatch):
    tariff = TariffFactory()

    def too_late(*_args, **_kwargs):
        raise prices.PriceRefused("Somebody was quicker.")

    monkeypatch.setattr(prices, "plan", too_late)

    answer = save(client, tariff, new=("700", "2026-12-01"))

    assert answer.status_code == 302
    assert [str(message) for message in get_messages(answer.wsgi_request)] == ["Somebody was quicker."]
    assert tariff.prices.count() == 1


def test_a_tariff_is_a_bundle_when_it_has_several_services(client, manager):
    ticked = {"services": ["telephony", "internet", "internet"]}

    client.post(f"{TARIFFS}add/", tariff_form(**ticked) | a_price("650", "2026-11-01"))

    tariff = Tariff.objects.get()
    assert (tariff.services, tariff.family) == (["internet", "telephony"], "bundle")
    assert "internet, telephony" in text(client.get(TARIFFS))


def test_a_tariff_in_use_keeps_its_city_and_kind(client, manager, cities):
    contract = served()
    tariff = Tariff.objects.get()
    form = tariff_form(city=cities[1].pk, audience="legal", services=["internet", "tv"], name="Переименован")

    client.post(f"{TARIFFS}{tariff.pk}/change/", form | price_rows(tariff))

    tariff.refresh_from_db()
    assert (tariff.name, tariff.city_id) == ("Переименован", contract.city_id)
    assert (tariff.audience, tariff.services) == ("person", ["internet"])


def test_a_list_tells_prices_and_how_many_have_it(client, manager):
    served(fee=600)
    prices.plan(Tariff.objects.get(), fee=700, since=NEXT, by=None, now=NOON)

    page = text(client.get(TARIFFS))

    assert all(words in page for words in ("600 ₽", "700 ₽ from 1 December", '<td class="field-contracts">1</td>'))


@pytest.mark.parametrize(
    ("address", "make"),
    [(TARIFFS, TariffFactory), (OPTIONS, OptionFactory), (OFFERS, OfferFactory), (PACKAGES, TurboPackageFactory)],
)
def test_a_list_asks_as_many_questions_for_forty_rows_as_for_two(client, manager, address, make):
    make.create_batch(2)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(address)
    make.create_batch(38)

    with CaptureQueriesContext(connection) as many:
        client.get(address)

    assert len(many) == len(few)


# --- The archive


@pytest.mark.parametrize(
    ("address", "use"),
    [
        (TARIFFS, lambda: Subscription.objects.get(contract=served()).tariff),
        (OPTIONS, lambda: OptionUseFactory().option),
        (OFFERS, lambda: OfferUseFactory().offer),
        (TARIFFS, lambda: OfferFactory(city=None).tariffs.add(TariffFactory()) or Tariff.objects.get()),
        (OPTIONS, lambda: OfferFactory(option=OptionFactory()).option),
    ],
    ids=["a tariff", "an option", "an offer", "a tariff that an offer names", "an option that an offer names"],
)
def test_what_is_in_use_is_not_deleted(client, manager, address, use):
    row = use()

    answer = client.post(f"{address}{row.pk}/delete/", {"post": "yes"})

    assert answer.status_code == 403
    assert type(row).objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize(
    ("address", "make"),
    [(TARIFFS, TariffFactory), (OPTIONS, OptionFactory), (OFFERS, OfferFactory), (PACKAGES, TurboPackageFactory)],
)
def test_what_nobody_ever_had_is_deleted_with_its_prices(client, manager, address, make):
    row = make()

    answer = client.post(f"{address}{row.pk}/delete/", {"post": "yes"})

    assert (answer.status_code, type(row).objects.count()) == (302, 0)
    assert JournalEntry.objects.get().action == "deleted"


def test_an_offer_that_names_tariffs_is_deleted_too(client, manager):
    offer = OfferFactory()
    offer.tariffs.add(TariffFactory())

    client.post(f"{OFFERS}{offer.pk}/delete/", {"post": "yes"})

    assert (Offer.objects.count(), Tariff.objects.count()) == (0, 1)


def test_several_at_once_are_put_into_the_archive_and_taken_out(client, manager):
    rows = TariffFactory.create_batch(2)
    chosen = {"_selected_action": [row.pk for row in rows]}

    client.post(TARIFFS, chosen | {"action": "archive"})
    archived = text(client.get(TARIFFS, {"is_archived__exact": 1}))
    client.post(TARIFFS, chosen | {"action": "take_out"})

    assert archived.count("· in the archive") == 2
    assert Tariff.objects.filter(is_archived=False).count() == 2
    assert JournalEntry.objects.filter(action="changed").count() == 4


# --- Options


def option_form(**fields):
    form = {"name": "Адрес", "activation_fee": "0", "max_quantity": 1, "position": 100}
    return form | {"choice_label": "", "choices": ""} | a_price("100", "2026-11-01") | fields


def test_an_option_is_added_with_what_there_is_to_choose(client, manager):
    client.post(f"{OPTIONS}add/", option_form(choice_label="Пакет", choices="Спорт\r\n\r\n Кино \r\n"))

    option = Option.objects.get()
    assert (option.choices, option.city, OptionPrice.objects.get().fee) == (["Спорт", "Кино"], None, 100)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"choices": "Спорт"}, "Say what is chosen"),
        ({"choice_label": "Пакет"}, "what there is to choose from"),
        ({"choices": "x" * 81, "choice_label": "Пакет"}, "At most 80"),
        ({"choices": "a\na", "choice_label": "Пакет"}, "stands twice"),
        ({"max_quantity": 0}, "greater than or equal to 1"),
        ({"activation_fee": "-1"}, "greater than or equal to 0"),
    ],
)
def test_an_impossible_option_is_refused_in_words(client, manager, fields, why):
    answer = client.post(f"{OPTIONS}add/", option_form(**fields))

    assert why in text(answer)
    assert "Constraint" not in text(answer)


# --- Offers


def offer_form(**fields):
    form = {"name": "Осень", "starts_on": "2026-11-01", "position": 100, "per_contract": 1}
    return form | {"percent": 20, "months": 3} | fields


@pytest.mark.parametrize(
    "effect", [{}, {"percent": "", "months": "", "credit": "300"}, {"percent": "", "months": "", "presses": 3}]
)
def test_an_offer_with_one_effect_is_added(client, manager, effect):
    client.post(f"{OFFERS}add/", offer_form(**effect))

    assert Offer.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"percent": "", "months": ""}, "Say what it gives"),
        ({"credit": "100"}, "An offer gives one thing"),
        ({"percent": 101}, "From 1 to 100"),
        ({"percent": 0}, "From 1 to 100"),
        ({"months": ""}, "For how many months"),
        ({"percent": "", "credit": "100"}, "Months go with a percentage"),
        ({"percent": "", "months": "", "credit": "0"}, "More than zero"),
        ({"percent": "", "months": "", "presses": 0}, "More than zero"),
        ({"ends_on": "2026-10-31"}, "The end is before the beginning"),
        ({"tenure_from": 12, "tenure_to": 6}, "The end is before the beginning"),
        ({"per_contract": 0}, "greater than or equal to 1"),
    ],
)
def test_an_impossible_offer_is_refused_in_words(client, manager, fields, why):
    answer = client.post(f"{OFFERS}add/", offer_form(**fields))

    assert why in text(answer)
    assert "Constraint" not in text(answer)


def test_an_offer_of_a_city_names_only_its_tariffs(client, manager, cities):
    tariff = TariffFactory(city=cities[1])

    answer = client.post(f"{OFFERS}add/", offer_form(city=cities[0].pk, tariffs=[tariff.pk]))

    assert "of another city" in text(answer)


def test_an_offer_that_runs_for_contracts_is_not_taken_off_their_tariffs(client, manager, cities):
    here, there = TariffFactory(city=cities[0]), TariffFactory(city=cities[0])
    offer = OfferFactory()
    use = OfferUseFactory(offer=offer)
    page = f"{OFFERS}{offer.pk}/change/"

    narrowed = client.post(page, offer_form(tariffs=[here.pk]))
    OfferUse.objects.filter(pk=use.pk).update(since="2026-08-01", until="2026-11-01")
    client.post(page, offer_form(tariffs=[here.pk, there.pk]))

    assert "archive it and make a new offer instead" in text(narrowed)
    assert set(offer.tariffs.all()) == {here, there}


# --- Turbo packages


def test_a_turbo_package_speeds_up_internet_alone_and_once(client, manager):
    TurboPackageFactory(hours=3)
    form = {"family": "tv", "hours": 3, "price": "50", "factor": "2"}

    television = client.post(f"{PACKAGES}add/", form)
    again = client.post(f"{PACKAGES}add/", form | {"family": "internet"})
    client.post(f"{PACKAGES}add/", form | {"family": "internet", "hours": 24})

    assert "Only internet" in text(television)
    assert "such a package already" in text(again)
    assert TurboPackage.objects.count() == 2


# --- Whose it is to change


def test_other_roles_read_and_change_nothing(client, cities):
    sign_in(client, cities, roles.OPERATOR)
    tariff = TariffFactory(fee=600)

    page = client.get(f"{TARIFFS}{tariff.pk}/change/")
    saved = save(client, tariff, new=("700", "2026-12-01"))

    assert (page.status_code, "600.00" in text(page), 'name="prices' in text(page)) == (200, True, True)
    assert (saved.status_code, tariff.prices.count()) == (403, 1)


def test_staff_of_one_city_do_not_see_tariffs_of_the_other(client, cities):
    sign_in(client, cities[:1])
    other = TariffFactory(city=cities[1], name="Чужой")

    assert "Чужой" not in text(client.get(TARIFFS))
    assert client.get(f"{TARIFFS}{other.pk}/change/").status_code == 302


@pytest.mark.parametrize(("address", "make"), [(OPTIONS, OptionFactory), (OFFERS, OfferFactory)])
def test_what_is_sold_in_every_city_is_only_read_by_staff_of_one(client, cities, address, make):
    sign_in(client, cities[:1])
    row = make(name="Общая")

    page = client.get(f"{address}{row.pk}/change/")
    saved = client.post(f"{address}{row.pk}/change/", {"name": "Моя"})
    client.post(address, {"_selected_action": [row.pk], "action": "archive"})

    row.refresh_from_db()
    assert (page.status_code, saved.status_code) == (200, 403)
    assert (row.name, row.is_archived) == ("Общая", False)


def test_staff_of_one_city_cannot_sell_in_every_city(client, cities):
    sign_in(client, cities[:1])

    answer = client.post(f"{OPTIONS}add/", option_form())

    assert "This field is required" in text(answer)
    assert not Option.objects.exists()
    assert client.get(f"{PACKAGES}add/").status_code == 403


def test_the_first_price_of_long_ago_is_past_when_another_is_in_force(client, manager):
    tariff = TariffFactory(fee=500)
    TariffPrice.objects.create(tariff=tariff, fee=600, since=LONG_AGO.replace(year=2021))

    page = text(client.get(f"{TARIFFS}{tariff.pk}/change/"))

    assert ("past" in page, "in force" in page) == (True, True)
