"""A register compared with our payments."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import journal, roles
from accounts.models import Contract
from accounts.staff import sees_every_city
from accounts.tests.at_once import at_once
from accounts.tests.factories import CityFactory, ContractFactory, StaffFactory
from billing import registries, registry_files, terminals
from billing.models import LedgerEntry, Payment, Registry, RegistryLine
from billing.registries import RegistryRefused
from billing.registry_files import FileRefused, Row
from billing.tests.factories import NOON

DAY, MORNING_AFTER = date(2026, 11, 20), NOON + timedelta(hours=20)
GOOD = "number;contract;sum;date\n1;600001;500.00;20.11.2026 12:05:00\n2;600002;10,5;20.11.2026 00:00:00\n"
Difference = RegistryLine.Difference

pytestmark = pytest.mark.django_db


def paid(contract, *, txn="1", amount=500, at=NOON, gateway="osmp"):
    return terminals.pay(
        contract.number, gateway=gateway, number=txn, amount=Decimal(amount), paid_at=at, now=at
    ).payment


def row(number="1", contract_number="600001", amount=500, at=NOON):
    return Row(number, contract_number, Decimal(amount), at)


def accept(*rows, gateway="osmp", day=DAY, by=None, now=MORNING_AFTER):
    return registries.accept(
        gateway=gateway, day=day, file_name="osmp.csv", rows=list(rows), by=by or StaffFactory(), now=now
    )


def differences(registry):
    return dict(registry.lines.values_list("number", "difference"))


# --- The file -------------------------------------------------------------------------------------------------------
def read(text, **kwargs):
    return registry_files.rows_of(text if isinstance(text, bytes) else text.encode(), day=DAY, **kwargs)


def test_lines_become_rows_with_local_times():
    rows = read(GOOD)

    assert [(one.number, one.contract_number, one.amount) for one in rows] == [
        ("1", "600001", Decimal("500.00")),
        ("2", "600002", Decimal("10.5")),
    ]
    assert rows[0].paid_at == NOON + timedelta(minutes=5)


@pytest.mark.parametrize(
    "text",
    [
        'number,contract,sum,date\n1,600001,"500,00",2026-11-20 12:05:00\n',
        "PAY_ID;ACCOUNT;AMOUNT;PAY_DATE\n1;600001;500;20.11.2026_12:05:00\n",
        "txn_id;account;sum;txn_date\r\n1;600001;500.00;20261120120500\r\n\r\n",
        "\ufeffНомер;Договор;Сумма;Дата\n1;600001;500,00;20.11.2026 12:05\n",
        "date;terminal;number;sum;contract\n2026-11-20T12:05:00;«Айкай», касса 4;1;500;600001\n",
        "Номер;Лицевой счёт;Сумма;Дата и время\n1;600001;500,00;20.11.2026 12:05:00\n".encode("cp1251"),
    ],
)
def test_usual_kinds_of_csv_are_read(text):
    assert read(text) == [row(at=NOON + timedelta(minutes=5))]


def test_a_day_without_payments_is_a_register_too():
    assert read("number;contract;sum;date\n") == []


def test_the_sample_is_a_good_file():
    assert len(read(registry_files.SAMPLE)) == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "header"),
        ("1;600001;500;20.11.2026 12:05:00\n", "header"),
        ("number;contract;sum\n", "header"),
        ("number;number;contract;sum;date\n", "header"),
        ("number;contract;sum;date\n1;2;3;\0\n", "text file"),
        (GOOD.encode("utf-16"), "text file"),
        (b"x" * (4 * 2**20 + 1), "4 MB"),
    ],
)
def test_a_file_that_is_no_register_is_refused(text, message):
    with pytest.raises(FileRefused, match=message):
        read(text)


def test_too_many_lines_are_refused():
    lines = "".join(f"{number};600001;1;20.11.2026 12:05:00\n" for number in range(20_001))

    with pytest.raises(FileRefused, match="20,000"):
        read("number;contract;sum;date\n" + lines)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("x;600001;500;20.11.2026 12:05:00", "number"),
        (f"{'9' * 21};600001;500;20.11.2026 12:05:00", "number"),
        ("3;;500;20.11.2026 12:05:00", "contract"),
        ("3;6000O1;500;20.11.2026 12:05:00", "contract"),
        ("3;600001;0;20.11.2026 12:05:00", "amount"),
        ("3;600001;-5;20.11.2026 12:05:00", "amount"),
        ("3;600001;1e3;20.11.2026 12:05:00", "amount"),
        ("3;600001;10.005;20.11.2026 12:05:00", "amount"),
        ("3;600001;9999999999;20.11.2026 12:05:00", "amount"),
        ("3;600001;500;20.11.2026", "paid_at"),
        ("3;600001;500;31.11.2026 12:05:00", "paid_at"),
        ("3;600001;500;21.11.2026 00:00:00", "day"),
        ("1;600001;500;20.11.2026 12:05:00", "repeat"),
        ("3;600001;500", "columns"),
        ('3;"600001;500;20.11.2026 12:05:00', "quotes"),
        ("3" * 1001, "long"),
    ],
)
def test_a_bad_line_is_named_with_its_reason(line, reason):
    with pytest.raises(FileRefused) as refusal:
        read(GOOD + line + "\n")

    assert len(refusal.value.messages) == 1
    assert refusal.value.messages[0].startswith(f"Line 4: {registry_files.ERRORS[reason]} («")


def test_fifty_errors_are_enough():
    with pytest.raises(FileRefused) as refusal:
        read("number;contract;sum;date\n" + "x;y;z;\n" * 900)

    assert len(refusal.value.messages) == 51


# --- The comparison -------------------------------------------------------------------------------------------------
def test_every_difference_is_found():
    ContractFactory(number="600001")
    other = ContractFactory(number="600002")
    agreeing, other_sum, extra = (paid(other, txn=txn) for txn in ("1", "2", "5"))
    other_contract = paid(other, txn="4")

    registry = accept(
        row("1", "600002"),
        row("2", "600002", 400),
        row("3"),
        row("4", "600001"),
        row("6", "999999"),
        row("7", "1" * 20),
    )

    assert differences(registry) == {
        "1": Difference.NONE,
        "2": Difference.SUM,
        "3": Difference.MISSING,
        "4": Difference.CONTRACT,
        "5": Difference.EXTRA,
        "6": Difference.UNKNOWN,
        "7": Difference.UNKNOWN,
    }
    payments = dict(registry.lines.values_list("number", "payment"))
    assert [payments[n] for n in "1245"] == [agreeing.pk, other_sum.pk, other_contract.pk, extra.pk]


def test_a_cancelled_payment_is_missing_when_the_register_has_it():
    contract = ContractFactory(number="600001")
    terminals.cancel(paid(contract).pk, gateway="osmp", now=NOON)

    assert differences(accept(row())) == {"1": Difference.MISSING}


def test_a_cancelled_payment_that_the_register_does_not_have_agrees():
    terminals.cancel(paid(ContractFactory()).pk, gateway="osmp", now=NOON)

    assert differences(accept()) == {}


def test_only_the_days_and_the_networks_own_payments_are_extra():
    contract = ContractFactory()
    midnight = NOON - timedelta(hours=12)
    for txn, at in (("1", midnight - timedelta(seconds=1)), ("2", midnight), ("3", midnight + timedelta(days=1))):
        paid(contract, txn=txn, at=at)
    paid(contract, txn="4", gateway="sber")

    assert differences(accept()) == {"2": Difference.EXTRA}


def test_a_payment_in_another_days_register_is_not_extra():
    contract = ContractFactory(number="600001")
    paid(contract)
    accept(row(at=NOON + timedelta(days=1)), day=DAY + timedelta(days=1), now=NOON + timedelta(days=3))

    assert differences(accept()) == {}


def test_comparing_moves_no_money():
    ContractFactory(number="600001")

    accept(row(), row("2", "999999"))

    assert not LedgerEntry.objects.exists()
    assert not Payment.objects.exists()


def test_totals_count_lines_and_sums():
    contract = ContractFactory(number="600001")
    paid(contract, txn="1")
    paid(contract, txn="2", amount=300)
    registry = accept(row("1"), row("3", amount=70))

    totals = [(one.label, one.count, one.told, one.ours, one.corrected) for one in registries.totals(registry)]

    assert totals == [
        ("agrees", 1, 500, 500, 0),
        ("not with us", 1, 70, 0, 0),
        ("not in the register", 1, 0, 300, 0),
        ("in all", 3, 570, 800, 0),
    ]


def test_an_empty_register_has_totals():
    assert [(one.label, one.count) for one in registries.totals(accept())] == [("in all", 0)]


# --- Uploading again ------------------------------------------------------------------------------------------------
def test_an_uncorrected_register_is_replaced():
    ContractFactory(number="600001")
    accept(row("1"), row("2"))

    registry = accept(row("3"))

    assert Registry.objects.get() == registry
    assert differences(registry) == {"3": Difference.MISSING}


def test_a_corrected_register_stays():
    registry = accept(row())
    registry.lines.update(corrected_at=NOON, corrected_by=StaffFactory())

    with pytest.raises(RegistryRefused, match="corrected already"):
        accept(row("3"))

    assert differences(registry) == {"1": Difference.UNKNOWN}


@pytest.mark.parametrize("now", [NOON, NOON + timedelta(hours=11, minutes=59)])
def test_a_day_that_is_not_over_has_no_register(now):
    with pytest.raises(RegistryRefused, match="not over"):
        accept(now=now)


def test_the_journal_names_who_uploaded_what():
    registry = accept(row())

    entry = journal.of(registry).get()

    assert (entry.actor, entry.action, entry.changes) == (
        registry.uploaded_by,
        "register_uploaded",
        {"file": "osmp.csv", "lines": 1},
    )


@pytest.mark.django_db(transaction=True)
def test_one_register_uploaded_ten_times_at_once_is_kept_once():
    user = StaffFactory()

    answers = at_once(10, lambda _n: accept(row("1"), row("2"), by=user))

    assert Registry.objects.count() == 1
    assert RegistryLine.objects.count() == 2
    assert {type(answer) for answer in answers} <= {Registry, RegistryRefused}


def test_queries_do_not_grow_with_the_lines():
    ContractFactory(number="600001")

    def queries(count):
        with CaptureQueriesContext(
            connection,
        ) as seen:
            accept(*(row(str(number)) for number in range(count)))
        return len(seen)

    queries(1)
    assert queries(5) == queries(1_500)


# --- Who may --------------------------------------------------------------------------------------------------------
def test_only_staff_of_every_city_handle_registers():
    izhevsk, votkinsk = CityFactory(), CityFactory(slug="votkinsk", name="Воткинск", name_en="Votkinsk")

    assert sees_every_city(StaffFactory(role=roles.ACCOUNTANT, in_cities=[izhevsk, votkinsk]))
    assert not sees_every_city(StaffFactory(role=roles.ACCOUNTANT, in_cities=[izhevsk]))
    assert not sees_every_city(StaffFactory(role=roles.ACCOUNTANT))


def test_terminated_contracts_are_contracts():
    ContractFactory(number="600001", state=Contract.State.TERMINATED, ended_on=DAY)

    assert differences(accept(row())) == {"1": Difference.MISSING}
