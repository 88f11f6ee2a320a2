"""The pages of options in the cabinet."""

import re
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Contract
from accounts.tests.factories import UserFactory
from billing.models import Account, LedgerEntry
from billing.tests.factories import NOON, put
from tariffs.models import OptionPrice, OptionUse, Service
from tariffs.tests.factories import NEXT, OptionFactory, OptionUseFactory, charged, served

pytestmark = pytest.mark.django_db
LIST = reverse("tariffs:options")


@pytest.fixture(autouse=True)
def _noon(time_machine):
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def contract(client):
    """Signed in; the month is charged, and 1,000 ₽ are left."""
    user = UserFactory()
    client.force_login(user, backend="accounts.backends.SubscriberBackend")
    contract = served(balance=1600, contract=user.contract, name="Дом 100")
    charged(contract)
    return contract


def page_of(option) -> str:
    return reverse("tariffs:option", args=[option.pk])


def text(response) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).replace("\u00a0", " ").split())


def hidden(response) -> dict[str, str]:
    """The answers of the page's own confirmation."""
    fields = re.findall(r'<input type="hidden" name="(\w+)"(?: value="([^"]*)")?', response.content.decode())
    return {name: value for name, value in fields if name != "csrfmiddlewaretoken"}


def test_without_options_it_says_what_will_stand_here(client, contract):
    page = text(client.get(LIST))

    assert "Nothing is switched on yet" in page
    assert "nothing more to add at present" in page
    assert "Дом 100 600.00 ₽ Together a month 600.00 ₽" in page


def test_it_shows_what_is_on_and_what_a_month_costs(client, contract):
    option = OptionFactory(name="Розетка", fee=50, max_quantity=4, choices=["белая"], choice_label="Цвет")
    OptionUseFactory(contract=contract, option=option, quantity=2, choice="белая")

    page = text(client.get(LIST))

    assert "Розетка × 2 Цвет: белая Since 1 January 2020" in page
    assert "100 ₽ a month" in page
    assert "Together a month 700.00 ₽" in page


def test_what_can_be_added_stands_by_service_with_its_price(client, contract):
    OptionFactory(name="Кино", fee=200, needs=Service.TV)
    OptionFactory(name="Адрес", fee=120, activation_fee=150, needs=Service.INTERNET)

    page = text(client.get(LIST))

    assert page.index("For the internet Адрес") < page.index("For television Кино")
    assert "120 ₽ a month and 150 ₽ once" in page
    assert "It needs television, and your tariff has none." in page


def test_a_button_that_would_be_refused_is_locked_with_the_verbs_own_words(client, contract):
    OptionFactory(fee=9000)

    response = client.get(LIST)

    assert "2,300.00 ₽ is missing on the account: top up first." in text(response)
    assert re.search(r'disabled\s+aria-describedby="why-', response.content.decode())
    assert "/cabinet/billing/top-up/?sum=2300.00" in response.content.decode()


def test_the_price_to_come_is_told(client, contract):
    option = OptionFactory(fee=100)
    OptionPrice.objects.create(option=option, fee=130, since=NEXT)

    assert "from 1 December: 130 ₽" in text(client.get(LIST))


def test_before_the_word_is_given_the_lines_stand_with_their_balances(client, contract):
    option = OptionFactory(name="Адрес", fee=300, activation_fee=150)

    page = text(client.get(page_of(option)))

    assert "20 November Адрес −110.00 ₽ 890.00 ₽ 20 November Адрес, подключение −150.00 ₽ 740.00 ₽" in page
    assert "A whole month costs 900.00 ₽ instead of 600.00 ₽." in page


def test_before_the_month_is_charged_it_says_that_the_month_takes_it_in(client):
    user = UserFactory()
    client.force_login(user, backend="accounts.backends.SubscriberBackend")
    served(balance=1600, contract=user.contract)

    page = text(client.get(page_of(OptionFactory(fee=300))))

    assert "Nothing is charged now" in page
    assert "The fee of this month is still to be charged, and takes it in." in page


def test_the_word_switches_it_on_as_it_was_shown(client, contract):
    option = OptionFactory(name="Адрес", fee=300, activation_fee=150)
    shown = hidden(client.get(page_of(option)))

    response = client.post(page_of(option), shown, follow=True)

    assert response.redirect_chain == [(LIST, 302)]
    assert "«Адрес» is switched on." in text(response)
    assert Account.objects.get(pk=contract.pk).balance == 740


def test_two_clicks_switch_it_on_once(client, contract):
    option = OptionFactory(fee=300)
    shown = hidden(client.get(page_of(option)))

    answers = [client.post(page_of(option), shown).status_code for _ in range(2)]

    assert answers == [302, 302]
    assert Account.objects.get(pk=contract.pk).balance == 890


def test_a_quantity_and_a_choice_are_priced_before_they_are_ordered(client, contract):
    option = OptionFactory(name="Розетка", fee=30, max_quantity=4, choices=["белая", "чёрная"], choice_label="Цвет")

    shown = client.get(page_of(option), {"quantity": 3, "choice": "чёрная"})
    client.post(page_of(option), hidden(shown))

    assert "Quantity: 3. Цвет: чёрная." in text(shown)
    assert "Розетка × 3 −33.00 ₽ 967.00 ₽" in text(shown)
    assert OptionUse.objects.values_list("quantity", "choice").get() == (3, "чёрная")


def test_fewer_is_shown_from_the_first_and_can_be_left_as_it_was(client, contract):
    option = OptionFactory(name="Розетка", fee=30, max_quantity=4)
    OptionUseFactory(contract=contract, option=option, quantity=3)

    shown = client.get(page_of(option), {"quantity": 1})
    client.post(page_of(option), hidden(shown))
    planned = client.get(LIST)
    back = client.post(reverse("tariffs:option_keep", args=[option.pk]), follow=True)

    assert "From 1 December: 1 pcs" in text(shown)
    assert "Nothing is charged now" in text(shown)
    assert "From 1 December: 1 pcs 90 ₽ a month Leave as it was" in text(planned)
    assert "From 1 December: 510.00 ₽" not in text(back)
    assert "stays as it was" in text(back)


def test_switched_off_it_runs_on_and_can_be_taken_back(client, contract):
    option = OptionFactory(name="Кино")
    OptionUseFactory(contract=contract, option=option)

    off = client.post(reverse("tariffs:option_off", args=[option.pk]), follow=True)
    back = client.post(reverse("tariffs:option_keep", args=[option.pk]), follow=True)

    assert "Works until 1 December" in text(off)
    assert "Leave as it was" in text(off)
    assert "Works until" not in text(back)


def test_an_option_without_its_service_says_that_it_is_not_charged(client, contract):
    OptionUseFactory(contract=contract, option=OptionFactory(needs=Service.TV))

    assert "It does not work and is not charged" in text(client.get(LIST))


def test_what_one_had_is_kept_in_sight(client, contract):
    OptionUseFactory(contract=contract, option__name="Кино", until=NOON.date(), ended_at=NOON)

    assert "What you had Кино from 1 January 2020 until 20 November" in text(client.get(LIST))


def test_a_refused_order_says_why_and_changes_nothing(client, contract):
    option = OptionFactory(fee=300)
    shown = hidden(client.get(page_of(option)))
    put(contract.pk, -950)

    response = client.post(page_of(option), shown)

    assert response.status_code == 422
    assert "60.00 ₽ is missing" in text(response)
    assert not OptionUse.objects.exists()


def test_a_sum_other_than_the_one_shown_is_not_charged(client, contract):
    option = OptionFactory(fee=300)
    shown = hidden(client.get(page_of(option)))

    response = client.post(page_of(option), shown | {"seen": "-10.00"})

    assert response.status_code == 422
    assert "The sum has changed since the page was opened" in text(response)
    assert not OptionUse.objects.exists()


@pytest.mark.parametrize("wrong", [{"operation": "x"}, {"operation": ""}, {"quantity": "-1"}, {"seen": "much"}, {}])
def test_a_garbled_order_is_refused(client, contract, wrong):
    option = OptionFactory(fee=300)
    shown = hidden(client.get(page_of(option))) if wrong else {}

    response = client.post(page_of(option), shown | wrong)

    assert response.status_code == 422
    assert "The page has grown old" in text(response)
    assert not OptionUse.objects.exists()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"quantity": "99"}, "Write a number from 1 to 4."),
        ({"quantity": "x"}, "Write a number from 1 to 4."),
        ({"choice": "синяя"}, "This cannot be chosen any more."),
    ],
)
def test_a_question_that_cannot_be_priced_says_so(client, contract, asked, words):
    option = OptionFactory(max_quantity=4, choices=["белая"])

    response = client.get(page_of(option), asked)

    assert response.status_code == 422
    assert words in text(response)


@pytest.mark.parametrize("name", ["option", "option_off", "option_keep"])
def test_what_is_not_sold_to_the_contract_does_not_exist(client, contract, name):
    address = reverse(f"tariffs:{name}", args=[OptionFactory(is_archived=True).pk])

    response = client.post(address, {"operation": str(uuid4()), "quantity": 1, "seen": 0})

    assert response.status_code in (404, 422)
    assert not OptionUse.objects.exists()


def test_another_contracts_options_are_not_touched(client, contract):
    strange = OptionUseFactory()

    response = client.post(reverse("tariffs:option_off", args=[strange.option_id]))

    assert response.status_code == 422
    assert OptionUse.objects.get().until is None


def test_in_debt_the_page_says_what_brings_the_service_back(client, contract):
    Contract.objects.filter(pk=contract.pk).update(state=Contract.State.SUSPENDED_FOR_DEBT)
    put(contract.pk, -1300)
    OptionFactory()

    assert "put 300.00 ₽ on the account first" in text(client.get(LIST))


def test_the_old_version_has_the_same_controls(client, contract):
    option = OptionFactory(name="Розетка", fee=30, max_quantity=4)
    client.cookies["pages"] = "old"

    listed = client.get(LIST)
    shown = client.get(page_of(option), {"quantity": 2})
    client.post(page_of(option), hidden(shown))

    assert "<svg" not in listed.content.decode()
    assert 'border="1"' in shown.content.decode()
    assert OptionUse.objects.get().quantity == 2


@pytest.mark.parametrize("name", ["options", "option"])
def test_the_pages_ask_six_queries_however_many_options(client, contract, name):
    option = OptionFactory(max_quantity=2)
    address = reverse(f"tariffs:{name}", args=[option.pk] if name == "option" else [])
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)

    for _ in range(10):
        OptionUseFactory(contract=contract)
        OptionUseFactory(contract=contract, until=NOON.date(), ended_at=NOON)
        OptionFactory()
    with CaptureQueriesContext(connection) as many:
        client.get(address)

    assert len(few) == len(many) <= 6


def test_the_month_adds_up_in_the_ledger_after_all_clicks(client, contract):
    option = OptionFactory(fee="99.99", max_quantity=9)
    for quantity in (1, 2, 5):
        shown = client.get(page_of(option), {"quantity": quantity})
        client.post(page_of(option), hidden(shown))

    spent = sum(LedgerEntry.objects.filter(key__startswith="option:").values_list("amount", flat=True))
    assert spent == -(Decimal("499.95") * 11 / 30).quantize(Decimal("0.01"))
