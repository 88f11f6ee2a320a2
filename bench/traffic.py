"""How fast traffic is imported: 1,000,000 rows as a ratio of plain COPY of the same rows; and statistics after years.

Starts its own private servers: `python bench/traffic.py [rows]`. The import reads a file twice (to check, to write),
finds contracts, replaces hours and sums days; COPY writes the same rows, their contracts known, into an empty table
with the same key. Both are the median of three.
"""

import os
import random
import statistics
import sys
import time
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
HOURS, ROUNDS = 24, 3
CONTRACTS = -(-ROWS // HOURS)
DAY = datetime(2026, 11, 19, tzinfo=UTC)
NOW = datetime(2026, 12, 1, 8, tzinfo=UTC)
TODAY = date(2026, 12, 1)


def main() -> None:
    from mark_portal import private_servers

    with private_servers.for_tests() as servers:
        folder = str(servers.folder / "files")
        os.environ |= servers.environment | {"MARK_DEMO": "1", "LOG_LEVEL": "ERROR", "MEDIA_ROOT": folder}
        os.environ |= {"DJANGO_SETTINGS_MODULE": "mark_portal.settings", "STATEMENT_TIMEOUT_MS": "0"}
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        numbers = contracts()
        measure_import(numbers)
        measure_statistics()


def contracts() -> list[tuple[int, str]]:
    """As many as the rows need, each with its primary key and number."""
    from django.db import connection

    from accounts.tests.factories import ContractFactory

    model = ContractFactory(started_on=date(2016, 1, 1))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_contract (number, city_id, house_id, flat, subscriber_id, state, started_on)"
            " SELECT (200000 + n)::text, city_id, house_id, '', subscriber_id, 'active', started_on"
            " FROM accounts_contract, generate_series(1, %s) n WHERE id = %s",
            [CONTRACTS, model.pk],
        )
        cursor.execute("ANALYZE")
        cursor.execute("SELECT id, number FROM accounts_contract WHERE number >= '200001' AND id <> %s", [model.pk])
        return cursor.fetchall()


def measure_import(numbers: list[tuple[int, str]]) -> None:
    rows = rows_of(numbers)
    named = b"contract;hour;down;up\n" + lines(rows, 1)
    known = lines(rows, 0)
    copied, imported, again = [], [], []
    for _round in range(ROUNDS):
        copied.append(seconds_of(lambda: copy(known)))
        empty()
        imported.append(seconds_of(lambda: import_file(named)))
        check(rows)
        again.append(seconds_of(lambda: import_file(named)))
        check(rows)
    plain, ours, repeated = (statistics.median(times) for times in (copied, imported, again))
    print(
        f"{ROWS} rows: imported at {ROWS / ours:,.0f} rows a second, {plain / ours:.2f} of plain COPY ({plain:.1f} s)"
    )
    print(f"the same file again: {ROWS / repeated:,.0f} rows a second, {plain / repeated:.2f} of plain COPY")


def rows_of(numbers: list[tuple[int, str]]) -> list[tuple[int, str, str, int, int]]:
    """An hour after another, as accounting writes them."""
    dice = random.Random(1)
    rows = [
        (pk, number, f"{DAY + timedelta(hours=hour):%Y-%m-%dT%H:%MZ}", dice.randrange(10**10), dice.randrange(10**9))
        for hour in range(HOURS)
        for pk, number in numbers
    ]
    return rows[:ROWS]


def lines(rows: list[tuple], name: int) -> bytes:
    return "".join(f"{row[name]};{row[2]};{row[3]};{row[4]}\n" for row in rows).encode()


def copy(text: bytes) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_hours")
        cursor.execute(
            "CREATE TABLE bench_hours (contract_id bigint NOT NULL, hour timestamptz NOT NULL, down bigint NOT NULL,"
            " up bigint NOT NULL, PRIMARY KEY (contract_id, hour))"
        )
        cursor.copy_expert("COPY bench_hours FROM STDIN WITH (FORMAT csv, DELIMITER ';')", BytesIO(text), 2**16)


def empty() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE tariffs_traffichour, tariffs_trafficday")


def import_file(text: bytes) -> None:
    from django.core.files.base import ContentFile

    from accounts.tests.factories import StaffFactory
    from tariffs import tasks, traffic_import

    tasks.import_traffic.apply_async = tasks.tell_of_volumes.apply_async = lambda **_: None
    row = traffic_import.accept(ContentFile(text), name="hours.csv", author=StaffFactory(), now=NOW)
    traffic_import.run(clock=lambda: NOW)
    row.refresh_from_db()
    assert (row.state, row.rows, row.unknown) == ("done", ROWS, 0), (row.state, row.errors)


def check(rows: list[tuple]) -> None:
    from django.db.models import Sum

    from tariffs.models import TrafficDay, TrafficHour

    down = sum(row[3] for row in rows)
    assert TrafficHour.objects.count() == ROWS
    assert TrafficDay.objects.aggregate(down=Sum("down"))["down"] == down


def measure_statistics() -> None:
    """The page's numbers for a contract with one year of hours and for one with ten."""
    from django.db import connection

    from accounts.models import Contract
    from tariffs import periods
    from tariffs import statistics as numbers
    from tariffs.periods import Kind

    ids = list(Contract.objects.order_by("pk").values_list("pk", flat=True)[:2])
    with connection.cursor() as cursor:
        for pk, years in zip(ids, (1, 10), strict=True):
            for table, step, column in (("traffichour", "1 hour", "hour"), ("trafficday", "1 day", "day")):
                cursor.execute(
                    f"INSERT INTO tariffs_{table} (contract_id, {column}, down, up) SELECT %s, t, 1000, 10"
                    f" FROM generate_series(%s::date - 365 * %s, %s::date - 20, interval '{step}') t"
                    " ON CONFLICT DO NOTHING",
                    [pk, TODAY, years, TODAY],
                )
        cursor.execute("VACUUM ANALYZE tariffs_traffichour, tariffs_trafficday")
    one, ten = Contract.objects.in_bulk(ids).values()
    for kind in Kind:
        times: dict[Contract, list[float]] = {one: [], ten: []}
        for _round in range(200):
            for contract, measured in times.items():
                period = periods.containing(kind, TODAY, started_on=contract.started_on, today=TODAY)
                began = time.perf_counter()
                numbers.of(contract, period, today=TODAY)
                measured.append(time.perf_counter() - began)
        ratio = statistics.median(times[ten]) / statistics.median(times[one])
        print(f"statistics, {kind}: ten years of hours cost {ratio:.2f} of one year")


def seconds_of(action) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
