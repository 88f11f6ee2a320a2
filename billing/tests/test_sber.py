"""Sberbank's dialect: every code, the masked particulars, repeats."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from accounts.models import Contract
from accounts.tests.at_once import at_once
from accounts.tests.factories import ContractFactory, HouseFactory, SubscriberFactory
from billing import gateways, terminals
from billing.gateways import sber
from billing.models import Account, GatewayMessage, LedgerEntry, Payment
from billing.tests.factories import charge_month, put
from billing.tests.terminals_asked import ask, read, signed

pytestmark = pytest.mark.django_db

ACCOUNT, ENDED = "600001", "600002"
CHECK = {"ACTION": "check", "ACCOUNT": ACCOUNT}
PAYMENT = {
    "ACTION": "payment",
    "ACCOUNT": ACCOUNT,
    "AMOUNT": "500.00",
    "PAY_ID": "100",
    "PAY_DATE": "20.11.2026_12:00:00",
}


@pytest.fixture
def contract():
    ContractFactory(number=ENDED, state=Contract.State.TERMINATED, ended_on=date(2026, 11, 1))
    return ContractFactory(number=ACCOUNT)


def without(asked, name):
    return {key: value for key, value in asked.items() if key != name}


def balance(contract):
    return Account.objects.get(pk=contract.pk).balance


CASES = [
    (CHECK, 0),
    (PAYMENT, 0),
    (PAYMENT | {"AMOUNT": "10.5"}, 0),
    (PAYMENT | {"AMOUNT": "1"}, 0),
    (PAYMENT | {"PAY_ID": "9" * 20}, 0),
    ({}, 2),
    (without(CHECK, "ACTION"), 2),
    (CHECK | {"ACTION": ""}, 2),
    (CHECK | {"ACTION": "pay"}, 2),
    (CHECK | {"ACTION": "CHECK"}, 2),
    (CHECK | {"ACCOUNT": "999999"}, 3),
    (PAYMENT | {"ACCOUNT": "999999"}, 3),
    (without(CHECK, "ACCOUNT"), 4),
    (CHECK | {"ACCOUNT": ""}, 4),
    (CHECK | {"ACCOUNT": "12345"}, 4),
    (PAYMENT | {"ACCOUNT": "60000a"}, 4),
    (PAYMENT | {"ACCOUNT": "６００００１"}, 4),
    (CHECK | {"ACCOUNT": ENDED}, 5),
    (PAYMENT | {"ACCOUNT": ENDED}, 5),
    (without(PAYMENT, "PAY_ID"), 6),
    (PAYMENT | {"PAY_ID": ""}, 6),
    (PAYMENT | {"PAY_ID": "-1"}, 6),
    (PAYMENT | {"PAY_ID": "9" * 21}, 6),
    (without(PAYMENT, "AMOUNT"), 9),
    (PAYMENT | {"AMOUNT": "10,00"}, 9),
    (PAYMENT | {"AMOUNT": "1e3"}, 9),
    (PAYMENT | {"AMOUNT": "NaN"}, 9),
    (PAYMENT | {"AMOUNT": "-5"}, 9),
    (PAYMENT | {"AMOUNT": "10.005"}, 9),
    (PAYMENT | {"AMOUNT": "9" * 21}, 9),
    (PAYMENT | {"AMOUNT": "0"}, 10),
    (PAYMENT | {"AMOUNT": "0.99"}, 10),
    (PAYMENT | {"AMOUNT": "100000.01"}, 11),
    (PAYMENT | {"AMOUNT": "99999999999999999999"}, 11),
    (without(PAYMENT, "PAY_DATE"), 12),
    (PAYMENT | {"PAY_DATE": "20261120120000"}, 12),
    (PAYMENT | {"PAY_DATE": "20.11.2026 12:00:00"}, 12),
    (PAYMENT | {"PAY_DATE": "31.02.2026_12:00:00"}, 12),
    (PAYMENT | {"PAY_DATE": "20.11.2026_24:00:00"}, 12),
    (PAYMENT | {"PAY_DATE": "1.11.2026_12:00:00"}, 12),
    (PAYMENT | {"PAY_DATE": "20.11.9999_12:00:00"}, 12),
]


@pytest.mark.parametrize(("asked", "code"), CASES)
def test_a_request_gets_its_code(client, contract, asked, code):
    answer = ask(client, "sber", asked)

    assert answer["CODE"] == str(code)
    assert answer["MESSAGE"]
    assert code == 0 or list(answer) == ["CODE", "MESSAGE"]
    assert Payment.objects.exists() == LedgerEntry.objects.exists() == (code == 0 and asked["ACTION"] == "payment")


def test_every_code_of_the_table_has_been_seen():
    seen = {code for _asked, code in CASES} | {1, 7, 8, 300}

    assert seen == set(sber.CODES.values()) | {sber.OK, sber.DUPLICATE} == {*range(13), 300}


def test_a_payment_is_answered_with_our_number_time_and_sum(client, contract):
    answer = ask(client, "sber", PAYMENT)

    payment = Payment.objects.get()
    assert list(answer) == ["CODE", "MESSAGE", "EXT_ID", "REG_DATE", "AMOUNT"]
    assert (answer["EXT_ID"], answer["AMOUNT"], balance(contract)) == (str(payment.pk), "500.00", 500)
    assert answer["REG_DATE"] == timezone.localtime(payment.created_at).strftime("%d.%m.%Y_%H:%M:%S")
    assert timezone.localtime(payment.paid_at).isoformat() == "2026-11-20T12:00:00+04:00"


def test_a_duplicate_gets_the_particulars_of_the_first(client, contract):
    first = ask(client, "sber", PAYMENT)

    again = ask(client, "sber", PAYMENT | {"PAY_DATE": "21.11.2026_12:00:00"})

    assert again["CODE"] == "8"
    assert [again[name] for name in ("EXT_ID", "REG_DATE", "AMOUNT")] == [
        first[name] for name in ("EXT_ID", "REG_DATE", "AMOUNT")
    ]
    assert balance(contract) == 500


@pytest.mark.parametrize("changes", [{"AMOUNT": "499.99"}, {"ACCOUNT": ENDED}, {"ACCOUNT": "999999"}])
def test_the_same_number_with_other_data_is_refused(client, contract, changes):
    ask(client, "sber", PAYMENT)

    assert ask(client, "sber", PAYMENT | changes)["CODE"] == "6"
    assert balance(contract) == 500


def test_a_payment_that_was_reversed_is_not_taken_again(client, contract):
    terminals.cancel(int(ask(client, "sber", PAYMENT)["EXT_ID"]), gateway="sber", now=timezone.now())

    assert ask(client, "sber", PAYMENT)["CODE"] == "7"
    assert balance(contract) == 0


# --- What a check tells ---------------------------------------------------------------------------------------------
def test_a_check_masks_the_person_and_the_address(client):
    house = HouseFactory(street__name="улица Карла Маркса", number="12А")
    person = SubscriberFactory(name="Мария Петровна Иванова-Сидорова")
    ContractFactory(number=ACCOUNT, house=house, flat="7", subscriber=person)

    answer = ask(client, "sber", CHECK)

    assert list(answer) == ["CODE", "MESSAGE", "FIO", "ADDRESS", "BALANCE", "REC_SUM"]
    assert answer["FIO"] == "М*** П*** И***-С***"
    assert answer["ADDRESS"] == "Izhevsk, улица К*** М***, house *"


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("Иванова М. П.", "И*** М***. П***."),
        ("ООО «Камский берег»", "О*** «К*** б***»"),
        ("ИП Ли & <Сын>", "И*** Л*** & <С***>"),
    ],
)
def test_a_name_keeps_its_first_letters(client, name, masked):
    ContractFactory(number=ACCOUNT, subscriber=SubscriberFactory(name=name))

    assert ask(client, "sber", CHECK)["FIO"] == masked


@pytest.mark.parametrize(("money", "told"), [("123.99", "123.00"), ("-0.01", "-1.00"), ("0", "0.00"), ("5", "5.00")])
def test_the_balance_is_rounded_down(client, contract, money, told):
    if Decimal(money):
        put(contract.pk, money)

    assert ask(client, "sber", CHECK)["BALANCE"] == told


def test_the_recommended_sum_is_what_is_missing_rounded_up(client, contract):
    put(contract.pk, 1000)
    charge_month(contract.pk, "650.40")

    assert ask(client, "sber", CHECK)["REC_SUM"] == "310.00"  # 650.40 - 349.60 = 300.80


def test_a_check_changes_nothing(client, contract):
    ask(client, "sber", CHECK | {"PAY_ID": "1", "AMOUNT": "500"})

    assert not LedgerEntry.objects.exists()
    assert not GatewayMessage.objects.exists()


# --- Faults, strangers, records -------------------------------------------------------------------------------------
@pytest.mark.parametrize(("error", "code"), [(OperationalError("gone"), "1"), (ZeroDivisionError(), "300")])
def test_faults_have_their_codes(client, contract, monkeypatch, error, code):
    def fail(*_args, **_kwargs):
        raise error

    monkeypatch.setattr(terminals, "find", fail)

    assert ask(client, "sber", CHECK)["CODE"] == code


def test_a_stranger_is_turned_away_and_recorded(client, contract):
    response = client.get("/pay/sber/", PAYMENT, headers=signed("sber"), REMOTE_ADDR="198.51.100.7")

    assert (response.status_code, read(response)["CODE"]) == (403, "7")
    assert GatewayMessage.objects.get().verdict == "refused"


def test_without_the_secret_nobody_is_heard(client, contract):
    response = client.get("/pay/sber/", PAYMENT)

    assert (response.status_code, read(response)["CODE"]) == (401, "7")
    assert not Payment.objects.exists()


def test_payments_are_recorded_with_their_verdicts(client, contract):
    for asked in (PAYMENT, PAYMENT, PAYMENT | {"AMOUNT": "1"}, CHECK):
        ask(client, "sber", asked)

    messages = GatewayMessage.objects.order_by("pk").values_list("verdict", "reason")

    assert list(messages) == [("accepted", ""), ("repeated", ""), ("refused", "6: other data 100")]


@pytest.mark.parametrize("value", ["<&>\"'", "]]>", "a\0b", "\x01", "\ufffe", "💥", "x" * 5_000], ids=ascii)
@pytest.mark.parametrize("method", ["get", "post"])
def test_nasty_values_get_wellformed_xml(client, contract, value, method):
    codes = [ask(client, "sber", PAYMENT | {name: value}, method=method)["CODE"] for name in PAYMENT]

    assert codes == ["2", "4", "9", "6", "12"]


def test_other_methods_are_not_allowed(client):
    assert client.put("/pay/sber/", headers=signed("sber")).status_code == 405


def test_it_is_a_gateway_that_offers_nothing_on_a_page():
    assert gateways.get("sber").methods == ()
    assert {gateway.name for gateway in gateways.offered()} & {"osmp", "sber"} == set()


@pytest.mark.django_db(transaction=True)
def test_the_same_number_fifty_times_at_once_is_one_credit():
    contract = ContractFactory(number=ACCOUNT)

    answers = at_once(50, lambda _n: ask(Client(), "sber", PAYMENT))

    assert sorted(answer["CODE"] for answer in answers) == ["0"] + ["8"] * 49
    assert {answer["EXT_ID"] for answer in answers} == {str(Payment.objects.get().pk)}
    assert balance(contract) == 500
