"""Options and offers in the admin: whoever answers a call switches or takes one for the subscriber."""

from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import journal, roles
from accounts.tests.factories import CityFactory, ContractFactory, StaffFactory
from billing.models import Account
from billing.tests.factories import NOON
from notifications.models import Notice
from tariffs.models import OfferUse, OptionUse
from tariffs.tests.factories import (
    NEXT,
    OfferFactory,
    OfferUseFactory,
    OptionFactory,
    OptionUseFactory,
    charged,
    served,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(NOON, tick=False):
        yield


def sign_in(client, role):
    user = StaffFactory(role=role, in_cities=[CityFactory()])
    client.force_login(user, "accounts.backends.StaffBackend")
    return user


@pytest.fixture
def agent(client):
    return sign_in(client, roles.SUPPORT_AGENT)


@pytest.fixture
def contract():
    contract = served(balance=2000)
    charged(contract)
    return contract


def post(client, model, contract, **given):
    form = {"contract": contract.number, "drawn": uuid4()} | given
    return client.post(reverse(f"admin:tariffs_{model}_add"), form, follow=True)


def page(response) -> str:
    return response.content.decode().replace("\u00a0", " ")


def test_an_option_is_switched_on_by_the_same_verb_with_a_row_in_the_journal(client, agent, contract):
    option = OptionFactory(name="Розетка", fee=300, max_quantity=3, choices=["белая"])

    response = post(client, "optionuse", contract, option=option.pk, quantity=2)

    use = OptionUse.objects.get()
    assert "Done, the subscriber has been told." in page(response)
    assert (use.quantity, use.choice) == (2, "белая")
    assert Account.objects.get(pk=contract.pk).balance == 1400 - 220
    row = journal.of(contract).get()
    assert (row.actor, row.action) == (agent, "option_switched_on")
    assert Notice.objects.filter(contract=contract, kind="option_on").exists()


@pytest.mark.parametrize("model", ["optionuse", "offeruse", "suspension", "switch"])
def test_the_form_has_its_button_and_the_number_of_a_link(client, agent, contract, model):
    shown = page(client.get(reverse(f"admin:tariffs_{model}_add"), {"contract": contract.number}))

    assert 'name="_save"' in shown
    assert f'value="{contract.number}"' in shown or model == "suspension"


def test_sent_twice_it_is_switched_on_once(client, agent, contract):
    option, drawn = OptionFactory(fee=300), uuid4()

    for _ in range(2):
        post(client, "optionuse", contract, option=option.pk, quantity=1, drawn=drawn)

    assert OptionUse.objects.count() == 1
    assert Account.objects.get(pk=contract.pk).balance == 1400 - 110


def test_a_refusal_says_why_in_the_words_of_the_verb(client, agent, contract):
    dear = post(client, "optionuse", contract, option=OptionFactory(fee=9000).pk, quantity=1)
    too_many = post(client, "optionuse", contract, option=OptionFactory().pk, quantity=7)
    strange = post(client, "optionuse", contract, option=OptionFactory(audience="legal").pk, quantity=1)

    assert "1,900.00 ₽ is missing" in page(dear)
    assert "At most 1 of it can be had." in page(too_many)
    assert "The option is not sold to this contract" in page(strange)
    assert not OptionUse.objects.exists()


def test_switched_off_and_left_as_it_was_by_a_button(client, agent, contract):
    use = OptionUseFactory(contract=contract)
    off, keep = (reverse(f"admin:tariffs_optionuse_{name}", args=[use.pk]) for name in ("off", "keep"))

    shown = client.post(off, follow=True)
    until = OptionUse.objects.get().until
    client.post(keep)

    assert "Leave as it was" in page(shown)
    assert (until, OptionUse.objects.get().until) == (NEXT, None)
    assert [row.action for row in journal.of(contract).order_by("pk")] == ["option_switched_off", "option_kept"]


@pytest.mark.parametrize("name", ["off", "keep"])
def test_who_only_looks_switches_nothing(client, contract, name):
    sign_in(client, roles.ACCOUNTANT)
    use = OptionUseFactory(contract=contract)

    response = client.post(reverse(f"admin:tariffs_optionuse_{name}", args=[use.pk]))

    assert response.status_code == 403
    assert OptionUse.objects.get().until is None


def test_what_has_ended_has_no_button(client, agent, contract):
    use = OptionUseFactory(contract=contract, until=NOON.date(), ended_at=NOON)

    shown = page(client.get(reverse("admin:tariffs_optionuse_change", args=[use.pk])))

    assert "Switch off from the 1st" not in shown
    assert "Leave as it was" not in shown


def test_an_offer_is_taken_by_the_same_verb(client, agent, contract):
    offer = OfferFactory(percent=None, months=None, credit=300)

    response = post(client, "offeruse", contract, offer=offer.pk)

    assert "Done, the subscriber has been told." in page(response)
    assert Account.objects.get(pk=contract.pk).balance == 1700
    assert journal.of(contract).get().action == "offer_taken"


def test_an_offer_that_cannot_be_taken_says_why(client, agent, contract):
    new = post(client, "offeruse", contract, offer=OfferFactory(tenure_from=600).pk)
    strange = post(client, "offeruse", contract, offer=OfferFactory(audience="legal").pk)

    assert "600 months or longer" in page(new)
    assert "The offer is not meant for this contract" in page(strange)
    assert not OfferUse.objects.exists()


@pytest.mark.parametrize(("model", "what"), [("optionuse", OptionFactory), ("offeruse", OfferFactory)])
def test_contracts_of_other_cities_are_out_of_reach(client, agent, model, what):
    strange = ContractFactory(house__street__city=CityFactory(slug="votkinsk", name="Воткинск"))
    row = what()

    response = post(client, model, strange, **{model.removesuffix("use"): row.pk, "quantity": 1})

    assert response.status_code == 200
    assert not OptionUse.objects.exists()
    assert not OfferUse.objects.exists()


@pytest.mark.parametrize(("model", "used"), [("optionuse", OptionUseFactory), ("offeruse", OfferUseFactory)])
def test_a_contract_is_found_by_its_number_in_as_many_queries_for_many_rows(client, agent, model, used):
    use, address = used(), reverse(f"admin:tariffs_{model}_changelist")
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for _ in range(5):
        used()

    with CaptureQueriesContext(connection) as many:
        client.get(address)
    found = page(client.get(address, {"q": use.contract.number}))

    assert len(few) == len(many)
    assert found.count("field-contract") + found.count("field-__str__") == 1
