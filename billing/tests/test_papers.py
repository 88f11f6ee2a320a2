"""Invoices and acts by month."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from accounts.models import Contract, Subscriber
from accounts.tests.factories import ContractFactory, SubscriberFactory
from billing import papers, payment_code, printing, typesetting
from billing.models import EntryKind
from billing.papers import PaperRefused
from billing.seller import Months
from billing.tests.factories import NOON, put

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 20)
OCTOBER, NOVEMBER, DECEMBER = (date(2026, month, 1) for month in (10, 11, 12))
FEE = Months.same(Decimal(650))


@pytest.fixture
def company():
    subscriber = SubscriberFactory(kind=Subscriber.Kind.LEGAL_ENTITY, name="ООО «Ромашка»", kpp="189901001")
    subscriber.set_inn("1899001001")
    subscriber.save()
    return ContractFactory(subscriber=subscriber, started_on=date(2026, 9, 15))


def at(day: int, month: int) -> datetime:
    return datetime(2026, month, day, 8, tzinfo=UTC)


def fill(contract):
    """October: a fee, two visits, a refund, and money that is no service."""
    put(contract.pk, -650, kind=EntryKind.MONTH, now=at(1, 10), title="Офис 100")
    put(contract.pk, -400, kind=EntryKind.CHARGE, now=at(9, 10), title="Выезд мастера")
    put(contract.pk, -400, kind=EntryKind.CHARGE, now=at(10, 10), title="Выезд мастера")
    put(contract.pk, 50, kind=EntryKind.REFUND, now=at(12, 10), title="")
    put(contract.pk, 5000, kind=EntryKind.TOP_UP, now=at(13, 10))
    put(contract.pk, -120, kind=EntryKind.ADJUSTMENT, now=at(14, 10))
    put(contract.pk, -650, kind=EntryKind.MONTH, now=at(1, 11))


def test_an_act_sums_the_services_of_its_month_and_nothing_else(company):
    fill(company)

    act = papers.act(company, OCTOBER, today=TODAY)

    assert [(line.kind, line.title, line.count, line.amount) for line in act.lines] == [
        ("month", "Офис 100", 1, 650),
        ("charge", "Выезд мастера", 2, 800),
        ("refund", "", 1, -50),
    ]
    assert (act.number, act.dated, act.total) == (f"{company.number}-202610", date(2026, 10, 31), 1400)
    assert (act.vat.percent, act.vat.amount) == (22, Decimal("252.46"))


def test_a_month_under_way_has_no_act_until_it_is_over(company):
    fill(company)

    with pytest.raises(PaperRefused, match=r"from 1\s+December"):
        papers.act(company, NOVEMBER, today=TODAY)


def test_a_month_without_charges_has_no_act(company):
    with pytest.raises(PaperRefused, match="Nothing was charged"):
        papers.act(company, OCTOBER, today=TODAY)


def test_a_month_of_refunds_alone_has_no_act(company):
    put(company.pk, 50, kind=EntryKind.REFUND, now=at(12, 10))

    with pytest.raises(PaperRefused):
        papers.act(company, OCTOBER, today=TODAY)


def test_very_many_kinds_of_services_come_as_one_line_a_kind(company, monkeypatch):
    monkeypatch.setattr(papers, "LINES_MOST", 2)
    fill(company)
    put(company.pk, -10, kind=EntryKind.CHARGE, now=at(15, 10), title="Другая услуга")

    act = papers.act(company, OCTOBER, today=TODAY)

    assert [(line.kind, line.count, line.amount) for line in act.lines] == [
        ("month", 1, 650),
        ("charge", 3, 810),
        ("refund", 1, -50),
    ]


def test_the_invoice_of_the_coming_month_asks_for_the_fee(company):
    invoice = papers.invoice(company, DECEMBER, FEE, today=TODAY)

    assert (invoice.total, invoice.dated, invoice.number) == (650, NOVEMBER, f"{company.number}-202612")


def test_the_invoice_of_a_charged_month_asks_for_what_was_charged(company):
    fill(company)

    assert papers.invoice(company, OCTOBER, Decimal(999), today=TODAY).total == 650


def test_the_invoice_of_this_month_is_there_before_it_could_be_charged(company):
    assert papers.invoice(company, NOVEMBER, FEE, today=TODAY).total == 650


def test_the_first_invoice_is_not_older_than_the_contract(company):
    put(company.pk, -300, kind=EntryKind.MONTH, now=at(15, 9))

    assert papers.invoice(company, date(2026, 9, 1), FEE, today=TODAY).dated == date(2026, 9, 15)


def test_an_invoice_further_ahead_says_when_it_will_be_there(company):
    with pytest.raises(PaperRefused, match=r"from 1\s+December"):
        papers.invoice(company, date(2027, 1, 1), FEE, today=TODAY)


@pytest.mark.parametrize("month", [date(2026, 8, 1), OCTOBER, date(2000, 1, 1)])
def test_a_month_that_was_not_charged_has_no_invoice(company, month):
    with pytest.raises(PaperRefused, match="No monthly fee"):
        papers.invoice(company, month, FEE, today=TODAY)


def test_a_terminated_contract_gets_no_more_invoices(company):
    Contract.objects.filter(pk=company.pk).update(state=Contract.State.TERMINATED, ended_on=TODAY)
    company.refresh_from_db()

    with pytest.raises(PaperRefused):
        papers.invoice(company, DECEMBER, FEE, today=TODAY)


def test_the_list_offers_just_the_papers_that_can_be_made(company):
    fill(company)

    rows = papers.months(company, FEE, today=TODAY)

    assert [(row.month, row.invoice, row.act) for row in rows] == [
        (DECEMBER, 650, None),
        (NOVEMBER, 650, None),
        (OCTOBER, 650, 1400),
    ]
    for row in rows:
        assert papers.invoice(company, row.month, FEE, today=TODAY).total == row.invoice
    assert papers.act(company, OCTOBER, today=TODAY).total == rows[2].act


def test_a_month_is_a_local_month(company):
    put(company.pk, -650, kind=EntryKind.MONTH, now=datetime(2026, 9, 30, 20, 10, tzinfo=UTC))  # 00:10 in Izhevsk

    assert papers.act(company, OCTOBER, today=TODAY).total == 650


def test_the_act_is_written_in_russian_whatever_the_page_is(company):
    fill(company)

    data = printing.act_data(papers.act(company, OCTOBER, today=TODAY))

    assert data["title"] == f"Акт № {company.number}-202610 от 31 октября 2026 г. об оказании услуг"
    assert data["rows"] == [
        ["1", "Офис 100", "1", "усл.", "650,00"],
        ["2", "Выезд мастера", "2", "усл.", "800,00"],
        ["3", "Перерасчёт", "1", "усл.", "−50,00"],
    ]
    assert data["totals"] == [
        ["Итого:", "1\u202f400,00\u00a0₽"],
        ["В том числе НДС 22\u00a0%:", "252,46\u00a0₽"],
    ]
    assert data["words"] == "Одна тысяча четыреста рублей 00 копеек"
    assert data["facts"][1][1].startswith("ООО «Ромашка», ИНН\u00a01899001001, КПП\u00a0189901001, ")


def test_a_company_without_vat_says_so(company, settings):
    settings.VAT_RATES = []

    data = printing.invoice_data(papers.invoice(company, DECEMBER, FEE, today=TODAY))

    assert data["totals"][1][0] == "Без НДС:"


def test_the_invoice_carries_its_sum_and_purpose_in_its_code(company, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        payment_code,
        "svg",
        lambda text: drawn.append(text) or "<svg xmlns='http://www.w3.org/2000/svg' width='1' height='1'/>",
    )

    printing.invoice_pdf(papers.invoice(company, DECEMBER, FEE, today=TODAY), now=NOON)

    assert "|Sum=65000|" in drawn[0]
    number = f"{company.number}-202612"
    assert f"|Purpose=Оплата по счёту {number} от 01.11.2026, услуги связи по договору {company.number}" in drawn[0]


def test_both_papers_are_pdf_of_one_page(company):
    fill(company)
    invoice, act = papers.invoice(company, DECEMBER, FEE, today=TODAY), papers.act(company, OCTOBER, today=TODAY)

    assert printing.invoice_pdf(invoice, now=NOON).startswith(b"%PDF-")
    assert printing.act_pdf(act, now=NOON).startswith(b"%PDF-")
    code = payment_code.svg("ST00012|Name=x")
    assert len(typesetting.pages("invoice", printing.invoice_data(invoice), picture=code)) == 1
    assert len(typesetting.pages("act", printing.act_data(act))) == 1
