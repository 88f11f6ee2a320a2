"""The statement on paper."""

from datetime import UTC, date, datetime

import pytest
from django.utils import translation

from billing import printing, statements, typesetting
from billing.models import EntryKind
from billing.statements import Period, StatementRefused
from billing.tests.factories import NOON, account_of, put

pytestmark = pytest.mark.django_db

NOVEMBER = Period(date(2026, 11, 1), date(2026, 11, 30))
TYPST = '#panic("x") *bold* $x^2$ \\ <label> // no comment #include "/etc/passwd" {{ 7*7 }} ₽'


def data_of(account):
    statement = statements.of(account.contract, NOVEMBER)
    lines = statements.with_balances(statement.opening, statements.lines(account.contract, NOVEMBER))
    return printing.statement_data(account.contract, statement, lines, now=NOON)


def test_the_paper_says_what_the_page_says():
    account = account_of()
    put(account.pk, 1000, now=datetime(2026, 10, 5, tzinfo=UTC))
    put(account.pk, -650, kind=EntryKind.MONTH, now=datetime(2026, 11, 1, 8, tzinfo=UTC), title="")

    data = data_of(account)

    assert data["facts"][0] == ["Contract", account.contract.number]
    assert data["facts"][3:] == [["Period", "01.11.2026 – 30.11.2026"], ["Made", "20.11.2026 12:00"]]
    assert data["sums"] == [
        ["Opening balance", "1,000.00\u00a0₽"],
        ["Monthly fee", "−650.00\u00a0₽"],
        ["Closing balance", "350.00\u00a0₽"],
    ]
    assert data["rows"] == [["01.11.2026 12:00", "Monthly fee", "−650.00\u00a0₽", "350.00\u00a0₽"]]
    assert "INN\u00a01899001001" in data["company"]["requisites"]


def test_what_people_wrote_is_text_and_not_source():
    account = account_of()
    put(account.pk, 5, now=NOON, title=TYPST)
    account.contract.subscriber.name = TYPST

    data = data_of(account)

    assert data["rows"][0][1] == TYPST
    assert len(typesetting.pages("statement", data)) == 1


def test_long_words_and_many_lines_make_more_pages():
    account = account_of()
    for _ in range(60):
        put(account.pk, 1, now=NOON, title="сверхдлинноесловобезпробелов" * 7)

    assert len(typesetting.pages("statement", data_of(account), ppi=20)) > 1


@pytest.mark.parametrize("language", ["ru", "en"])
def test_it_is_a_pdf_in_both_languages_with_and_without_lines(language):
    account = account_of()

    with translation.override(language):
        empty = printing.statement_pdf(account.contract, statements.of(account.contract, NOVEMBER), now=NOON)
        put(account.pk, 5, now=NOON)
        full = printing.statement_pdf(account.contract, statements.of(account.contract, NOVEMBER), now=NOON)

    assert empty.startswith(b"%PDF-")
    assert full.startswith(b"%PDF-")
    assert full != empty


def test_the_same_moment_makes_the_same_paper():
    account = account_of(balance=5)
    statement = statements.of(account.contract, NOVEMBER)

    assert len({printing.statement_pdf(account.contract, statement, now=NOON) for _ in range(2)}) == 1


def test_too_many_lines_are_refused(settings):
    settings.STATEMENT_PDF_LINES = 0
    account = account_of(balance=5)

    with pytest.raises(StatementRefused):
        printing.statement_pdf(account.contract, statements.of(account.contract, NOVEMBER), now=NOON)
