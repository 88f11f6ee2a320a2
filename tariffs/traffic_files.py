"""The form of a file of traffic, and what is wrong with a line in words.

PostgreSQL reads the lines (COPY); only where it finds something wrong are they read here, one by one.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

MAX_BYTES = 512 * 2**20  # of an upload; the command takes any
MAX_LINE, MAX_VALUE = 1_000, 10**15  # a petabyte an hour is a fault of the meter, not traffic
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(hours=1)  # what the clock of the accounting may be fast
SAMPLE = (
    "contract;hour;down;up\n"
    "100001;2026-11-20 13:00;1284500321;93100450\n"
    "100001;2026-11-20 14:00;730112004;41220931\n"
    "100002;2026-11-20T09:00Z;15000;2200\n"
)
COLUMNS = {
    "contract": "number",
    "договор": "number",
    "hour": "hour",
    "час": "hour",
    "down": "down",
    "входящий": "down",
    "up": "up",
    "исходящий": "up",
}
NEEDED = {"number", "hour", "down", "up"}
# PostgreSQL also knows «now», «infinity» and names of zones; with these letters nobody can write them.
LETTERS = b'0123456789-+:;,. TZ"\n'
HOUR = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d)(?::(\d\d))?(?::(\d\d(?:\.0+)?))? ?(Z|[+-]\d\d(?::?\d\d)?)?", re.ASCII)
NUMBER, BYTES = re.compile(r"[0-9]{6,12}"), re.compile(r"[0-9]{1,19}")
ERRORS = {
    "line_long": _("The line is too long."),
    "text": _("The line is not text in UTF-8."),
    "quotes": _("A quotation mark is missing or stands in a wrong place."),
    "columns": _("There must be four columns: contract, hour, down and up."),
    "number": _("The contract number must be 6 to 12 figures."),
    "hour": _("The hour must be written like 2026-11-20 13:00, with a zone if it is not local: 2026-11-20T09:00Z."),
    "whole": _("The hour must begin at zero minutes."),
    "early": _("The hour is before the year 2000."),
    "future": _("The hour has not come yet."),
    "bytes": _("Bytes must be a whole number, zero or more."),
    "much": _("More than a petabyte in one hour."),
    "unreadable": _("The line cannot be read."),
    "gone": _("The uploaded file is not on the disk any more. Upload it again."),
    "internal": _("The import stopped because of a fault of ours; it is in the log. Nothing needs to be corrected."),
}
Fault = tuple[int, str, str]  # line, a key of ERRORS, what stands there


class FileRefused(Exception):
    """The file as a whole cannot be an import; the message says what to do about it."""


@dataclass(frozen=True)
class Layout:
    """What the header says: how columns are separated, which is which, and the byte at which the lines begin."""

    delimiter: str
    columns: tuple[str, ...]
    start: int


class _Wrong(Exception):
    def __init__(self, reason: str, value: str) -> None:
        self.reason, self.value = reason, value


def layout_of(file: IO[bytes]) -> Layout:
    """Reads the header from the start of a file. Raises FileRefused."""
    file.seek(0)
    raw = file.readline(MAX_LINE)
    try:
        header = raw.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise FileRefused(_t("The file is not in UTF-8. In Excel choose «CSV UTF-8» when saving.")) from None
    delimiter = ";" if ";" in header else ","
    columns = tuple(COLUMNS.get(name.strip(' "').lower(), "") for name in header.split(delimiter))
    if len(columns) != len(NEEDED) or set(columns) != NEEDED or not raw.endswith(b"\n"):
        raise FileRefused(_t("The first line must be the header: contract;hour;down;up."))
    return Layout(delimiter, columns, len(raw))


def refuse_if_empty(file: IO[bytes], layout: Layout) -> None:
    """Raises FileRefused when no line follows the header."""
    file.seek(layout.start)
    if not file.read(MAX_LINE).strip():
        raise FileRefused(_t("The file has no lines after the header."))


def chunk_at(file: IO[bytes], position: int, size: int) -> bytes:
    """Whole lines from a position on, about `size` bytes; empty at the end. A line longer than that comes cut."""
    file.seek(position)
    chunk = file.read(size)
    if len(chunk) < size:
        return chunk
    return chunk[: chunk.rfind(b"\n") + 1] or chunk


def for_copy(chunk: bytes) -> bytes | None:
    """The lines as COPY reads them, without blank ones; None if there is anything that no right line has."""
    chunk = chunk.replace(b"\r\n", b"\n")
    if chunk.translate(None, LETTERS):
        return None
    if chunk.startswith(b"\n") or b"\n\n" in chunk:
        chunk = re.sub(rb"\n{2,}", b"\n", chunk).lstrip(b"\n")
    return chunk


def line_number(file: IO[bytes], position: int) -> int:
    """Of the line that begins at a byte of the file, counting from one."""
    file.seek(0)
    lines, left = 1, position
    while left > 0 and (block := file.read(min(left, 2**20))):
        lines += block.count(b"\n")
        left -= len(block)
    return lines


def faults(chunk: bytes, layout: Layout, *, first_line: int, zone: ZoneInfo, now: datetime) -> Iterator[Fault]:
    """What is wrong with lines of a chunk, one fault a line; every line that is not blank is looked at."""
    for number, line in enumerate(chunk.split(b"\n"), start=first_line):
        if not line.strip():
            continue
        try:
            _look_at(line.removesuffix(b"\r"), layout, zone, now)
        except _Wrong as wrong:
            yield number, wrong.reason, "".join(c if c.isprintable() else "·" for c in wrong.value[:60])


def _look_at(raw: bytes, layout: Layout, zone: ZoneInfo, now: datetime) -> None:
    cells = dict(zip(layout.columns, _cells(raw, layout), strict=True))
    if not NUMBER.fullmatch(cells["number"]):
        raise _Wrong("number", cells["number"])
    _look_at_hour(cells["hour"], zone, now)
    for direction in ("down", "up"):
        if not BYTES.fullmatch(cells[direction].strip()):
            raise _Wrong("bytes", cells[direction])
        if int(cells[direction]) > MAX_VALUE:
            raise _Wrong("much", cells[direction])


def _cells(raw: bytes, layout: Layout) -> list[str]:
    if len(raw) > MAX_LINE:
        raise _Wrong("line_long", raw[:60].decode(errors="replace"))
    try:
        line = raw.decode()
        cells = next(csv.reader([line], delimiter=layout.delimiter, strict=True))
    except UnicodeDecodeError:
        raise _Wrong("text", raw.decode(errors="replace")) from None
    except csv.Error:
        raise _Wrong("quotes", line) from None
    if len(cells) != len(layout.columns):
        raise _Wrong("columns", line)
    return cells


def _look_at_hour(text: str, zone: ZoneInfo, now: datetime) -> None:
    match = HOUR.fullmatch(text.strip())
    if match is None:
        raise _Wrong("hour", text)
    day, hours, minutes, seconds, offset = match.groups()
    try:
        # Whatever the minutes and seconds, the zone is PostgreSQL's to read; here it only has to be near enough.
        hour = datetime.fromisoformat(f"{day}T{hours}:{minutes or '00'}:{(seconds or '00')[:2]}")
    except ValueError:
        raise _Wrong("hour", text) from None
    if hour.minute or hour.second:
        raise _Wrong("whole", text)
    moment = hour.replace(tzinfo=zone) if offset is None else _shifted(hour, offset, text)
    if moment < EARLIEST:
        raise _Wrong("early", text)
    if moment > now + AHEAD:
        raise _Wrong("future", text)


def _shifted(hour: datetime, offset: str, text: str) -> datetime:
    if offset == "Z":
        return hour.replace(tzinfo=UTC)
    sign, figures = (-1 if offset[0] == "-" else 1), offset[1:].replace(":", "").ljust(4, "0")
    shift = timedelta(hours=int(figures[:2]), minutes=int(figures[2:]))
    if shift >= timedelta(hours=16) or shift.seconds % 3600:
        raise _Wrong("hour" if shift >= timedelta(hours=16) else "whole", text)
    return hour.replace(tzinfo=UTC) - sign * shift
