"""Importing addresses: the whole file or nothing, whatever dies on the way."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError
from kombu.exceptions import OperationalError

from accounts import address_import, house_numbers, journal, tasks
from accounts.models import AddressImport, City, House, Street
from accounts.tests.at_once import at_once
from accounts.tests.factories import CityFactory, HouseFactory, StaffFactory

NOON = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
GOOD = "street,house\nПушкинская улица,12\nПушкинская улица,14\nулица Ленина,1\n"
State = AddressImport.State

pytestmark = pytest.mark.django_db


def accept(text=GOOD, *, raw=None, city=None, now=NOON):
    row = AddressImport(city=city or CityFactory(), file_name="addresses.csv")
    address_import.accept(
        row, address_import.text_of(text.encode() if raw is None else raw), author=StaffFactory(), now=now
    )
    return row


def run(row, *, now=NOON):
    address_import.run(row.pk, clock=lambda: now)
    row.refresh_from_db()
    return row


def addresses():
    return set(House.objects.values_list("street__name", "number"))


def test_streets_and_houses_are_added():
    row = run(accept())

    assert (row.state, row.streets_added, row.houses_added) == (State.DONE, 2, 3)
    assert addresses() == {("Пушкинская улица", "12"), ("Пушкинская улица", "14"), ("улица Ленина", "1")}


def test_what_exists_stays_and_is_not_counted():
    HouseFactory(number="12")

    row = run(accept())

    assert (row.streets_added, row.houses_added, House.objects.count()) == (1, 2, 3)


def test_streets_of_another_city_are_not_touched():
    HouseFactory(street__city=CityFactory(slug="votkinsk", name="Воткинск", name_en="Votkinsk"), number="99")

    run(accept())

    assert House.objects.filter(street__city__slug="votkinsk").count() == 1


def test_a_house_named_twice_is_counted_and_added_once():
    row = run(accept("street,house\nулица Ленина,1а\nулица  Ленина, 1 А\n"))

    assert (row.state, row.repeats, row.houses_added) == (State.DONE, 1, 1)


def test_the_journal_names_the_author():
    row = run(accept())

    assert journal.of(row).get(action="addresses_imported").actor == row.author


@pytest.mark.parametrize(
    "text",
    [
        "street;house\nулица Ленина;1\n",
        "house,street\n1,улица Ленина\n",
        "улица;дом\nулица Ленина;1\n",
        'Street,House\n"улица Ленина","1"\n',
        "street,house\r\nулица Ленина,1\r\n\r\n",
        "street,house\rулица Ленина,1",
        "\ufeffstreet,house\nулица Ленина, 1",
    ],
)
def test_usual_kinds_of_csv_are_read(text):
    run(accept(text))

    assert addresses() == {("улица Ленина", "1")}


def test_a_comma_within_quotes_belongs_to_the_name():
    run(accept('street,house\n"Заря, СНТ ""Восход""",1\n'))

    assert addresses() == {('Заря, СНТ "Восход"', "1")}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (GOOD.encode("cp1251"), "UTF-8"),
        (GOOD.encode("utf-16"), "UTF-8"),
        (b"", "header"),
        ("улица Ленина,1\n".encode(), "header"),
        (b"street,house,flat\n1,2,3\n", "header"),
        (b"street,street\n1,2\n", "header"),
        (b"street,house\n", "no lines"),
        (b"street,house\n\n \n", "no lines"),
        (b"street,house\na,1\0\n", "text file"),
        (b"street,house\n" + b"a,1\n" * 500_001, "500,000"),
        (b"street,house\n" + b"a" * 10 * 2**20, "10 MB"),
    ],
)
def test_a_file_that_cannot_be_an_import_is_refused_at_once(raw, reason):
    with pytest.raises(address_import.FileRefused, match=reason):
        accept(raw=raw)

    assert not AddressImport.objects.exists()


@pytest.mark.parametrize(
    ("line", "message_id"),
    [
        (",1", "street_empty"),
        ("  ,1", "street_empty"),
        ("А" * 121 + ",1", "street_long"),
        ("улица Ленина,", "house"),
        ("улица Ленина,д. 12", "house"),
        ("улица Ленина,-1", "house"),
        ("улица Ленина,12<b>", "house"),
        ("улица Ленина," + "1" * 21, "house_long"),
        ("улица Ленина", "columns"),
        ("улица Ленина,12,кв. 3", "columns"),
        ('"улица Ленина,12', "quotes"),
        ('"улица" Ленина,12', "quotes"),
        ("А" * 1001, "line_long"),
    ],
)
def test_a_bad_line_is_named_with_its_reason(line, message_id):
    row = run(accept(f"street,house\nулица Ленина,1\n\n{line}\nулица Ленина,2\n"))

    assert (row.state, [error[:2] for error in row.errors]) == (State.REFUSED, [[4, message_id]])


def test_every_reason_has_its_words():
    row = run(accept("street,house\n,1\n"))

    assert str(address_import.ERRORS[row.errors[0][1]]) == "The street is missing."


def test_one_bad_line_keeps_the_whole_file_out():
    run(accept(GOOD + "улица Ленина,дом\n"))

    assert not Street.objects.exists()


def test_two_hundred_errors_are_kept_and_all_are_counted():
    row = run(accept("street,house\n" + ",1\n" * 250))

    assert (len(row.errors), row.errors_total) == (200, 250)


def test_a_long_value_is_shortened_in_the_report():
    row = run(accept("street,house\n" + "А" * 900 + ",1\n"))

    assert row.errors[0][2] == "А" * 60


def test_a_finished_import_does_not_keep_the_file():
    assert run(accept()).content == ""


def test_an_accepted_import_waits_for_a_worker(django_capture_on_commit_callbacks, monkeypatch):
    sent = []
    monkeypatch.setattr(tasks.import_addresses, "apply_async", lambda **message: sent.append(message["kwargs"]))

    with django_capture_on_commit_callbacks(execute=True):
        row = accept()

    assert sent == [{"import_id": row.pk}]
    assert (row.state, row.lines_total) == (State.WAITING, 3)


def test_an_upload_survives_a_dead_broker(django_capture_on_commit_callbacks, monkeypatch):
    def refuse(**_message):
        raise OperationalError("no broker")

    monkeypatch.setattr(tasks.import_addresses, "apply_async", refuse)

    with django_capture_on_commit_callbacks(execute=True):
        row = accept()

    assert AddressImport.objects.get().state == row.state == State.WAITING


def test_the_task_runs_the_import():
    row = accept()

    tasks.import_addresses(import_id=row.pk)

    assert AddressImport.objects.get().state == State.DONE


def test_a_repeated_task_changes_nothing():
    row = run(accept())

    again = run(row, now=NOON + timedelta(days=1))

    assert (again.run, again.finished_at, House.objects.count()) == (1, NOON, 3)


def test_an_import_that_runs_is_not_started_again():
    row = accept()
    AddressImport.objects.filter(pk=row.pk).update(state=State.CHECKING, run=1, started_at=NOON)

    run(row, now=NOON + timedelta(minutes=5))

    assert (row.state, row.run) == (State.CHECKING, 1)


@pytest.mark.parametrize("state", [State.CHECKING, State.WRITING])
def test_an_import_whose_worker_died_can_run_again(state):
    row = accept()
    AddressImport.objects.filter(pk=row.pk).update(state=state, run=1, started_at=NOON)

    run(row, now=NOON + timedelta(minutes=7))

    assert (row.state, row.run, row.houses_added) == (State.DONE, 2, 3)


def test_a_run_given_up_for_dead_writes_nothing(monkeypatch):
    row = accept()

    def be_overtaken(names):
        AddressImport.objects.filter(pk=row.pk).update(run=2)
        return [names]

    monkeypatch.setattr(address_import, "_chunks", be_overtaken)

    run(row)

    assert (row.state, House.objects.exists()) == (State.WRITING, False)


def test_a_failure_while_writing_leaves_nothing_behind(monkeypatch):
    row = accept()
    monkeypatch.setattr(address_import, "ADD_HOUSES", "SELECT 1 / 0")

    with pytest.raises(Exception, match="division by zero"):
        run(row)

    assert not Street.objects.exists()


def test_progress_is_saved_while_the_file_is_checked(monkeypatch):
    seen = []
    monkeypatch.setattr(address_import, "PROGRESS_EVERY", 1)
    keep = address_import._keep
    monkeypatch.setattr(address_import, "_keep", lambda row, **changes: seen.append(changes) or keep(row, **changes))

    run(accept())

    assert [changes["lines_done"] for changes in seen if "lines_done" in changes] == [1, 2, 3, 3]


def test_a_lost_message_is_sent_again_after_a_minute():
    row = accept()

    assert not address_import.waiting(now=NOON + timedelta(seconds=30))
    assert list(address_import.waiting(now=NOON + timedelta(minutes=2))) == [row]


def test_an_import_that_kills_its_workers_waits_for_a_person():
    row = accept()
    AddressImport.objects.filter(pk=row.pk).update(state=State.CHECKING, run=5, started_at=NOON)

    assert not address_import.waiting(now=NOON + timedelta(hours=1))


def test_a_person_runs_a_stuck_import_again():
    row = accept()
    AddressImport.objects.filter(pk=row.pk).update(state=State.CHECKING, run=5, started_at=NOON)

    address_import.run_again(row.pk, by=StaffFactory(), now=NOON + timedelta(minutes=7))

    assert AddressImport.objects.get().state == State.WAITING


def test_an_import_that_is_over_is_not_run_again():
    row = run(accept())

    with pytest.raises(address_import.ImportRuns, match="over"):
        address_import.run_again(row.pk, by=StaffFactory(), now=NOON)


@pytest.mark.parametrize(
    ("state", "minutes", "stuck"),
    [
        (State.WAITING, 0.5, False),
        (State.WAITING, 2, True),
        (State.CHECKING, 5, False),
        (State.CHECKING, 7, True),
        (State.WRITING, 7, True),
        (State.DONE, 60, False),
    ],
)
def test_a_page_knows_a_stuck_import(state, minutes, stuck):
    row = AddressImport(state=state, created_at=NOON, started_at=NOON)

    assert address_import.is_stuck(row, now=NOON + timedelta(minutes=minutes)) is stuck


def test_the_database_refuses_a_finished_import_without_its_time():
    with pytest.raises(IntegrityError, match="a_finished_import"):
        AddressImport.objects.filter(pk=accept().pk).update(state=State.DONE)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("12", "12"),
        (" 012 ", "12"),
        ("12а", "12А"),
        ("12 А", "12А"),
        ("12A", "12А"),  # a Latin letter
        ("12к2", "12 к2"),
        ("12 К2", "12 к2"),
        ("12 корп. 2", "12 к2"),
        ("12, корпус 2", "12 к2"),
        ("12 стр.3", "12 с3"),
        ("12А к2 с1", "12А к2 с1"),
        ("12/3", "12/3"),
        ("12 / 3 б", "12/3Б"),
        ("12-14", "12-14"),
        ("12К", "12К"),
        ("12 лит. Б", "12 лит. Б"),
        ("", None),
        ("0", None),
        ("д. 12", None),
        ("А12", None),
        ("12\n13", "12 13"),
        ("12;13", None),
        ("١٢", None),
    ],
)
def test_a_house_number_has_one_spelling(typed, number):
    assert house_numbers.normal(typed) == number


@pytest.mark.parametrize("number", ["12А", "12 к2", "12А/3Б к2 с1", "12 лит. Б"])
def test_a_spelling_is_final(number):
    assert house_numbers.normal(number) == number


@pytest.mark.django_db(transaction=True)
def test_one_import_sent_to_eight_workers_runs_once():
    row = accept()

    at_once(8, lambda _number: run(row))

    assert (AddressImport.objects.get().run, journal.of(row).count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_imports_of_one_city_at_once_add_everything_once():
    city = City.objects.get_or_create(slug="izhevsk", defaults={"name": "Ижевск", "name_en": "Izhevsk"})[0]
    lines = [f"улица {street},{house}" for street in range(20) for house in range(1, 100)]
    files = ["street,house\n" + "\n".join(random.sample(lines, len(lines))) for _file in range(4)]
    rows = [accept(text, city=city) for text in files]

    at_once(4, lambda number: run(rows[number]))

    added = AddressImport.objects.values_list("state", "houses_added")
    assert ({state for state, _houses in added}, sum(houses for _state, houses in added)) == ({State.DONE}, 1980)
