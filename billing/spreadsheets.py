"""A statement as a table for Excel: CSV as Excel opens it in Russia, in which no text can become a formula."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal

from django.utils.translation import gettext as _

from accounts.models import Contract
from billing import statements
from billing.models import EntryKind, LedgerEntry
from billing.statements import Statement

# Without it Excel takes UTF-8 for the code page of its Windows.
BYTE_ORDER_MARK = "\ufeff"
# What Excel, LibreOffice or Google Sheets start a formula with, their full-width forms among them.
FORMULA_STARTS = tuple("=+-@|%\t\r\n\0＝＋－＠")
ROWS_AT_ONCE = 500


class _Echo:
    """A file for the CSV writer that gives each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def text(value: str) -> str:
    """A cell of text that stays text: an apostrophe stands before what would start a formula, after spaces too."""
    return f"'{value}" if value.lstrip(" \u00a0\u200b\ufeff").startswith(FORMULA_STARTS) else value


def number(amount: Decimal) -> str:
    """«-1234,50»: Excel in Russia reads a number with a comma, an ordinary minus and no spaces."""
    return f"{amount:.2f}".replace(".", ",")


def of(contract: Contract, statement: Statement) -> Iterator[str]:
    """The whole statement, in parts to be sent as they come; the language is the one of this call.

    Balances count up from the opening one, so the closing one fits the lines whatever is posted meanwhile.
    """
    header = [_("Date and time"), _("Kind"), _("For what"), _("Sum, ₽"), _("Balance after, ₽")]
    opening = ["", text(_("Opening balance")), "", "", number(statement.opening)]
    kinds = {kind: str(label) for kind, label in EntryKind.choices}
    closing = _("Closing balance")
    entries = statements.lines(contract, statement.period).iterator(chunk_size=ROWS_AT_ONCE)
    return _parts([header, opening], statement, entries, kinds, closing)


def _parts(
    head: list[list[str]], statement: Statement, entries: Iterator[LedgerEntry], kinds: dict[str, str], closing: str
) -> Iterator[str]:
    # A generator runs after the request's language is gone, so every word was taken before.
    writer = csv.writer(_Echo(), delimiter=";", lineterminator="\r\n")
    part = [BYTE_ORDER_MARK, *(writer.writerow(row) for row in head)]
    balance = statement.opening
    for entry in statements.with_balances(statement.opening, entries):
        balance = entry.balance_after
        part.append(writer.writerow(_row(entry, kinds)))
        if len(part) >= ROWS_AT_ONCE:
            yield "".join(part)
            part = []
    part.append(writer.writerow(["", text(closing), "", "", number(balance)]))
    yield "".join(part)


def _row(entry: LedgerEntry, kinds: dict[str, str]) -> list[str]:
    return [
        statements.local_moment(entry),
        text(kinds[entry.kind]),
        text(entry.title),
        number(entry.amount),
        number(entry.balance_after),
    ]
