"""Importing traffic: hours replaced and never doubled, days summed again, whatever dies on the way."""

from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from itertools import count
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.db import OperationalError

from accounts import journal
from accounts.tests.at_once import at_once
from accounts.tests.factories import ContractFactory, StaffFactory
from tariffs import tasks, traffic_files, traffic_import
from tariffs.models import TrafficDay, TrafficHour, TrafficImport
from tariffs.tests.factories import NOON
from tariffs.traffic_files import FileRefused

pytestmark = pytest.mark.django_db
HEADER = "contract;hour;down;up\n"
State = TrafficImport.State


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    monkeypatch.setattr(tasks.import_traffic, "apply_async", lambda **_: None)
    monkeypatch.setattr(tasks.tell_of_volumes, "apply_async", lambda **_: None)


def accept(text, *, header=HEADER, now=NOON):
    raw = text if isinstance(text, bytes) else (header + text).encode()
    return traffic_import.accept(ContentFile(raw), name="traffic.csv", author=StaffFactory(), now=now)


def run(row=None, *, now=NOON, **more):
    traffic_import.run(clock=lambda: now, **more)
    if row:
        row.refresh_from_db()
    return row


def imported(text, **more):
    return run(accept(text, **more))


def hours(contract):
    return {
        row.hour.astimezone(UTC).strftime("%m-%d %H"): (row.down, row.up)
        for row in TrafficHour.objects.filter(contract=contract)
    }


def days(contract):
    return {row.day: (row.down, row.up) for row in TrafficDay.objects.filter(contract=contract)}


@pytest.fixture
def contract():
    return ContractFactory()


# --- What is written ------------------------------------------------------------------------------------------------
def test_an_hour_without_a_zone_is_local(contract):
    row = imported(f"{contract.number};2026-11-19 13:00;1000;10\n")

    assert (row.state, row.rows, row.unknown) == (State.DONE, 1, 0)
    assert hours(contract) == {"11-19 09": (1000, 10)}


@pytest.mark.parametrize(
    "hour", ["2026-11-19T09:00Z", "2026-11-19 13:00+04", "2026-11-19T12:00:00+03:00", "2026-11-19 13:00:00"]
)
def test_an_hour_may_name_its_zone(contract, hour):
    imported(f"{contract.number};{hour};1000;10\n")

    assert hours(contract) == {"11-19 09": (1000, 10)}


def test_a_day_is_the_local_one(contract):
    number = contract.number
    imported(f"{number};2026-11-18T19:00Z;1;0\n{number};2026-11-18T20:00Z;20;0\n{number};2026-11-19T19:00Z;300;4\n")

    assert days(contract) == {date(2026, 11, 18): (1, 0), date(2026, 11, 19): (320, 4)}


def test_a_leap_day_is_a_day(contract):
    imported(f"{contract.number};2024-02-29 23:00;5;1\n{contract.number};2024-03-01 00:00;7;1\n")

    assert days(contract) == {date(2024, 2, 29): (5, 1), date(2024, 3, 1): (7, 1)}


def test_the_same_file_again_changes_nothing(contract):
    text = "".join(f"{contract.number};2026-11-19 {hour:02}:00;100;1\n" for hour in range(24))

    imported(text)
    again = imported(text)

    assert (again.state, again.rows) == (State.DONE, 24)
    assert days(contract) == {date(2026, 11, 19): (2400, 24)}


def test_an_overlapping_file_replaces_hours_and_sums_their_days_again(contract):
    imported(f"{contract.number};2026-11-19 10:00;100;1\n{contract.number};2026-11-19 11:00;100;1\n")
    imported(f"{contract.number};2026-11-19 11:00;50;0\n{contract.number};2026-11-19 12:00;7;7\n")

    assert days(contract) == {date(2026, 11, 19): (157, 8)}


def test_the_last_line_about_an_hour_counts(contract):
    imported(f"{contract.number};2026-11-19 10:00;100;1\n{contract.number};2026-11-19 10:00;30;2\n")

    assert days(contract) == {date(2026, 11, 19): (30, 2)}


def test_days_that_the_file_does_not_touch_are_left_alone(contract):
    TrafficDay.objects.create(contract=contract, day=date(2026, 11, 18), down=5, up=5)

    imported(f"{contract.number};2026-11-19 10:00;100;1\n")

    assert days(contract)[date(2026, 11, 18)] == (5, 5)


def test_lines_of_unknown_contracts_are_counted_and_passed_over(contract):
    row = imported(f"{contract.number};2026-11-19 10:00;100;1\n999999999;2026-11-19 10:00;100;1\n")

    assert (row.state, row.rows, row.unknown) == (State.DONE, 2, 1)
    assert TrafficHour.objects.count() == 1


@pytest.mark.parametrize(
    "text",
    [
        b"contract,hour,down,up\n%s,2026-11-19 10:00,100,1",
        b"contract;hour;down;up\r\n%s;2026-11-19 10:00;100;1\r\n",
        b"\xef\xbb\xbfcontract;hour;down;up\n\n%s;2026-11-19 10:00;100;1\n\n\n",
        b'"contract";"hour";"down";"up"\n"%s";"2026-11-19 10:00";"100";"1"\n',
        b"up;down;hour;contract\n1;100;2026-11-19 10:00;%s\n",
        "договор;час;входящий;исходящий\n%s;2026-11-19 10:00;100;1\n".encode(),
    ],
    ids=["commas", "Windows", "BOM and blank lines", "quotes", "other order", "in Russian"],
)
def test_forms_of_the_same_file(contract, text):
    imported(text % contract.number.encode())

    assert hours(contract) == {"11-19 06": (100, 1)}


def test_the_journal_names_the_author(contract):
    row = imported(f"{contract.number};2026-11-19 10:00;100;1\n")

    assert journal.of(row).get(action="traffic_imported").actor == row.author


def test_the_file_is_kept_until_it_is_imported(contract, django_capture_on_commit_callbacks):
    row = accept(f"{contract.number};2026-11-19 10:00;100;1\n")
    kept = Path(row.file.path)

    was_there = kept.exists()
    with django_capture_on_commit_callbacks(execute=True):
        run(row)

    assert (was_there, kept.exists()) == (True, False)


# --- What is wrong --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("100001;2026-11-19 10:00;100", "columns"),
        ("100001;2026-11-19 10:00;100;1;2", "columns"),
        ("10A001;2026-11-19 10:00;100;1", "number"),
        ("12;2026-11-19 10:00;100;1", "number"),
        (";2026-11-19 10:00;100;1", "number"),
        ("100001;now;100;1", "hour"),
        ("100001;infinity;100;1", "hour"),
        ("100001;2026-13-19 10:00;100;1", "hour"),
        ("100001;2026-02-29 10:00;100;1", "hour"),
        ("100001;;100;1", "hour"),
        ("100001;2026-11-19 10:00 MSK;100;1", "hour"),
        ("100001;2026-11-19 10:30;100;1", "whole"),
        ("100001;2026-11-19T10:00+05:30;100;1", "whole"),
        ("100001;1999-11-19 10:00;100;1", "early"),
        ("100001;2026-11-20 14:00;100;1", "future"),
        ("100001;2026-11-19 10:00;-1;1", "bytes"),
        ("100001;2026-11-19 10:00;1.5;1", "bytes"),
        ("100001;2026-11-19 10:00;;1", "bytes"),
        (r"100001;2026-11-19 10:00;\N;1", "bytes"),
        ("100001;2026-11-19 10:00;1;9999999999999999", "much"),
        ("100001;2026-11-19 10:00;1;99999999999999999999999", "bytes"),
        ('100001;"2026-11-19 10:00;1;1', "quotes"),
        ("100001;2026-11-19 10:00;1;" + "9" * 2_000, "line_long"),
        ("１００００１;2026-11-19 10:00;1;1", "number"),
        ("100001\0;2026-11-19 10:00;1;1", "number"),
    ],
)
def test_a_wrong_line_is_told_and_nothing_is_written(contract, line, reason):
    good = f"{contract.number};2026-11-18 10:00;100;1\n"

    row = imported(f"{good}{line}\n{good}")

    assert row.state == State.FAILED
    assert [(number, why) for number, why, _value in row.errors] == [(3, reason)]
    assert not TrafficHour.objects.exists()


def test_a_line_that_is_not_utf8_is_told(contract):
    row = imported(HEADER.encode() + b"100001;\xe2\xf7\xe5\xf0\xe0;1;1\n")

    assert row.errors[0][:2] == [2, "text"]


def test_lines_are_numbered_through_the_parts_of_a_file(contract, monkeypatch):
    monkeypatch.setattr(traffic_import, "CHUNK", 100)
    good = f"{contract.number};2026-11-19 10:00;100;1\n"

    row = imported(good * 9 + "\nwrong\n" + good * 9 + "too\n")

    assert [number for number, *_rest in row.errors] == [12, 22]
    assert not TrafficHour.objects.exists()


def test_a_hundred_wrong_lines_are_enough(contract):
    row = imported("wrong\n" * 500)

    assert (row.state, len(row.errors)) == (State.FAILED, 100)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "header"),
        (b"100001;2026-11-19 10:00;1;1\n", "header"),
        (b"contract;hour;down;down\n1", "header"),
        (b"contract;hour;down;up", "header"),
        (b"contract;hour;down;up\n\n \n", "no lines"),
        ("договор;час;входящий;исходящий\n1".encode("cp1251"), "UTF-8"),
        (b"PK\x03\x04" + b"\x00" * 5_000, "header"),
    ],
)
def test_a_file_that_cannot_be_an_import_is_refused_at_once(raw, said):
    with pytest.raises(FileRefused, match=said):
        accept(raw)

    assert not TrafficImport.objects.exists()


def test_every_fault_has_its_words():
    assert all(str(words) for words in traffic_files.ERRORS.values())


# --- Order, interruption, two at once -------------------------------------------------------------------------------
def test_files_are_taken_in_the_order_of_upload(contract):
    for down in (1, 2, 3):
        accept(f"{contract.number};2026-11-19 10:00;{down};0\n")

    run()

    assert days(contract) == {date(2026, 11, 19): (3, 0)}


def test_a_wrong_file_does_not_hold_up_the_next(contract):
    accept("wrong\n")
    row = accept(f"{contract.number};2026-11-19 10:00;1;0\n")

    run(row)

    assert row.state == State.DONE


def long_file(contract, lines=40):
    start = datetime(2026, 11, 10, tzinfo=UTC)
    return "".join(f"{contract.number};{start + timedelta(hours=n):%Y-%m-%dT%H:00Z};1;0\n" for n in range(lines))


def test_a_turn_that_is_over_sends_for_the_next_which_goes_on_where_it_was(
    contract, monkeypatch, django_capture_on_commit_callbacks
):
    sent = []
    monkeypatch.setattr(tasks.import_traffic, "apply_async", lambda **_: sent.append(1))
    monkeypatch.setattr(traffic_import, "CHUNK", 150)
    monkeypatch.setattr(traffic_import, "monotonic", count().__next__)
    row, places = accept(long_file(contract)), []

    while not row.is_finished:
        with django_capture_on_commit_callbacks(execute=True):
            run(row, seconds=4)
        places.append(row.bytes_done)

    assert len(places) > 5
    assert places[:-1] == sorted(set(places[:-1]))
    assert len(sent) >= len(places) - 1
    assert (row.state, row.rows, sum(down for down, _up in days(contract).values())) == (State.DONE, 40, 40)


@pytest.mark.parametrize("dies_at", [1, 2, 5, 9, 10, 13, 17, 18])
def test_a_worker_that_dies_anywhere_loses_and_doubles_nothing(contract, monkeypatch, dies_at):
    monkeypatch.setattr(traffic_import, "CHUNK", 150)
    row = accept(long_file(contract))
    keep, calls = traffic_import._keep, []

    def dying(*args, **changes):
        calls.append(1)
        if len(calls) == dies_at:
            raise OperationalError("killed")
        keep(*args, **changes)

    monkeypatch.setattr(traffic_import, "_keep", dying)
    with pytest.raises(OperationalError):
        run()
    run(row, now=NOON + traffic_import.ALIVE)

    assert (row.state, row.rows) == (State.DONE, 40)
    assert sum(down for down, _up in days(contract).values()) == 40


def test_who_has_done_a_part_a_moment_ago_is_believed_to_be_at_work(contract):
    row = accept(long_file(contract))
    TrafficImport.objects.filter(pk=row.pk).update(state=State.READING, claimed_at=NOON)

    assert not run(row, now=NOON + timedelta(seconds=59)).is_finished
    assert run(row, now=NOON + timedelta(seconds=60)).is_finished


def test_a_fault_of_ours_ends_the_import_and_is_raised(contract, monkeypatch):
    row = accept(long_file(contract))
    monkeypatch.setattr(traffic_import, "_write", lambda *_, **__: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        run()

    row.refresh_from_db()
    assert (row.state, row.errors[0][1]) == (State.FAILED, "internal")


def test_a_lost_file_ends_the_import(contract):
    row = accept(long_file(contract))
    Path(row.file.path).unlink()

    run(row)

    assert (row.state, row.errors[0][1]) == (State.FAILED, "gone")


@pytest.mark.django_db(transaction=True)
def test_of_workers_who_come_at_once_one_imports(monkeypatch):
    monkeypatch.setattr(traffic_import, "CHUNK", 150)
    contract = ContractFactory()
    rows = [accept(long_file(contract)), accept(long_file(contract).replace(";1;0", ";2;0"))]

    results = at_once(4, lambda _number: run())

    assert results == [None] * 4
    run(now=NOON + traffic_import.ALIVE)
    assert [run(row).state for row in rows] == [State.DONE] * 2
    assert [row.rows for row in rows] == [40, 40]
    assert sum(down for down, _up in days(contract).values()) == 80


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_at_one_file_the_slower_one_leaves(monkeypatch):
    monkeypatch.setattr(traffic_import, "CHUNK", 150)
    monkeypatch.setattr(traffic_import, "ALIVE", timedelta(0))
    contract = ContractFactory()
    row = accept(long_file(contract))

    at_once(4, lambda _number: run())
    run(row)

    assert (row.state, row.rows) == (State.DONE, 40)
    assert sum(down for down, _up in days(contract).values()) == 40


def test_times_read_after_an_import_are_right(contract):
    row = imported(f"{contract.number};2026-11-19 10:00;1;0\n")

    assert row.created_at == NOON


def test_a_part_ends_with_a_line():
    file = BytesIO(b"one\ntwo\nthree")

    assert [traffic_files.chunk_at(file, position, 6) for position in (0, 4, 8, 13)] == [
        b"one\n",
        b"two\n",
        b"three",
        b"",
    ]
