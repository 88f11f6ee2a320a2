"""The state of an account by contract number, without signing in."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import Contract
from accounts.tests.factories import ContractFactory
from billing import ledger
from billing.models import EntryKind

pytestmark = pytest.mark.django_db

URL = reverse("billing:public_balance")


@pytest.fixture
def contract():
    contract = ContractFactory(number="100001", subscriber__name="Secret Name")
    ledger.post(contract.pk, kind=EntryKind.TOP_UP, amount=Decimal("321.09"), key="p", now=datetime.now(UTC))
    return contract


def ask(client, number):
    return client.post(URL, {"number": number})


def test_it_tells_the_sum_and_nothing_of_the_person(client, contract):
    page = ask(client, "100001").content.decode()

    assert "321.09" in page
    assert not any(secret in page for secret in ("Secret Name", contract.house.street.name))


def test_an_unknown_and_a_terminated_number_get_an_answer_of_the_same_shape(client, contract):
    ContractFactory(number="100002", state=Contract.State.TERMINATED, ended_on=date(2026, 1, 1))

    answers = [ask(client, number) for number in ("100002", "999999")]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert [answer.context["answer"].sum for answer in answers] == [None, None]
    token = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"')
    numbers = ("100002", "999999")
    bodies = [
        token.sub("", answer.content.decode()).replace(number, "")
        for answer, number in zip(answers, numbers, strict=True)
    ]
    assert bodies[0] == bodies[1]


def test_no_cache_keeps_it(client, contract):
    assert "no-store" in ask(client, "100001")["Cache-Control"]


def test_a_number_in_the_address_is_not_answered(client, contract):
    assert "321.09" not in client.get(URL, {"number": "100001"}).content.decode()


def test_a_network_is_limited(client, contract):
    answers = [ask(client, "100001").status_code for _try in range(11)]

    assert answers == [200] * 10 + [429]


@pytest.mark.parametrize("number", ["", "abc", "1" * 100_000, "12345", "１００００１", "100001'--", ["1", "2"]])
def test_bad_input_is_refused_with_a_message(client, number):
    response = ask(client, number)

    assert response.status_code == 422
    assert response.context["form"].errors
