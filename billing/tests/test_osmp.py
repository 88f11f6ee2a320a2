"""The OSMP dialect: every code, every command, whatever is sent."""

from datetime import date
from decimal import Decimal
from urllib.parse import quote

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from accounts.models import Contract
from accounts.tests.at_once import at_once
from accounts.tests.factories import ContractFactory
from billing import gateways, terminals
from billing.gateways import osmp
from billing.models import Account, GatewayMessage, LedgerEntry, Payment
from billing.tests.factories import PaymentFactory, put
from billing.tests.terminals_asked import ask, read, signed

pytestmark = pytest.mark.django_db

ACCOUNT, ENDED = "600001", "600002"
PAY = {"command": "pay", "txn_id": "100", "account": ACCOUNT, "sum": "500.00", "txn_date": "20261120120000"}
CHECK = {"command": "check", "txn_id": "100", "account": ACCOUNT, "sum": "500.00"}


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
    (without(CHECK, "sum"), 0),
    (CHECK | {"sum": "10.5"}, 0),
    (PAY, 0),
    (PAY | {"sum": "500"}, 0),
    (PAY | {"sum": "10.5"}, 0),
    (PAY | {"sum": "1"}, 0),
    (PAY | {"sum": "100000.00"}, 0),
    (PAY | {"txn_id": "1"}, 0),
    (PAY | {"txn_id": "9" * 20}, 0),
    (PAY | {"command": "check"}, 0),
    (CHECK | {"account": ""}, 4),
    (CHECK | {"account": "12345"}, 4),
    (CHECK | {"account": "1234567890123"}, 4),
    (CHECK | {"account": "60000a"}, 4),
    (CHECK | {"account": " 600001"}, 4),
    (CHECK | {"account": "６００００１"}, 4),
    (CHECK | {"account": "600001\n"}, 4),
    (PAY | {"account": "x" * 10_000}, 4),
    (CHECK | {"account": "999999"}, 5),
    (PAY | {"account": "999999"}, 5),
    ({"command": "status", "txn_id": "777"}, 5),
    ({"command": "cancel", "prv_txn": "777"}, 5),
    (CHECK | {"account": ENDED}, 7),
    (PAY | {"account": ENDED}, 7),
    ({}, 202),
    (without(PAY, "command"), 202),
    (PAY | {"command": ""}, 202),
    (PAY | {"command": "PAY"}, 202),
    (PAY | {"command": "refund"}, 202),
    (without(CHECK, "txn_id"), 202),
    (without(CHECK, "account"), 202),
    (without(PAY, "txn_id"), 202),
    (without(PAY, "account"), 202),
    (without(PAY, "sum"), 202),
    (without(PAY, "txn_date"), 202),
    (PAY | {"txn_id": ""}, 202),
    (PAY | {"txn_id": "9" * 21}, 202),
    (PAY | {"txn_id": "-1"}, 202),
    (PAY | {"txn_id": "12a"}, 202),
    (PAY | {"sum": ""}, 202),
    (PAY | {"sum": "10,00"}, 202),
    (PAY | {"sum": "1e3"}, 202),
    (PAY | {"sum": "NaN"}, 202),
    (PAY | {"sum": "Infinity"}, 202),
    (PAY | {"sum": "-5"}, 202),
    (PAY | {"sum": "+5"}, 202),
    (PAY | {"sum": "10.005"}, 202),
    (PAY | {"sum": "10."}, 202),
    (PAY | {"sum": ".5"}, 202),
    (PAY | {"sum": "1 000"}, 202),
    (PAY | {"sum": "0x10"}, 202),
    (PAY | {"sum": "9" * 21}, 202),
    (CHECK | {"sum": "10,00"}, 202),
    (PAY | {"txn_date": ""}, 202),
    (PAY | {"txn_date": "20.11.2026_12:00:00"}, 202),
    (PAY | {"txn_date": "20260231120000"}, 202),
    (PAY | {"txn_date": "20261120126000"}, 202),
    (PAY | {"txn_date": "2026112012000"}, 202),
    (PAY | {"txn_date": "00010101000000"}, 202),
    (PAY | {"txn_date": "99991231235959"}, 202),
    (PAY | {"txn_date": "19991231235959"}, 202),
    ({"command": "status"}, 202),
    ({"command": "status", "txn_id": "x"}, 202),
    ({"command": "cancel"}, 202),
    ({"command": "cancel", "prv_txn": "x"}, 202),
    ({"command": "cancel", "prv_txn": "9" * 19}, 202),
    (CHECK | {"sum": "0.99"}, 241),
    (PAY | {"sum": "0"}, 241),
    (PAY | {"sum": "0.00"}, 241),
    (PAY | {"sum": "0.99"}, 241),
    (CHECK | {"sum": "100000.01"}, 242),
    (PAY | {"sum": "100000.01"}, 242),
    (PAY | {"sum": "99999999999999999999"}, 242),
]


@pytest.mark.parametrize(("asked", "code"), CASES)
def test_a_request_gets_its_code(client, contract, asked, code):
    answer = ask(client, "osmp", asked)

    assert answer["result"] == str(code)
    assert list(answer) == ["osmp_txn_id", "prv_txn", "sum", "result", "comment"]
    assert answer["comment"]


@pytest.mark.parametrize(("asked", "code"), [case for case in CASES if case[1] or case[0]["command"] == "check"])
def test_a_question_or_a_refusal_moves_no_money(client, contract, asked, code):
    ask(client, "osmp", asked)

    assert not LedgerEntry.objects.exists()
    assert not Payment.objects.exists()


def test_the_other_codes(client, contract):
    taken = ask(client, "osmp", PAY)
    cancelled = ask(client, "osmp", PAY | {"txn_id": "101"})
    ask(client, "osmp", {"command": "cancel", "prv_txn": cancelled["prv_txn"]})
    put(contract.pk, -400)

    codes = {
        "repeated": ask(client, "osmp", PAY)["result"],
        "another sum": ask(client, "osmp", PAY | {"sum": "499.99"})["result"],
        "cancelled before": ask(client, "osmp", PAY | {"txn_id": "101"})["result"],
        "spent": ask(client, "osmp", {"command": "cancel", "prv_txn": taken["prv_txn"]})["result"],
    }

    assert codes == {"repeated": "0", "another sum": "215", "cancelled before": "7", "spent": "8"}


def test_every_code_of_the_table_has_been_seen():
    seen = {code for _asked, code in CASES} | {215, 8, 1, 300}

    assert seen == set(osmp.CODES.values()) | {osmp.OK} == {0, 1, 4, 5, 7, 8, 202, 215, 241, 242, 300}


def test_a_payment_is_answered_with_our_number_for_it(client, contract):
    answer = ask(client, "osmp", PAY | {"sum": "10.5"})

    payment = Payment.objects.get()
    assert answer | {"comment": ""} == {
        "osmp_txn_id": "100",
        "prv_txn": str(payment.pk),
        "sum": "10.50",
        "result": "0",
        "comment": "",
    }
    assert balance(contract) == Decimal("10.50")


def test_the_date_is_a_local_time(client, contract):
    ask(client, "osmp", PAY | {"txn_date": "20261120235959"})

    assert timezone.localtime(Payment.objects.get().paid_at).isoformat() == "2026-11-20T23:59:59+04:00"


def test_a_repeat_gets_the_same_number_although_its_date_differs(client, contract):
    first = ask(client, "osmp", PAY)

    again = ask(client, "osmp", PAY | {"txn_date": "20261121120000", "sum": "500"})

    assert again == first
    assert balance(contract) == 500


def test_status_tells_what_became_of_a_payment(client, contract):
    paid = ask(client, "osmp", PAY)
    credited = ask(client, "osmp", {"command": "status", "txn_id": "100"})
    ask(client, "osmp", {"command": "cancel", "prv_txn": paid["prv_txn"]})

    cancelled = ask(client, "osmp", {"command": "status", "txn_id": "100"})

    assert credited == paid
    assert (cancelled["result"], cancelled["prv_txn"], cancelled["sum"]) == ("7", paid["prv_txn"], "500.00")


def test_cancelling_takes_the_money_back_and_repeats_its_answer(client, contract):
    paid = ask(client, "osmp", PAY)
    asked = {"command": "cancel", "prv_txn": paid["prv_txn"]}

    answers = [ask(client, "osmp", asked), ask(client, "osmp", asked)]

    assert answers[0] == answers[1]
    assert (answers[0]["result"], answers[0]["osmp_txn_id"], balance(contract)) == ("0", "100", 0)


def test_a_card_payment_is_not_cancelled_by_a_terminal(client, contract):
    card = PaymentFactory(state=Payment.State.SUCCEEDED)

    assert ask(client, "osmp", {"command": "cancel", "prv_txn": card.pk})["result"] == "5"


def test_a_request_may_come_as_a_form(client, contract):
    assert ask(client, "osmp", PAY, method="post")["result"] == "0"


def test_a_form_may_stand_beside_an_address(client, contract):
    response = client.post("/pay/osmp/?command=pay&txn_id=100", without(PAY, "command") | {}, headers=signed("osmp"))

    assert read(response)["result"] == "202"  # txn_id twice: which one is meant?
    assert not Payment.objects.exists()


@pytest.mark.parametrize("query", ["command=check&command=pay&txn_id=1&account=600001", "account=1&account=600001"])
def test_a_parameter_given_twice_is_refused(client, contract, query):
    assert read(client.get(f"/pay/osmp/?{query}", headers=signed("osmp")))["result"] == "202"


# --- What is recorded -----------------------------------------------------------------------------------------------
def test_payments_and_cancellations_are_recorded_with_their_verdicts(client, contract):
    paid = ask(client, "osmp", PAY)
    ask(client, "osmp", PAY)
    ask(client, "osmp", PAY | {"sum": "1"})
    ask(client, "osmp", {"command": "cancel", "prv_txn": paid["prv_txn"]})

    messages = list(GatewayMessage.objects.order_by("pk"))

    assert [message.verdict for message in messages] == ["accepted", "repeated", "refused", "accepted"]
    assert [message.reason for message in messages] == ["", "", "215: other data 100", ""]
    assert messages[0].payment == Payment.objects.get()
    assert "command=pay&txn_id=100" in messages[0].body


def test_questions_are_not_recorded(client, contract):
    ask(client, "osmp", CHECK)
    ask(client, "osmp", {"command": "status", "txn_id": "1"})

    assert not GatewayMessage.objects.exists()


def test_the_answer_stands_although_it_cannot_be_recorded(client, contract, monkeypatch):
    def fail(*_args, **_kwargs):
        raise OperationalError("gone")

    monkeypatch.setattr("billing.gateway_messages.record", fail)

    assert ask(client, "osmp", PAY)["result"] == "0"


# --- Faults ---------------------------------------------------------------------------------------------------------
def failing(error):
    def fail(*_args, **_kwargs):
        raise error

    return fail


def test_a_database_that_is_away_means_later(client, contract, monkeypatch):
    monkeypatch.setattr(terminals, "pay", failing(OperationalError("gone")))

    assert ask(client, "osmp", PAY)["result"] == "1"


def test_a_fault_of_ours_is_answered_and_logged(client, contract, monkeypatch, caplog):
    monkeypatch.setattr(terminals, "pay", failing(ZeroDivisionError("<&>")))

    answer = ask(client, "osmp", PAY)

    assert answer["result"] == "300"
    assert "terminal_failed" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_an_account_that_is_busy_means_later(client):
    from threading import Event, Thread

    from django.db import connection, connections, transaction

    contract = ContractFactory(number=ACCOUNT)
    held, done = Event(), Event()

    def hold():
        with transaction.atomic():
            Account.objects.lock(contract.pk)
            held.set()
            done.wait(10)
        connections.close_all()

    holder = Thread(target=hold)
    holder.start()
    held.wait(10)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
    try:
        busy = ask(client, "osmp", PAY)
    finally:
        done.set()
        holder.join()
        connection.close()
    free = ask(client, "osmp", PAY)

    assert (busy["result"], free["result"], balance(contract)) == ("1", "0", 500)


# --- Who may ask ----------------------------------------------------------------------------------------------------
def test_a_stranger_is_turned_away_and_recorded(client, contract):
    response = client.get("/pay/osmp/", PAY, headers=signed("osmp"), REMOTE_ADDR="198.51.100.7")

    assert (response.status_code, read(response)["result"]) == (403, "7")
    message = GatewayMessage.objects.get()
    assert (message.verdict, message.network_address) == ("refused", "198.51.100.7")
    assert message.reason == "7: stranger, another network"
    assert not Payment.objects.exists()


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic b3NtcDp3cm9uZw==",
        "Bearer b3NtcDpvc21wLW9ubHktZm9yLXRlc3Rz",
        "Basic 0K8=",
        "Basic я",
    ],
)
def test_without_the_secret_nobody_is_heard(client, contract, header):
    response = client.get("/pay/osmp/", PAY, headers={"Authorization": header} if header else {})

    assert (response.status_code, read(response)["result"]) == (401, "7")
    assert response["WWW-Authenticate"] == 'Basic realm="osmp"'
    assert not Payment.objects.exists()


def test_one_networks_secret_does_not_open_the_other(client, contract):
    assert client.get("/pay/osmp/", PAY, headers=signed("sber")).status_code == 401


def test_a_gateway_that_is_switched_off_hears_nobody(client, contract, settings):
    settings.TERMINALS = {}

    response = client.get("/pay/osmp/", PAY, headers=signed("osmp"))

    assert (response.status_code, read(response)["result"]) == (403, "7")


def test_an_address_mapped_into_ipv6_is_the_same_address(client, contract):
    assert ask(client, "osmp", CHECK, REMOTE_ADDR="::ffff:127.0.0.1")["result"] == "0"


def test_a_forged_forwarding_header_changes_nothing(client, contract):
    headers = signed("osmp") | {"X-Forwarded-For": "127.0.0.1"}

    assert client.get("/pay/osmp/", PAY, headers=headers, REMOTE_ADDR="198.51.100.7").status_code == 403


@pytest.mark.parametrize("method", ["put", "delete", "patch", "head", "options"])
def test_other_methods_are_not_allowed(client, contract, method):
    query = "&".join(f"{name}={value}" for name, value in PAY.items())

    response = getattr(client, method)(f"/pay/osmp/?{query}", headers=signed("osmp"))

    assert response.status_code == 405
    assert not Payment.objects.exists()


# --- Whatever is sent -----------------------------------------------------------------------------------------------
NASTY = ["<&>\"'", "]]>", "a\0b", "\x01\x1b", "\ufffe\uffff", "💥", "\u202e", "x" * 5_000, "%00", "&amp;"]


@pytest.mark.parametrize("value", NASTY, ids=ascii)
@pytest.mark.parametrize("method", ["get", "post"])
def test_nasty_values_get_wellformed_xml(client, contract, value, method):
    codes = {name: ask(client, "osmp", PAY | {name: value}, method=method)["result"] for name in PAY}

    assert codes == {"command": "202", "txn_id": "202", "account": "4", "sum": "202", "txn_date": "202"}
    assert not Payment.objects.exists()


@pytest.mark.parametrize("raw", ["%ed%a0%80", "%ff%fe", "%", "%zz", quote("\0")])
def test_bytes_that_are_no_text_get_wellformed_xml(contract, raw):
    client = Client(raise_request_exception=False)

    answers = [
        client.get(f"/pay/osmp/?command=pay&txn_id={raw}&account={raw}", headers=signed("osmp")),
        client.get(f"/pay/osmp/?{raw}={raw}", headers=signed("osmp")),
        client.post("/pay/osmp/", raw, content_type="application/x-www-form-urlencoded", headers=signed("osmp")),
        client.post("/pay/osmp/", b"--broken", content_type="multipart/form-data; boundary=x", headers=signed("osmp")),
        client.post("/pay/osmp/", b"no boundary", content_type="multipart/form-data", headers=signed("osmp")),
        client.post("/pay/osmp/", {f"f{n}": n for n in range(1_100)}, headers=signed("osmp")),
        client.post("/pay/osmp/", {"command": "x" * 3_000_000}, headers=signed("osmp")),
    ]

    assert {read(answer)["result"] for answer in answers} == {"202"}


def test_it_is_a_gateway_that_offers_nothing_on_a_page():
    gateway = gateways.get("osmp")

    assert gateway.methods == ()
    for call in (
        lambda: gateway.start(None, return_url=""),
        lambda: gateway.charge(None, None),
        lambda: gateway.read("1"),
        lambda: gateway.refund(None),
        lambda: gateway.send_receipt(None),
    ):
        with pytest.raises(gateways.NotOffered):
            call()
    with pytest.raises(gateways.Forged):
        gateway.verify(gateways.Notification("POST", {}, b"", None))


# --- At once --------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_the_same_number_fifty_times_at_once_is_one_credit():
    contract = ContractFactory(number=ACCOUNT)

    answers = at_once(50, lambda _n: ask(Client(), "osmp", PAY))

    assert {(answer["result"], answer["prv_txn"]) for answer in answers} == {("0", str(Payment.objects.get().pk))}
    assert balance(contract) == 500
    assert GatewayMessage.objects.filter(verdict="accepted").count() == 1
