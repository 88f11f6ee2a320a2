"""Importing streets and houses from a CSV: the file is checked whole, then written whole or not at all.

A worker may die anywhere. Whatever it was doing, the row still says «checking» or «writing»; after DEAD_AFTER another
run may claim it, and the old one, if it lives after all, finds the run number changed and leaves without a trace.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from accounts import house_numbers, journal
from accounts.models import AddressImport, City, House, Street, User

MAX_BYTES, MAX_LINES, MAX_LINE = 10 * 2**20, 500_000, 1_000
LONGEST_STREET = Street._meta.get_field("name").max_length or 0
LONGEST_HOUSE = House._meta.get_field("number").max_length or 0
ERRORS_SHOWN = 200
PROGRESS_EVERY = 5_000  # lines
CHUNK = 10_000  # rows in one INSERT
RUNS_BY_ITSELF = 5
SENT_AGAIN_AFTER = timedelta(minutes=1)
DEAD_AFTER = timedelta(minutes=6)  # longer than the worker's time limit for a task

COLUMNS = {"street": "street", "улица": "street", "house": "house", "дом": "house"}
ERRORS = {
    "line_long": _("The line is too long."),
    "quotes": _("A quotation mark is missing or stands in a wrong place."),
    "columns": _("There must be two columns: street and house."),
    "street_empty": _("The street is missing."),
    "street_long": _("The name of the street is too long."),
    "house": _("The house number must start with a figure: 12, 12А, 12 к2, 12/3."),
    "house_long": _("The house number is too long."),
}
State = AddressImport.State
Address = tuple[str, str]


class FileRefused(Exception):
    """The file as a whole cannot be an import."""


class ImportRuns(Exception):
    """The import is over, or somebody works on it now."""


class _Superseded(Exception):
    """Another run has this import."""


class _BadLine(Exception):
    def __init__(self, message_id: str, value: str) -> None:
        self.message_id, self.value = message_id, value[:60]


@transaction.atomic
def accept(row: AddressImport, text: str, *, author: User, now: datetime) -> None:
    """Keep an import with its city, its file name and the `text_of` its file; a worker is sent for once it commits."""
    row.content, row.lines_total = text, _count(text)
    row.author, row.created_at = author, now
    row.save(force_insert=True)
    _send(row.pk)


def text_of(raw: bytes) -> str:
    """The text of a usable file, with Unix line ends. Raises FileRefused with what to do about it."""
    if len(raw) > MAX_BYTES:
        raise FileRefused(_t("The file is larger than 10 MB. Split it."))
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        raise FileRefused(_t("The file is not in UTF-8. In Excel choose «CSV UTF-8» when saving.")) from None
    if "\0" in text:
        raise FileRefused(_t("This is not a text file."))
    _layout(text)
    if not (count := _count(text)):
        raise FileRefused(_t("The file has no lines after the header."))
    if count > MAX_LINES:
        raise FileRefused(_t("The file has more than 500,000 lines. Split it."))
    return text


def run(import_id: int, *, clock: Callable[[], datetime]) -> None:
    """Check and write an import that waits; nothing if another run has it or it is over."""
    row = _claim(import_id, now=clock())
    if row is None:
        return
    try:
        checked = _check(row)
        if checked.errors:
            _refuse(row, checked, now=clock())
        else:
            _keep(row, state=State.WRITING, lines_done=row.lines_total)
            _write(row, checked, clock=clock)
    except _Superseded:
        return


def waiting(*, now: datetime) -> QuerySet[AddressImport]:
    """Imports whose message was lost or whose worker died; one that killed five workers waits for a person."""
    return AddressImport.objects.filter(_free(now), created_at__lt=now - SENT_AGAIN_AFTER, run__lt=RUNS_BY_ITSELF)


def is_stuck(row: AddressImport, *, now: datetime) -> bool:
    """Whether a person may run it again: its worker died, or none has come for it."""
    if row.state == State.WAITING:
        return row.created_at < now - SENT_AGAIN_AFTER
    return not row.is_finished and row.started_at is not None and row.started_at < now - DEAD_AFTER


@transaction.atomic
def run_again(import_id: int, *, by: User, now: datetime) -> None:
    """Send a stuck import to a worker once more. Raises ImportRuns."""
    if not AddressImport.objects.filter(_free(now), pk=import_id).update(state=State.WAITING, started_at=None):
        raise ImportRuns(_t("This import is running or is over."))
    journal.record(by, "import_run_again", AddressImport.objects.defer("content").get(pk=import_id), now=now)
    _send(import_id)


def _send(import_id: int) -> None:
    from accounts.tasks import import_addresses

    import_addresses.delay_on_commit(import_id=import_id)  # type: ignore[attr-defined]


def _free(now: datetime) -> Q:
    dead = Q(state__in=[State.CHECKING, State.WRITING], started_at__lt=now - DEAD_AFTER)
    return Q(state=State.WAITING) | dead


def _claim(import_id: int, *, now: datetime) -> AddressImport | None:
    free = AddressImport.objects.filter(_free(now), pk=import_id)
    if not free.update(state=State.CHECKING, run=F("run") + 1, started_at=now, lines_done=0):
        return None
    return AddressImport.objects.select_related("city", "author").get(pk=import_id)


def _keep(row: AddressImport, **changes: object) -> None:
    """Write into the row as long as it is this run's."""
    if not AddressImport.objects.filter(pk=row.pk, run=row.run).update(**changes):
        raise _Superseded


# --- First pass -----------------------------------------------------------------------------------------------------
@dataclass
class _Checked:
    addresses: set[Address] = field(default_factory=set)
    repeats: int = 0
    errors: list[list[int | str]] = field(default_factory=list)
    errors_total: int = 0


@dataclass(frozen=True)
class _Layout:
    delimiter: str
    street: int
    house: int


def _check(row: AddressImport) -> _Checked:
    layout, checked = _layout(row.content), _Checked()
    for done, (number, line) in enumerate(_lines(row.content), start=1):
        try:
            address = _address(line, layout)
        except _BadLine as bad:
            checked.errors_total += 1
            if checked.errors_total <= ERRORS_SHOWN:
                checked.errors.append([number, bad.message_id, bad.value])
        else:
            checked.repeats += address in checked.addresses
            checked.addresses.add(address)
        if done % PROGRESS_EVERY == 0:
            _keep(row, lines_done=done)
    return checked


def _layout(text: str) -> _Layout:
    """What separates the columns and which is which. Raises FileRefused."""
    header = text.partition("\n")[0][:MAX_LINE]
    delimiter = ";" if ";" in header else ","
    names = [COLUMNS.get(name.strip(' "').lower()) for name in header.split(delimiter)]
    if sorted(map(str, names)) != ["house", "street"]:
        raise FileRefused(_t("The first line must be the header: street,house (or улица;дом)."))
    return _Layout(delimiter, names.index("street"), names.index("house"))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Each line after the header that is not blank, with its number in the file."""
    numbered = enumerate(text.split("\n"), start=1)
    return ((number, line) for number, line in islice(numbered, 1, None) if line.strip())


def _count(text: str) -> int:
    return sum(1 for _line in _lines(text))


def _address(line: str, layout: _Layout) -> Address:
    """An address never spans lines, so each line is read apart: a lost quotation mark spoils one line only."""
    if len(line) > MAX_LINE:
        raise _BadLine("line_long", line)
    try:
        cells = next(csv.reader([line], delimiter=layout.delimiter, strict=True, skipinitialspace=True))
    except csv.Error:
        raise _BadLine("quotes", line) from None
    if len(cells) != 2:
        raise _BadLine("columns", line)
    return _street(cells[layout.street]), _house(cells[layout.house])


def _street(cell: str) -> str:
    name = " ".join(cell.split())
    if not name:
        raise _BadLine("street_empty", cell)
    if len(name) > LONGEST_STREET:
        raise _BadLine("street_long", name)
    return name


def _house(cell: str) -> str:
    number = house_numbers.normal(cell)
    if number is None:
        raise _BadLine("house", cell)
    if len(number) > LONGEST_HOUSE:
        raise _BadLine("house_long", number)
    return number


def _refuse(row: AddressImport, checked: _Checked, *, now: datetime) -> None:
    _keep(
        row,
        state=State.REFUSED,
        errors=checked.errors,
        errors_total=checked.errors_total,
        lines_done=row.lines_total,
        content="",
        finished_at=now,
    )


# --- Second pass ----------------------------------------------------------------------------------------------------
ADD_STREETS = """
INSERT INTO accounts_street (city_id, name) SELECT %s, unnest(%s::varchar[])
ON CONFLICT (city_id, name) DO NOTHING
"""
ADD_HOUSES = """
INSERT INTO accounts_house (street_id, number)
SELECT street.id, fresh.number FROM unnest(%s::varchar[], %s::varchar[]) AS fresh (street, number)
JOIN accounts_street street ON street.city_id = %s AND street.name = fresh.street
ON CONFLICT (street_id, number) DO NOTHING
"""


@transaction.atomic
def _write(row: AddressImport, checked: _Checked, *, clock: Callable[[], datetime]) -> None:
    """Add what is not there yet. Imports of one city queue up behind its row, longer than a page would wait."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '2min'; SET LOCAL statement_timeout = '4min'")
        City.objects.select_for_update(no_key=True).get(pk=row.city_id)
        streets_added = houses_added = 0
        for names in _chunks(sorted({street for street, _house in checked.addresses})):
            cursor.execute(ADD_STREETS, [row.city_id, names])
            streets_added += cursor.rowcount
        for addresses in _chunks(sorted(checked.addresses)):
            cursor.execute(ADD_HOUSES, [*map(list, zip(*addresses, strict=True)), row.city_id])
            houses_added += cursor.rowcount
    added = {"streets_added": streets_added, "houses_added": houses_added, "repeats": checked.repeats}
    _keep(row, state=State.DONE, content="", finished_at=clock(), **added)
    journal.record(row.author, "addresses_imported", row, changes=added, now=clock())


def _chunks(rows: list[Any]) -> Iterator[list[Any]]:
    return (rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK))
