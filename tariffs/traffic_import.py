"""Importing a file of traffic by contract and hour: it is read once to be checked and once to be written.

Imports are worked on one at a time, in the order of their upload, so the later file has the last word about an hour.
Hours, the sums of their days and `bytes_done` move on together, a part of the file in one transaction, and only from
where the worker has found them: of two at work on one file the slower one leaves. When a worker dies, another goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import BytesIO
from itertools import islice
from time import monotonic
from typing import IO, Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.files import File
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet

from accounts import journal
from accounts.models import User
from tariffs import traffic_files
from tariffs.models import TrafficImport
from tariffs.traffic_files import FileRefused, Layout

CHUNK = 16 * 2**20  # bytes in one transaction, some 350,000 lines
TURN = 200.0  # seconds; then the worker is free for others and the import goes on as a new task
ERRORS_SHOWN = 100
ALIVE = timedelta(minutes=1)  # so long after the last part its worker is believed to be at the next one
State = TrafficImport.State
Clock = Callable[[], datetime]


class _Superseded(Exception):
    """The row has been moved on or removed by somebody else."""


@dataclass(frozen=True)
class _Part:
    """Whole lines of a file, from a byte on."""

    file: IO[bytes]
    layout: Layout
    position: int
    chunk: bytes


@transaction.atomic
def accept(file: File[Any], *, name: str, author: User, now: datetime) -> TrafficImport:
    """Keep an uploaded file; a worker is sent for once it commits. Raises FileRefused."""
    traffic_files.refuse_if_empty(file, traffic_files.layout_of(file))
    row = TrafficImport(file_name=name[-200:], author=author, created_at=now, bytes_total=file.size)
    row.file.save("traffic.csv", file, save=False)
    row.save(force_insert=True)
    _send()
    return row


def waiting() -> QuerySet[TrafficImport]:
    """Imports that are not over, in the order in which they are worked on."""
    return TrafficImport.objects.filter(state__in=[State.WAITING, State.READING]).order_by("pk")


def run(*, clock: Clock, seconds: float = TURN) -> None:
    """Work on what waits for one turn; another one is sent for if that is not enough. Nothing if somebody else does."""
    ends = monotonic() + seconds
    while row := waiting().select_related("author").first():
        if row.claimed_at and row.claimed_at > clock() - ALIVE:
            return
        try:
            _work(row, ends=ends, clock=clock)
        except _Superseded:
            return
        if not row.is_finished:
            return


def _work(row: TrafficImport, *, ends: float, clock: Clock) -> None:
    _keep(row, now=clock(), state=State.READING)
    try:
        with row.file.open("rb") as file:
            layout = traffic_files.layout_of(file)
            while not row.is_finished:
                if monotonic() >= ends:
                    return _rest(row)
                _step(row, file, layout, clock=clock)
    except (FileNotFoundError, FileRefused):
        _fail(row, [(0, "gone", "")], now=clock())
    except (_Superseded, OperationalError, InterfaceError):
        raise  # the database is away or busy, or another worker has it: whoever comes next goes on
    except Exception:
        _fail(row, [(0, "internal", "")], now=clock())  # else the queue behind it would wait for ever
        raise


def _step(row: TrafficImport, file: IO[bytes], layout: Layout, *, clock: Clock) -> None:
    """Check or write one part of the file, or finish."""
    if row.bytes_done >= row.bytes_to_do:
        return _finish(row, now=clock())
    read_before = row.bytes_total if row.is_checked else 0
    position = max(row.bytes_done - read_before, layout.start)
    chunk = traffic_files.chunk_at(file, position, CHUNK)
    if not chunk:
        raise FileRefused  # it has become shorter
    part = _Part(file, layout, position, chunk)
    return _write(row, part, clock=clock) if row.is_checked else _check(row, part, clock=clock)


def _keep(row: TrafficImport, *, now: datetime | None, **changes: Any) -> None:
    """Write into the row, and that somebody is at work, as long as nobody else has done so."""
    changes["claimed_at"] = now
    found = waiting().filter(pk=row.pk, bytes_done=row.bytes_done, claimed_at=row.claimed_at)
    if not found.update(**changes):
        raise _Superseded
    for name, value in changes.items():
        setattr(row, name, value)


def _rest(row: TrafficImport) -> None:
    _keep(row, now=None)
    _send()


def _fail(row: TrafficImport, errors: list[Any], *, now: datetime) -> None:
    _keep(row, now=now, state=State.FAILED, errors=errors, finished_at=now)
    row.file.delete(save=False)


@transaction.atomic
def _finish(row: TrafficImport, *, now: datetime) -> None:
    _keep(row, now=now, state=State.DONE, finished_at=now)
    changes = {"rows": row.rows, "unknown": row.unknown}
    journal.record(row.author, "traffic_imported", row, changes=changes, now=now)
    _tell_of_volumes()
    transaction.on_commit(lambda: row.file.delete(save=False), robust=True)


def _send() -> None:
    from tariffs.tasks import import_traffic

    import_traffic.delay_on_commit()  # type: ignore[attr-defined]


def _tell_of_volumes() -> None:
    from tariffs.tasks import tell_of_volumes

    tell_of_volumes.delay_on_commit()  # type: ignore[attr-defined]


# --- What PostgreSQL does ---------------------------------------------------------------------------------------------
STAGE = """
SET LOCAL statement_timeout = '4min';
SET LOCAL work_mem = '64MB';
DROP TABLE IF EXISTS pg_temp.traffic_staged;
CREATE TEMPORARY TABLE traffic_staged
    (number text NOT NULL, hour timestamptz NOT NULL, down bigint NOT NULL, up bigint NOT NULL) ON COMMIT DROP
"""
# Hours without a zone are local. Django takes every time it reads for UTC, so the zone is put back at once.
LOCALLY, IN_UTC = "SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL TimeZone = %s", "SET LOCAL TimeZone = 'UTC'"
COPY = "COPY traffic_staged ({columns}) FROM STDIN WITH (FORMAT csv, DELIMITER '{delimiter}')"
HAS_WRONG = """
SELECT EXISTS (
    SELECT FROM traffic_staged
    WHERE hour <> date_trunc('hour', hour) OR hour < %(earliest)s OR hour > %(latest)s
       OR down NOT BETWEEN 0 AND %(much)s OR up NOT BETWEEN 0 AND %(much)s
)
"""
COUNT = """
SELECT count(*), count(*) FILTER (WHERE contract.id IS NULL),
       coalesce(bool_or(staged.number !~ '^[0-9]{6,12}$') FILTER (WHERE contract.id IS NULL), false)
FROM traffic_staged staged LEFT JOIN accounts_contract contract ON contract.number = staged.number
"""
# The last line about an hour counts. What an hour says already is not written again, nor is its day summed. Looking the
# hours up first and then writing each kind apart takes half the time of ON CONFLICT; only imports write hours, one at a
# time. OFFSET keeps the looking up by the key, however little PostgreSQL knows of the tables.
FIND_FRESH = """
DROP TABLE IF EXISTS pg_temp.traffic_fresh, pg_temp.traffic_touched;
CREATE TEMPORARY TABLE traffic_fresh ON COMMIT DROP AS
SELECT told.contract_id, told.hour, told.down, told.up, kept.down IS NULL AS is_new
FROM (
    SELECT DISTINCT ON (contract.id, staged.hour) contract.id AS contract_id, staged.hour, staged.down, staged.up
    FROM traffic_staged staged JOIN accounts_contract contract ON contract.number = staged.number
    ORDER BY contract.id, staged.hour, staged.ctid DESC
) told LEFT JOIN LATERAL (
    SELECT hours.down, hours.up FROM tariffs_traffichour hours
    WHERE hours.contract_id = told.contract_id AND hours.hour = told.hour OFFSET 0
) kept ON true
WHERE kept.down IS NULL OR (kept.down, kept.up) IS DISTINCT FROM (told.down, told.up)
"""
# Not an UPDATE that joins: with what PostgreSQL knows of a table being filled, it read all hours for each fresh one.
REPLACE = """
INSERT INTO tariffs_traffichour (contract_id, hour, down, up)
SELECT contract_id, hour, down, up FROM traffic_fresh WHERE NOT is_new
ON CONFLICT (contract_id, hour) DO UPDATE SET down = excluded.down, up = excluded.up
"""
ADD = """
INSERT INTO tariffs_traffichour (contract_id, hour, down, up)
SELECT contract_id, hour, down, up FROM traffic_fresh WHERE is_new
"""
TOUCH = """
CREATE TEMPORARY TABLE traffic_touched ON COMMIT DROP AS
SELECT DISTINCT contract_id, (hour AT TIME ZONE %(zone)s)::date AS day FROM traffic_fresh
"""
# LATERAL keeps to the hours of the days touched, however little PostgreSQL knows of the tables.
SUM_DAYS = """
INSERT INTO tariffs_trafficday AS kept (contract_id, day, down, up)
SELECT touched.contract_id, touched.day, summed.down, summed.up
FROM traffic_touched touched CROSS JOIN LATERAL (
    SELECT sum(hours.down) AS down, sum(hours.up) AS up FROM tariffs_traffichour hours
    WHERE hours.contract_id = touched.contract_id
      AND hours.hour >= touched.day::timestamp AT TIME ZONE %(zone)s
      AND hours.hour < (touched.day + 1)::timestamp AT TIME ZONE %(zone)s
) summed
ON CONFLICT (contract_id, day) DO UPDATE SET down = excluded.down, up = excluded.up
"""


def _check(row: TrafficImport, part: _Part, *, clock: Clock) -> None:
    """Count the lines of a part, or find out what is wrong with them; nothing of it stays."""
    counted, errors = _counted(part.chunk, part.layout, now=clock()), list(row.errors)
    if counted is None:
        errors += _faults(part, ERRORS_SHOWN - len(errors), now=clock())
    bytes_done = part.position + len(part.chunk)
    if len(errors) >= ERRORS_SHOWN or (errors and bytes_done >= row.bytes_total):
        return _fail(row, errors, now=clock())
    rows, unknown = counted or (0, 0)
    changes = {"rows": row.rows + rows, "unknown": row.unknown + unknown, "errors": errors}
    return _keep(row, now=clock(), bytes_done=bytes_done, **changes)


def _counted(chunk: bytes, layout: Layout, *, now: datetime) -> tuple[int, int] | None:
    """Lines, and those of unknown contracts; None if anything is wrong with any."""
    text = traffic_files.for_copy(chunk)
    if text is None:
        return None
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            _stage(cursor, text, layout)
            bounds: dict[str, datetime | int] = {
                "earliest": traffic_files.EARLIEST,
                "latest": now + traffic_files.AHEAD,
                "much": traffic_files.MAX_VALUE,
            }
            cursor.execute(HAS_WRONG, bounds)
            if cursor.fetchone()[0]:
                return None
            cursor.execute(COUNT)
            rows, unknown, has_wrong_number = cursor.fetchone()
            return None if has_wrong_number else (rows, unknown)
    except (DataError, IntegrityError):
        return None


def _stage(cursor: CursorWrapper, text: bytes, layout: Layout) -> None:
    cursor.execute(STAGE)
    cursor.execute(LOCALLY, [settings.TIME_ZONE])
    command = COPY.format(columns=", ".join(layout.columns), delimiter=layout.delimiter)
    with connection.wrap_database_errors:
        cursor.copy_expert(command, BytesIO(text), 2**16)
    cursor.execute(IN_UTC)


def _faults(part: _Part, most: int, *, now: datetime) -> list[traffic_files.Fault]:
    first = traffic_files.line_number(part.file, part.position)
    found = traffic_files.faults(part.chunk, part.layout, first_line=first, zone=ZoneInfo(settings.TIME_ZONE), now=now)
    return list(islice(found, most)) or [(first, "unreadable", "")]


def _write(row: TrafficImport, part: _Part, *, clock: Clock) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        _keep(row, now=clock(), bytes_done=row.bytes_total + part.position + len(part.chunk))
        _stage(cursor, traffic_files.for_copy(part.chunk) or b"", part.layout)
        cursor.execute(FIND_FRESH)
        for statement in (REPLACE, ADD, TOUCH, SUM_DAYS):
            cursor.execute(statement, {"zone": settings.TIME_ZONE})
