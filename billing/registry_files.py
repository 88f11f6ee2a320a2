"""Reading a terminal network's register: a CSV of one day, every line checked before anything is written."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.utils import timezone
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

MAX_BYTES, MAX_LINES, MAX_LINE = 4 * 2**20, 20_000, 1_000
ERRORS_SHOWN = 50

COLUMNS = {
    "number": {"number", "txn_id", "pay_id", "номер", "номер платежа"},
    "contract": {"contract", "account", "договор", "лицевой счёт", "лицевой счет"},
    "amount": {"sum", "amount", "сумма"},
    "paid_at": {"date", "txn_date", "pay_date", "дата", "дата и время"},
}
NUMBER, CONTRACT = re.compile(r"[0-9]{1,20}"), re.compile(r"[0-9]{1,20}")
AMOUNT = re.compile(r"[0-9]{1,9}([.,][0-9]{1,2})?")
MOMENTS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y_%H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%Y%m%d%H%M%S",
)
SAMPLE = """number;contract;sum;date
1234567890;100001;500.00;20.11.2026 12:05:00
1234567891;100002;1200,50;20.11.2026 18:40:11
"""

ERRORS = {
    "long": _("the line is too long"),
    "quotes": _("a quotation mark is missing or stands in a wrong place"),
    "columns": _("it has more or fewer columns than the header"),
    "number": _("the number of the payment is one to twenty digits"),
    "contract": _("the contract number is digits"),
    "amount": _("the sum is above zero, with two decimals at most"),
    "paid_at": _("the date is written like 20.11.2026 12:05:00"),
    "day": _("the payment is of another day"),
    "repeat": _("this number stands in the file already"),
}


@dataclass(frozen=True)
class Row:
    number: str
    contract_number: str
    amount: Decimal
    paid_at: datetime


class FileRefused(Exception):
    """`messages` say what to mend, for the whole file or line by line."""

    def __init__(self, *messages: str) -> None:
        super().__init__(messages[0])
        self.messages = messages


class _BadLine(Exception):
    def __init__(self, reason: str, value: str) -> None:
        self.reason, self.value = reason, value[:60]


def rows_of(raw: bytes, *, day: date) -> list[Row]:
    """Every payment of the register of a local day. Raises FileRefused: one bad line keeps the whole file out."""
    lines = _lines(_text(raw))
    _number, header = next(lines, (1, ""))
    delimiter, places = _layout(header)
    rows: dict[str, Row] = {}
    errors: list[str] = []
    for number, line in lines:
        try:
            row = _row(line, delimiter, places, day=day)
            if row.number in rows:
                raise _BadLine("repeat", row.number)
            rows[row.number] = row
        except _BadLine as bad:
            errors.append(_t("Line %(line)s: %(what)s («%(value)s»).") % _said(number, bad))
        if len(rows) > MAX_LINES:
            raise FileRefused(_t("The file has more than 20,000 lines: is it the register of one day?"))
        if len(errors) >= ERRORS_SHOWN:
            raise FileRefused(*errors, _t("There may be more errors below."))
    if errors:
        raise FileRefused(*errors)
    return list(rows.values())


def _said(number: int, bad: _BadLine) -> dict[str, object]:
    return {"line": number, "what": ERRORS[bad.reason], "value": bad.value}


def _text(raw: bytes) -> str:
    if len(raw) > MAX_BYTES:
        raise FileRefused(_t("The file is larger than 4 MB: is it the register of one day?"))
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Any bytes are some text in cp1251, but for one that it leaves undefined.
        text = raw.decode("cp1251", errors="replace")
    if "\0" in text:
        raise FileRefused(_t("This is not a text file."))
    return text


def _lines(text: str) -> Iterator[tuple[int, str]]:
    numbered = enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1)
    return ((number, line) for number, line in numbered if line.strip())


def _layout(header: str) -> tuple[str, list[str]]:
    """What separates the columns, and what each of them is; columns with other names are passed over."""
    delimiter = ";" if ";" in header[:MAX_LINE] else ","
    names = [name.strip(' "\t').lower() for name in header[:MAX_LINE].split(delimiter)]
    places = [next((field for field, aliases in COLUMNS.items() if name in aliases), "") for name in names]
    if sorted(filter(None, places)) != sorted(COLUMNS):
        raise FileRefused(_t("The first line must be a header with the columns number, contract, sum and date."))
    return delimiter, places


def _row(line: str, delimiter: str, places: list[str], *, day: date) -> Row:
    """A payment never spans lines, so each is read apart: a lost quotation mark spoils one line only."""
    if len(line) > MAX_LINE:
        raise _BadLine("long", line)
    try:
        cells = next(csv.reader([line], delimiter=delimiter, strict=True, skipinitialspace=True))
    except csv.Error:
        raise _BadLine("quotes", line) from None
    if len(cells) != len(places):
        raise _BadLine("columns", line)
    told = {field: cell.strip() for field, cell in zip(places, cells, strict=True) if field}
    for field, pattern in (("number", NUMBER), ("contract", CONTRACT), ("amount", AMOUNT)):
        if not pattern.fullmatch(told[field]):
            raise _BadLine(field, told[field])
    amount = Decimal(told["amount"].replace(",", "."))
    if not amount:
        raise _BadLine("amount", told["amount"])
    return Row(told["number"], told["contract"], amount, _moment(told["paid_at"], day=day))


def _moment(text: str, *, day: date) -> datetime:
    for pattern in MOMENTS:
        try:
            told = datetime.strptime(text, pattern)  # noqa: DTZ007
        except ValueError:
            continue
        if told.date() != day:
            raise _BadLine("day", text)
        return timezone.make_aware(told)
    raise _BadLine("paid_at", text)
