"""The page of the tariff in the cabinet, and the confirmation of a switch."""

from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Contract
from accounts.tests.factories import ContractFactory, StaffFactory, UserFactory
from billing import shares
from billing.models import LedgerEntry
from billing.tests.factories import put
from mark_portal.preferences import VERSION_COOKIE
from tariffs import switching
from tariffs.models import Service, Subscription, Suspension, Switch, TariffPrice
from tariffs.tests.factories import (
    LONG_AGO,
    OfferUseFactory,
    OptionUseFactory,
    TariffFactory,
    charged,
    served,
)

pytestmark = pytest.mark.django_db

URL = reverse("tariffs:tariff")


@pytest.fixture
def contract(client, time_machine):
    """600 ₽ a month, November charged; 1,000 ₽ left; somebody signed in on the 20th."""
    time_machine.move_to("2026-11-20 08:00:00+00:00", tick=False)
    contract = served(fee=600, balance=1600, name="Спокойный", contract=ContractFactory(started_on=LONG_AGO))
    charged(contract)
    client.force_login(UserFactory(contract=contract), backend="accounts.backends.SubscriberBackend")
    return contract


@pytest.fixture
def faster(contract):
    return TariffFactory(city=contract.city, fee=900, name="Быстрый", switch_fee=50, speed_down=300, speed_up=300)


def text(response) -> str:
    return " ".join(response.content.decode().replace("\xa0", " ").replace("\u202f", " ").split())


def address(tariff) -> str:
    return reverse("tariffs:switch", args=[tariff.pk])


def ask(client, tariff, **query):
    return client.get(address(tariff), query)


def confirm(client, tariff, seen=None, **fields):
    """Sends the form that the preview has drawn."""
    query = {"when": fields.get("when", "now"), **({"on": fields["on"]} if "on" in fields else {})}
    seen = seen or ask(client, tariff, **query)
    form = {"when": "now", "operation": uuid4(), "seal": seen.context["terms"].seal, **fields}
    return client.post(address(tariff), form)


# --- The list


def test_mine_is_shown_with_its_options_and_offers_and_the_next_charge(client, contract):
    OptionUseFactory(contract=contract, option__name="Антивирус", option__fee=100)
    OfferUseFactory(contract=contract, offer__name="Полцены")

    page = text(client.get(URL))

    for words in ("Спокойный", "100 Mbit/s", "Антивирус: 100.00 ₽", "Полцены: −300.00 ₽", "400.00 ₽"):
        assert words in page
    assert "1 December, 400.00 ₽" in page


def test_the_next_charge_is_that_of_a_switch_to_come(client, contract, faster):
    switching.plan(contract.pk, tariff_id=faster.pk, on=date(2026, 12, 1), operation=uuid4(), now=timezone.now())

    assert "1 December, 900.00 ₽" in text(client.get(URL))


def test_others_are_compared_by_speed_and_by_what_a_month_would_cost(client, contract, faster):
    TariffFactory(city=contract.city, fee=450, name="Тихий", speed_down=50, speed_up=50, volume_gb=100, floor_speed=1)

    page = text(client.get(URL))

    assert "300 Mbit/s" in page
    assert "300 ₽ more for you" in page
    assert "100 GB a month, then 1 Mbit/s" in page
    assert "150 ₽ less for you" in page
    assert f'href="{address(faster)}"' in page


def test_an_open_page_fetches_what_is_mine_and_planned_alone(client, contract, faster):
    confirm(client, faster, when="first")

    part = text(client.get(URL, {"part": "mine"}))

    assert "Спокойный" in part
    assert "On 1 December your tariff changes to «Быстрый»" in part
    assert "<main" not in part


def test_ones_own_is_locked_and_says_so(client, contract):
    page = text(client.get(URL))

    assert "disabled" in page
    assert "You have this tariff." in page


@pytest.mark.parametrize("since", [date(2026, 12, 1), date(2027, 1, 1)])
def test_a_tariff_not_sold_yet_is_locked_only_while_no_day_can_be_chosen(client, contract, faster, since):
    TariffPrice.objects.filter(tariff=faster).update(since=since)

    page = text(client.get(URL))

    assert (f'href="{address(faster)}"' in page) == (since == date(2026, 12, 1))
    assert "This tariff is sold from" in page


def test_debt_locks_every_button_with_one_reason_and_the_way_to_pay(client, contract, faster):
    put(contract.pk, -1700)
    Contract.objects.update(state=Contract.State.SUSPENDED_FOR_DEBT)

    page = text(client.get(URL))

    assert page.count("put 700.00 ₽ on the account first") == 1
    assert f'{reverse("billing:top_up")}?sum=700"' in page
    assert f'href="{address(faster)}"' not in page
    assert 'aria-describedby="locks"' in page


def test_a_pause_locks_every_button_until_its_end(client, contract, faster):
    Contract.objects.update(state=Contract.State.SUSPENDED_BY_WISH)
    Suspension.objects.create(
        operation=uuid4(),
        contract=contract,
        starts_on=date(2026, 11, 10),
        ends_on=date(2026, 11, 30),
        state="running",
        created_at=timezone.now(),
    )

    page = text(client.get(URL))

    assert "can be changed from 1 December" in page
    assert f'href="{address(faster)}"' not in page


def test_money_missing_for_now_is_told_beside_the_button_that_works_for_later(client, contract, faster):
    put(contract.pk, -950)

    page = text(client.get(URL))

    assert f'href="{address(faster)}"' in page
    assert "Not enough money to do it now: 110.00 ₽ is missing." in page
    assert "?sum=110" in page


def test_without_a_tariff_the_page_says_whom_to_call(client, contract, faster):
    Subscription.objects.all().delete()

    page = text(client.get(URL))

    assert "The contract has no tariff yet. Call us: +7 (3412) 918-111." in page
    assert "will be here" in page


def test_no_other_tariff(client, contract):
    assert "There is no other tariff for you at present" in text(client.get(URL))


def test_the_history_tells_the_tariffs_and_what_did_not_happen(client, contract, faster):
    now = timezone.now()
    third = TariffFactory(city=contract.city, name="Третий")
    switching.switch_now(contract.pk, tariff_id=faster.pk, operation=uuid4(), now=now)
    first = switching.plan(contract.pk, tariff_id=third.pk, on=date(2027, 1, 1), operation=uuid4(), now=now)
    switching.cancel(contract.pk, switch_id=first.pk, now=now)
    Switch.objects.create(
        operation=uuid4(),
        contract=contract,
        old=faster,
        tariff=third,
        on=date(2026, 11, 5),
        state="failed",
        failure="money:12.50",
        created_at=now,
        finished_at=now,
    )

    page = text(client.get(URL))

    assert "19 November" in page
    assert "cancelled on 20 November" in page
    assert "could not be done. 12.50 ₽ was missing." in page


# --- Planned


def test_what_is_planned_can_be_cancelled(client, contract, faster):
    confirm(client, faster, when="first")
    page = text(client.get(URL))
    assert "On 1 December your tariff changes to «Быстрый»" in page

    answer = client.post(reverse("tariffs:switch_cancel"), {"switch": Switch.objects.get().pk}, follow=True)

    assert answer.redirect_chain == [(URL, 302)]
    assert "The switch to «Быстрый» is cancelled." in text(answer)
    assert Switch.objects.get().state == "cancelled"


def test_what_staff_planned_is_shown_locked_with_the_same_words_as_its_refusal(client, contract, faster):
    options = {"operation": uuid4(), "now": timezone.now(), "by": StaffFactory()}
    switch = switching.plan(contract.pk, tariff_id=faster.pk, on=date(2026, 12, 1), **options)

    page, answer = client.get(URL), client.post(reverse("tariffs:switch_cancel"), {"switch": switch.pk})

    why = page.context["why_not_cancelled"]
    assert "Our operator has planned" in why
    assert 'aria-describedby="why-not-cancelled"' in text(page)
    assert (answer.status_code, answer.context["refusal"]) == (422, why)


@pytest.mark.parametrize("value", ["", "x", "0", "-1", "9" * 400, "12345"])
def test_cancelling_what_is_not_there_is_refused(client, contract, value):
    answer = client.post(reverse("tariffs:switch_cancel"), {"switch": value})

    assert answer.status_code == 422
    assert "There is no such switch." in text(answer)


def test_the_switch_of_somebody_else_is_not_cancelled(client, contract, faster):
    other = served(balance=1000)
    options = {"operation": uuid4(), "now": timezone.now()}
    switch = switching.plan(other.pk, tariff_id=faster.pk, on=date(2026, 12, 1), **options)

    assert client.post(reverse("tariffs:switch_cancel"), {"switch": switch.pk}).status_code == 422
    switch.refresh_from_db()
    assert switch.state == "planned"


# --- The switch


def test_the_preview_shows_each_line_with_the_balance_after_it(client, contract, faster):
    page = text(ask(client, faster, when="now"))

    for words in ("+220.00 ₽", "1,220.00 ₽", "−330.00 ₽", "890.00 ₽", "−50.00 ₽", "840.00 ₽"):
        assert words in page
    assert "Переход на тариф «Быстрый»" in page
    assert "160.00 ₽ from the account" in page


def test_it_begins_with_what_is_free(client, contract, faster):
    page = client.get(address(faster))

    assert page.context["terms"].when.on == date(2026, 12, 1)
    assert "Switch on 1 December" in text(page)


def test_confirmed_it_is_done_and_said(client, contract, faster):
    seen = ask(client, faster, when="now")
    answer = client.post(
        address(faster),
        {"when": "now", "operation": uuid4(), "seal": seen.context["terms"].seal},
        follow=True,
    )

    assert answer.redirect_chain == [(URL, 302)]
    assert "Your tariff is «Быстрый» now." in text(answer)
    assert Subscription.objects.get(until=None).tariff == faster


def test_a_day_of_ones_own(client, contract, faster):
    answer = confirm(client, faster, when="date", on="15.12.2026")

    assert answer.status_code == 302
    assert Switch.objects.get().on == date(2026, 12, 15)


def test_two_clicks_do_it_once(client, contract, faster):
    seen, operation = ask(client, faster, when="now"), uuid4()

    answers = [confirm(client, faster, seen, operation=operation).status_code for _click in range(2)]

    assert answers == [302, 302]
    assert Switch.objects.count() == 1


def test_other_sums_than_those_seen_are_shown_anew_and_not_done(client, contract, faster):
    seen = ask(client, faster, when="now")
    TariffPrice.objects.filter(tariff=faster).update(fee=960)

    answer = confirm(client, faster, seen)

    assert answer.status_code == 422
    assert "The sums have changed since you saw them." in text(answer)
    assert "−352.00 ₽" in text(answer)
    assert not Switch.objects.exists()
    assert confirm(client, faster, answer).status_code == 302


def test_the_price_never_comes_from_the_browser(client, contract, faster):
    answer = confirm(client, faster, fee="1", amount="1", price="1")

    assert answer.status_code == 302
    assert LedgerEntry.objects.filter(key__endswith=":rest").get().amount == -330


def test_what_is_locked_has_its_reasons_a_dead_button_and_the_way_to_pay(client, contract, faster):
    put(contract.pk, -900)

    page, answer = ask(client, faster, when="now"), confirm(client, faster)

    reasons = page.context["terms"].why_not
    assert "60.00 ₽ is missing" in text(page)
    assert "?sum=60" in text(page)
    assert "disabled" in text(page)
    assert (answer.status_code, answer.context["refusal"]) == (422, reasons)


def test_a_day_on_which_money_will_be_missing_is_warned_of(client, contract, faster):
    put(contract.pk, -900)

    assert "will be missing on 1 December: without it the service stops then." in text(
        ask(client, faster, when="first")
    )
    page = text(ask(client, faster, when="date", on="2026-12-15"))
    assert "will be missing on 15 December: without it the switch will not be done." in page


def test_what_ends_with_the_old_tariff_is_said_before(client, contract):
    OptionUseFactory(contract=contract, option__name="Адрес", option__needs=Service.INTERNET)
    television = TariffFactory(city=contract.city, services=[Service.TV], name="ТВ", channels=120)

    page = text(ask(client, television, when="now"))

    assert "The option «Адрес» ends" in page
    assert "120 channels" in page


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"when": "date"}, "Choose the day."),
        ({"when": "date", "on": "x"}, "Write the day like 15.12.2026."),
        ({"when": "never"}, "Choose when."),
        ({"when": ""}, "Choose when."),
    ],
)
def test_a_day_that_is_none_is_said_beside_its_field(client, contract, faster, query, words):
    page = ask(client, faster, **query)

    assert page.status_code == 422
    assert words in text(page)
    assert "Switch now" not in text(page)


@pytest.mark.parametrize("on", ["2026-11-20", "2027-01-20", "0001-01-01", "9999-12-31"])
def test_a_day_out_of_reach_is_refused_with_the_days_that_are_not(client, contract, faster, on):
    page, answer = ask(client, faster, when="date", on=on), confirm(client, faster, when="date", on=on)

    assert page.status_code == 200
    assert "Choose a day from 21 November to 19 January" in text(page)
    assert answer.status_code == 422


@pytest.mark.parametrize("name", ["operation", "seal", "when"])
def test_a_form_without_its_fields_is_refused(client, contract, faster, name):
    answer = confirm(client, faster, **{name: ""}) if name != "when" else client.post(address(faster))

    assert answer.status_code == 422
    assert not Switch.objects.exists()


@pytest.mark.parametrize("tariff_id", [0, 12345, 10**30])
def test_a_tariff_that_does_not_exist_is_not_found(client, contract, tariff_id):
    assert client.get(f"{URL}{tariff_id}/").status_code == 404
    assert client.post(f"{URL}{tariff_id}/").status_code == 404


def test_a_tariff_for_others_says_why_not(client, contract):
    page = text(ask(client, TariffFactory(city=contract.city, audience="legal")))

    assert "This tariff is for legal entities." in page


# --- All of it


def queries(client, url) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(url)
    return len(captured)


@pytest.mark.parametrize("page", [lambda _tariff: URL, address], ids=["list", "switch"])
def test_the_pages_stay_flat_as_everything_grows(client, contract, faster, page):
    client.get(page(faster))
    few = queries(client, page(faster))
    TariffFactory.create_batch(10, city=contract.city)
    for _each in range(5):
        OptionUseFactory(contract=contract)
        OfferUseFactory(contract=contract)
    for days in range(10):
        Switch.objects.create(
            operation=uuid4(),
            contract=contract,
            old=faster,
            tariff=Subscription.objects.get(contract=contract).tariff,
            on=shares.first_of_month(date(2026, 11, 1)) - timedelta(days=days),
            state="cancelled",
            created_at=timezone.now(),
            finished_at=timezone.now(),
        )

    many = queries(client, page(faster))

    assert many == few <= 6


@pytest.mark.parametrize("page", [lambda _tariff: URL, address], ids=["list", "switch"])
def test_the_old_version_has_it_too(client, contract, faster, page):
    client.cookies[VERSION_COOKIE] = "old"

    answer = text(client.get(page(faster)))

    assert "site.css" not in answer
    assert "Быстрый" in answer
    assert "<svg" not in answer


@pytest.mark.parametrize("version", ["new", "old"])
def test_a_price_to_come_is_shown_to_who_has_the_tariff_and_to_who_may_take_it(client, contract, faster, version):
    client.cookies[VERSION_COOKIE] = version
    for tariff, fee in ((Subscription.objects.get(contract=contract).tariff, 650), (faster, 950)):
        TariffPrice.objects.create(tariff=tariff, fee=fee, since=date(2027, 1, 1))

    page = text(client.get(URL))

    assert [f"From 1 January 2027: {fee} ₽ a month" in page for fee in (650, 950)] == [True, True]
