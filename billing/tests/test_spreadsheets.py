"""The statement as a table: what Excel opens, and what it must not run."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.utils import translation

from billing import spreadsheets, statements
from billing.models import EntryKind
from billing.statements import Period
from billing.tests.factories import account_of, put

NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))


def at(day: int) -> datetime:
    return datetime(2026, 11, day, 8, tzinfo=UTC)


def whole(account) -> str:
    return "".join(spreadsheets.of(account.contract, statements.of(account.contract, NOVEMBER)))


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(text.removeprefix("\ufeff").splitlines(keepends=True), delimiter=";"))


@pytest.mark.parametrize(
    "nasty",
    [
        '=HYPERLINK("http://evil.example";"click")',
        "+1+1",
        "-2+3",
        "@SUM(A1)",
        "|calc",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        "＝1+1",
        "＋1",
        "－1",
        "＠SUM(A1)",
        "  =1+1",
        "\u00a0=1+1",
        "\u200b=1+1",
        "\ufeff=1+1",
        "=cmd|'/c calc'!A0",
    ],
)
def test_a_text_that_would_be_a_formula_stays_text(nasty):
    assert spreadsheets.text(nasty) == f"'{nasty}"


@pytest.mark.parametrize("harmless", ["", "Домашний интернет 100 Мбит/с", "a=b", "1+1", "№ 5", "«Марк»", "'=1"])
def test_other_texts_stay_as_they_are(harmless):
    assert spreadsheets.text(harmless) == harmless


@pytest.mark.parametrize(
    ("amount", "written"),
    [("-1234.5", "-1234,50"), ("0", "0,00"), ("1000000", "1000000,00"), ("0.01", "0,01")],
)
def test_a_number_is_one_for_excel_in_russia(amount, written):
    assert spreadsheets.number(Decimal(amount)) == written


@pytest.mark.django_db
def test_the_table_has_the_opening_balance_each_line_and_the_closing_balance():
    account = account_of()
    put(account.pk, 1000, now=datetime(2026, 10, 5, tzinfo=UTC))
    put(account.pk, "-650.5", kind=EntryKind.MONTH, now=at(1), title="Интернет; 100 «Мбит»")
    put(account.pk, 200, kind=EntryKind.TOP_UP, now=at(5), title="")

    table = whole(account)

    assert table.startswith("\ufeff")
    assert rows(table) == [
        ["Date and time", "Kind", "For what", "Sum, ₽", "Balance after, ₽"],
        ["", "Opening balance", "", "", "1000,00"],
        ["01.11.2026 12:00", "monthly fee", "Интернет; 100 «Мбит»", "-650,50", "349,50"],
        ["05.11.2026 12:00", "top-up", "", "200,00", "549,50"],
        ["", "Closing balance", "", "", "549,50"],
    ]


@pytest.mark.django_db
def test_a_title_cannot_leave_its_cell():
    account = account_of()
    put(account.pk, 5, now=at(5), title='x";=1+1;"\r\n=2+2')

    table = rows(whole(account))

    assert [len(row) for row in table] == [5, 5, 5, 5]
    assert table[2][2] == 'x";=1+1;"\r\n=2+2'


@pytest.mark.django_db
def test_the_words_are_of_the_language_in_which_it_was_asked_for():
    account = account_of()
    put(account.pk, 5, kind=EntryKind.TOP_UP, now=at(5))

    with translation.override("ru"):
        parts = spreadsheets.of(account.contract, statements.of(account.contract, NOVEMBER))
    with translation.override("en"):
        table = rows("".join(parts))

    assert table[2][1] == "пополнение"


@pytest.mark.django_db
def test_a_long_statement_comes_in_parts(monkeypatch):
    monkeypatch.setattr(spreadsheets, "ROWS_AT_ONCE", 2)
    account = account_of()
    for _ in range(3):
        put(account.pk, 1, now=at(5))

    parts = list(spreadsheets.of(account.contract, statements.of(account.contract, NOVEMBER)))

    assert len(parts) == 3
    assert len(rows("".join(parts))) == 6
