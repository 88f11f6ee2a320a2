"""The demo's supervisor: what dies is started again, what it leaves is swept, and it refuses what it must not touch."""

import os
import signal
import socket
import subprocess
import sys
import time
from itertools import pairwise

import pytest

from mark_portal import keeping, supervisor
from mark_portal.keeping import Child, GaveUp, Keeper
from mark_portal.private_servers import is_free
from mark_portal.supervisor import Refused, Stop

SLEEPER = [sys.executable, "-c", "import time; print('hello', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, subprocess, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)",
]


class Mortal:
    """A part that the test kills and counts."""

    name = "mortal"

    def __init__(self):
        self.starts = 1
        self.alive = True

    def start(self):
        self.starts += 1
        self.alive = True

    def stop(self):
        self.alive = False

    def is_alive(self):
        return self.alive


@pytest.fixture
def keeper():
    keeper = Keeper(Mortal())
    keeper._started_at = 0.0
    return keeper


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_part_that_dies_after_a_while_is_started_again_at_once(keeper):
    keeper.part.alive = False

    keeper.look(100.0)

    assert keeper.part.starts == 2


def test_the_pause_doubles_while_a_part_dies_young(keeper):
    starts_at = []

    for tick in range(80):
        keeper.part.alive = False
        before = keeper.part.starts
        keeper.look(tick / 10)
        if keeper.part.starts > before:
            starts_at.append(tick / 10)

    assert [round(later - earlier, 1) for earlier, later in pairwise(starts_at)] == [2.1, 4.1]


def look_every_second(keeper):
    for second in range(100):
        keeper.look(float(second))


def test_a_part_that_dies_young_five_times_is_given_up(keeper):
    keeper.part.start = lambda: None
    keeper.part.alive = False

    with pytest.raises(GaveUp, match="mortal died 5 times"):
        look_every_second(keeper)


def test_a_stopped_child_takes_its_own_children_along(capfd, monkeypatch):
    monkeypatch.setattr(keeping, "PATIENCE", 0.3)
    lines = []
    child = Child("stubborn", STUBBORN, os.environ)
    child.start()
    wait_until(lambda: lines.append(capfd.readouterr().out) or lines[-1])
    grandchild = int(lines[-1].split("│")[1])

    child.stop()

    wait_until(lambda: not runs(grandchild))


def test_lines_of_a_child_are_printed_behind_its_name(capfd):
    child = Child("pages", SLEEPER, os.environ)

    child.start()

    wait_until(lambda: " pages │ hello" in capfd.readouterr().out)
    child.stop()


def test_children_of_a_killed_supervisor_are_found_by_their_marker_and_ended(tmp_path):
    orphan = subprocess.Popen(SLEEPER, env=os.environ | {keeping.MARKER: str(tmp_path)}, stdout=subprocess.PIPE)
    stranger = subprocess.Popen(SLEEPER, env=os.environ | {keeping.MARKER: "/elsewhere"}, stdout=subprocess.PIPE)
    orphan.stdout.readline()

    keeping.sweep_children(tmp_path)

    assert orphan.wait(60) == -signal.SIGKILL
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_a_busy_port_is_named_with_the_command_for_a_free_one():
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]

        with pytest.raises(Refused) as refusal:
            supervisor.refuse_busy(port)

    assert f"Port {port} is busy" in str(refusal.value)
    assert is_free(int(str(refusal.value).rpartition("make run PORT=")[2]))


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL"])
def test_the_demo_refuses_a_database_that_somebody_keeps(name, tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "PROJECT", tmp_path)

    with pytest.raises(Refused, match=rf"{name} is set .* docs/deploy\.md"):
        supervisor.refuse_production({name: "scheme://somewhere"})


def test_a_database_named_in_the_env_file_is_refused_too(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "PROJECT", tmp_path)
    (tmp_path / ".env").write_text("# production\nexport DATABASE_URL=postgres://somewhere/mark\n")

    with pytest.raises(Refused, match="DATABASE_URL"):
        supervisor.refuse_production({})


def test_a_signal_stops_and_a_second_one_does_not_interrupt_the_stopping():
    with pytest.raises(Stop):
        be_stopped_twice()


def be_stopped_twice():
    with supervisor.stopping_signals():
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            with supervisor.deaf_to_signals():
                os.kill(os.getpid(), signal.SIGINT)


def test_the_fingerprint_changes_with_a_file(tmp_path):
    file = tmp_path / "base.css"
    file.write_text("a {}")
    before = supervisor.fingerprint([file])

    file.write_text("b { }")

    assert supervisor.fingerprint([file]) != before


def runs(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
