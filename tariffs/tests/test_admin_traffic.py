"""Uploading traffic in the admin: who may, what is refused at once, how far it is."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts import journal, roles
from accounts.models import City
from accounts.tests.factories import CityFactory, ContractFactory, StaffFactory
from tariffs import tasks, traffic_files, traffic_import
from tariffs.models import TrafficDay, TrafficImport
from tariffs.tests.factories import NOON

pytestmark = pytest.mark.django_db
ADD = reverse("admin:tariffs_trafficimport_add")
State = TrafficImport.State


@pytest.fixture(autouse=True)
def _no_worker(monkeypatch):
    for task in (tasks.import_traffic, tasks.tell_of_volumes):
        monkeypatch.setattr(task, "apply_async", lambda **_: None)


@pytest.fixture
def contract():
    return ContractFactory()


def sign_in(client, role, cities):
    staff = StaffFactory(role=role, in_cities=cities)
    client.force_login(staff, backend="accounts.backends.StaffBackend")
    return staff


@pytest.fixture
def engineer(client, contract):
    return sign_in(client, roles.NETWORK_ENGINEER, City.objects.all())


def upload(client, text, name="hours.csv"):
    return client.post(ADD, {"file": SimpleUploadedFile(name, text.encode())})


def good(contract):
    return f"contract;hour;down;up\n{contract.number};2026-11-19 10:00;100;1\n"


def page_of(client, row):
    return " ".join(client.get(reverse("admin:tariffs_trafficimport_change", args=[row.pk])).content.decode().split())


def test_an_uploaded_file_is_kept_and_leads_to_its_progress(client, engineer, contract):
    answer = upload(client, good(contract))

    row = TrafficImport.objects.get()
    assert answer["Location"] == reverse("admin:tariffs_trafficimport_change", args=[row.pk])
    assert (row.author, row.file_name, row.bytes_total) == (engineer, "hours.csv", len(good(contract)))
    assert journal.of(row).filter(action="added").count() == 1


def test_the_page_says_the_form_of_the_file(client, engineer):
    page = client.get(ADD).content.decode()

    assert traffic_files.SAMPLE in page


def test_the_sample_is_a_right_file(client, engineer):
    row_of = upload(client, traffic_files.SAMPLE)
    traffic_import.run(clock=lambda: NOON.replace(year=2027))

    row = TrafficImport.objects.get()
    assert (row_of.status_code, row.state, row.rows) == (302, State.DONE, 3)


@pytest.mark.parametrize("text", ["", "x\n1\n", "contract;hour;down;up\n"])
def test_what_cannot_be_an_import_is_refused_at_the_form(client, engineer, text):
    answer = upload(client, text)

    assert answer.status_code == 422
    assert not TrafficImport.objects.exists()


def test_progress_asks_for_itself_until_it_is_over(client, engineer, contract, monkeypatch):
    upload(client, good(contract))
    row = TrafficImport.objects.get()
    change = reverse("admin:tariffs_trafficimport_change", args=[row.pk])

    waiting = client.get(change)
    traffic_import.run(clock=lambda: NOON)
    done = client.get(change)

    assert (waiting["Refresh"], "Refresh" in done) == ("2", False)
    assert "begins by itself" in waiting.content.decode()
    assert re.search(r"Lines: 1; of unknown contracts: 0", page_of(client, row))


@pytest.mark.parametrize(
    ("done", "said"), [(500_000, "Checking: 500 KB of 2 MB."), (3_000_000, "Writing: 1 MB of 2 MB.")]
)
def test_progress_is_told_in_bytes(client, engineer, contract, done, said):
    upload(client, good(contract))
    TrafficImport.objects.update(state=State.READING, bytes_total=2_000_000, bytes_done=done)

    assert said in page_of(client, TrafficImport.objects.get())


def test_a_file_behind_another_says_so(client, engineer, contract):
    upload(client, good(contract))
    upload(client, good(contract))

    assert "uploaded earlier are imported first" in page_of(client, TrafficImport.objects.first())


def test_errors_are_told_by_line_and_nothing_is_written(client, engineer, contract):
    upload(client, good(contract) + "<b>;2026-11-19 10:00;1;1\n")
    traffic_import.run(clock=lambda: NOON)

    page = page_of(client, TrafficImport.objects.get())

    assert "Nothing is written." in page
    assert "<td>3</td> <td>The contract number must be 6 to 12 figures.</td> <td>&lt;b&gt;</td>" in page
    assert not TrafficDay.objects.exists()


def test_a_file_of_other_peoples_contracts_is_doubted(client, engineer):
    upload(client, "contract;hour;down;up\n999999;2026-11-19 10:00;1;1\n")
    traffic_import.run(clock=lambda: NOON)

    assert "None of the contracts is known" in page_of(client, TrafficImport.objects.get())


def test_a_fault_of_ours_asks_for_no_correction(client, engineer, contract, monkeypatch):
    upload(client, good(contract))
    monkeypatch.setattr(traffic_import, "_write", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        traffic_import.run(clock=lambda: NOON)

    page = page_of(client, TrafficImport.objects.get())

    assert "fault of ours" in page
    assert "Correct the file" not in page


@pytest.mark.parametrize(
    ("role", "status"),
    [(roles.NETWORK_ENGINEER, 200), (roles.SUPERVISOR, 200), (roles.OPERATOR, 403), (roles.ACCOUNTANT, 403)],
)
def test_who_may_upload(client, contract, role, status):
    sign_in(client, role, City.objects.all())

    assert client.get(ADD).status_code == status


def test_staff_of_one_city_of_two_see_no_imports(client, contract):
    CityFactory(slug="votkinsk", name="Воткинск", name_en="Votkinsk")
    sign_in(client, roles.NETWORK_ENGINEER, [contract.city])

    assert client.get(ADD).status_code == 403
    assert client.get(reverse("admin:tariffs_trafficimport_changelist")).status_code == 403


def test_the_list_costs_the_same_with_more_rows(client, engineer, contract, django_assert_max_num_queries):
    for _number in range(12):
        upload(client, good(contract))

    with django_assert_max_num_queries(8):
        client.get(reverse("admin:tariffs_trafficimport_changelist"))


# --- The command ----------------------------------------------------------------------------------------------------
def test_the_command_imports(engineer, contract, tmp_path, capsys):
    file = tmp_path / "hours.csv"
    file.write_text(good(contract))

    call_command("import_traffic", file, by=engineer.login)

    assert capsys.readouterr().out == "1 lines, 0 of unknown contracts\n"
    assert TrafficDay.objects.get().down == 100


def test_the_command_fails_on_a_wrong_line(engineer, contract, tmp_path, capsys):
    file = tmp_path / "hours.csv"
    file.write_text(good(contract) + "wrong\n")

    with pytest.raises(CommandError, match="lines with errors: 1"):
        call_command("import_traffic", file, by=engineer.login)

    assert "line 3: There must be four columns" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "login"), [("hours.csv", "nobody"), ("missing.csv", None)])
def test_the_command_needs_a_file_and_an_author(engineer, contract, tmp_path, name, login):
    (tmp_path / "hours.csv").write_text(good(contract))

    with pytest.raises(CommandError):
        call_command("import_traffic", tmp_path / name, by=login or engineer.login)

    assert not TrafficImport.objects.exists()
