"""What stands on each paper: the data that its Typst source lays out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.dateformat import format as formatted
from django.utils.text import capfirst
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from accounts.models import Contract
from billing import payment_code, statements, typesetting
from billing.models import EntryKind, LedgerEntry
from billing.papers import Line, Paper
from billing.statements import Statement
from billing.templatetags.money import rubles, signed_rubles
from billing.vat import Vat
from billing.words import rubles_in_words

NO_BREAK = "\u00a0"


def statement_pdf(contract: Contract, statement: Statement, *, now: datetime) -> bytes:
    """In the language of the page. Raises StatementRefused for more lines than paper should hold."""
    statement.refuse_if_too_long_for_paper()
    entries = statements.with_balances(statement.opening, statements.lines(contract, statement.period))
    return typesetting.pdf("statement", statement_data(contract, statement, entries, now=now), now=now)


def statement_data(
    contract: Contract, statement: Statement, entries: Iterable[LedgerEntry], *, now: datetime
) -> dict[str, Any]:
    period = statement.period
    return {
        "lang": get_language(),
        "company": settings.COMPANY | {"requisites": _requisites()},
        "title": _("Statement of account"),
        "footer": _("Contract %(number)s") % {"number": contract.number},
        "page": _("page {page} of {pages}"),
        "facts": [
            [_("Contract"), contract.number],
            [_("Subscriber"), contract.subscriber.name],
            [_("Address"), contract.address],
            [_("Period"), f"{period.since:%d.%m.%Y} – {period.until:%d.%m.%Y}"],
            [_("Made"), f"{timezone.localtime(now):%d.%m.%Y %H:%M}"],
        ],
        "sums": [
            [_("Opening balance"), rubles(statement.opening)],
            *([capfirst(str(kind.kind.label)), signed_rubles(kind.amount)] for kind in statement.kinds),
            [_("Closing balance"), rubles(statement.closing)],
        ],
        "columns": [_("Date and time"), _("Operation"), _("Sum"), _("Balance after")],
        "rows": [_row(entry) for entry in entries],
        "nothing": _("There were no operations in these days."),
        "signature": [_("For the company"), settings.COMPANY["director"]],
    }


def _row(entry: LedgerEntry) -> list[str]:
    what = entry.title or capfirst(str(EntryKind(entry.kind).label))
    return [statements.local_moment(entry), what, signed_rubles(entry.amount), rubles(entry.balance_after)]


def _requisites() -> str:
    company = settings.COMPANY
    numbers = [(_("INN"), "inn"), (_("KPP"), "kpp"), (_("OGRN"), "ogrn")]
    return ", ".join(
        [*(f"{name}{NO_BREAK}{company[key]}" for name, key in numbers if company[key]), company["address"]]
    )


# An invoice and an act are papers of account, which Russian law wants in Russian whatever language the page has: their
# words stand here and in their sources as they are printed.


def invoice_pdf(paper: Paper, *, now: datetime) -> bytes:
    code = payment_code.text(settings.COMPANY, amount=paper.total, purpose=_purpose(paper))
    return typesetting.pdf("invoice", invoice_data(paper), now=now, picture=payment_code.svg(code))


def act_pdf(paper: Paper, *, now: datetime) -> bytes:
    return typesetting.pdf("act", act_data(paper), now=now)


@override("ru")
def invoice_data(paper: Paper) -> dict[str, Any]:
    common = _paper_data(paper, f"Счёт на оплату № {paper.number} от {_long(paper.dated)}")
    return common | {"facts": [["Поставщик", _seller()], ["Покупатель", _buyer(paper)], *_facts(paper)]}


@override("ru")
def act_data(paper: Paper) -> dict[str, Any]:
    common = _paper_data(paper, f"Акт № {paper.number} от {_long(paper.dated)} об оказании услуг")
    company = settings.COMPANY
    return common | {
        "facts": [["Исполнитель", _seller()], ["Заказчик", _buyer(paper)], *_facts(paper)],
        "seller": company["name"],
        "buyer": paper.contract.subscriber.name,
        "director": company["director"],
    }


def _paper_data(paper: Paper, title: str) -> dict[str, Any]:
    count = len(paper.lines)
    return {
        "lang": "ru",
        "company": settings.COMPANY,
        "title": title,
        "footer": f"Договор № {paper.contract.number}",
        "page": "стр. {page} из {pages}",
        "rows": [[str(place), *_service(paper, line)] for place, line in enumerate(paper.lines, 1)],
        "totals": [["Итого:", rubles(paper.total)], _vat_row(paper.vat)],
        "summary": f"Всего наименований {count}, на сумму {rubles(paper.total)}",
        "words": rubles_in_words(paper.total),
    }


def _service(paper: Paper, line: Line) -> list[str]:
    month = formatted(paper.month, "F Y").lower()
    names = {EntryKind.MONTH: f"Абонентская плата за {month} г.", EntryKind.CHARGE: "Дополнительные услуги"}
    title = line.title or names.get(line.kind, "Перерасчёт")
    return [title, str(line.count), "усл.", rubles(line.amount).removesuffix(f"{NO_BREAK}₽")]


def _vat_row(included: Vat | None) -> list[str]:
    return [f"В том числе НДС {included}:", rubles(included.amount)] if included else ["Без НДС:", "—"]


def _purpose(paper: Paper) -> str:
    tax = f"в т. ч. НДС {paper.vat} – {paper.vat.amount} руб." if paper.vat else "без НДС"
    number = paper.contract.number
    return f"Оплата по счёту {paper.number} от {paper.dated:%d.%m.%Y}, услуги связи по договору {number}, {tax}"


def _facts(paper: Paper) -> list[list[str]]:
    contract = paper.contract
    return [["Основание", f"Договор № {contract.number} от {_long(contract.started_on)}"]]


def _seller() -> str:
    return f"{settings.COMPANY['name']}, {_requisites()}"


def _buyer(paper: Paper) -> str:
    subscriber = paper.contract.subscriber
    numbers = [("ИНН", subscriber.opened_inn()), ("КПП", subscriber.kpp)]
    parts = [f"{name}{NO_BREAK}{value}" for name, value in numbers if value]
    return ", ".join([subscriber.name, *parts, paper.contract.address])


def _long(day: date) -> str:
    return f"{formatted(day, 'j E Y')} г."
