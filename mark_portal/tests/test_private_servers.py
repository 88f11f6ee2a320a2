"""Servers of our own: they start, stop, outlive nobody, and keep the data."""

import os
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mark_portal import private_servers, server_programs
from mark_portal.private_servers import FolderInUse, PrivateServers, is_free
from mark_portal.server_programs import ServerUnavailable


@pytest.fixture(scope="module")
def made_once():
    with tempfile.TemporaryDirectory(prefix="mark-test-", ignore_cleanup_errors=True) as name:
        yield PrivateServers(Path(name))


@pytest.fixture
def servers(made_once):
    made_once.start()
    yield made_once
    made_once.stop()


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="mark-test-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def ask(servers, sql):
    with closing(psycopg2.connect(host=str(servers.postgres.sockets), user="postgres", dbname="mark")) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone() if cursor.description else None


def wait_until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_both_servers_answer_once_started_and_know_cyrillic(servers):
    answer = ask(servers, "SELECT lower('ЁЛКА'), 'Удмуртская' ILIKE '%МУРТ%'")

    assert answer == ("ёлка", True)
    assert redis.Redis.from_url(servers.environment["REDIS_URL"]).ping()


def test_nobody_else_on_this_machine_reaches_them(servers):
    assert servers.folder.stat().st_mode & 0o077 == 0
    assert ask(servers, "SHOW listen_addresses") == ("",)
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=servers.valkey.port, retry=Retry(NoBackoff(), 0)).ping()


def test_a_second_start_keeps_the_data(servers):
    ask(servers, "CREATE TABLE kept AS SELECT 7 AS seven")
    servers.stop()

    servers.start()

    assert ask(servers, "SELECT seven FROM kept") == (7,)


def test_a_stopped_pair_leaves_no_process_and_no_busy_port(servers):
    pids = [servers.postgres.process.pid, servers.valkey.process.pid]

    servers.stop()

    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert is_free(servers.valkey.port)


def test_a_folder_in_use_is_refused(servers):
    with pytest.raises(FolderInUse):
        PrivateServers(servers.folder).start()


def test_servers_of_a_killed_owner_are_swept_and_their_data_kept(folder):
    owner = subprocess.Popen([sys.executable, "-c", OWNER, str(folder)], stdout=subprocess.PIPE, text=True)
    left_behind = dict(zip(NAMES, map(int, owner.stdout.readline().split()), strict=True))
    owner.kill()
    owner.wait()
    servers = PrivateServers(folder)

    servers.start()

    assert all(private_servers._is_no_server_in(pid, folder / name) for name, pid in left_behind.items())
    assert ask(servers, "SELECT seven FROM kept") == (7,)
    servers.stop()


NAMES = ("postgres", "valkey")
OWNER = """
import sys, time, psycopg2
from pathlib import Path
from mark_portal.private_servers import PrivateServers
servers = PrivateServers(Path(sys.argv[1]))
servers.start()
connection = psycopg2.connect(host=str(servers.postgres.sockets), user="postgres", dbname="mark")
connection.cursor().execute("CREATE TABLE kept AS SELECT 7 AS seven")
connection.commit()
print(servers.postgres.process.pid, servers.valkey.process.pid, flush=True)
time.sleep(60)
"""


def test_a_recycled_pid_is_neither_killed_nor_believed(servers):
    servers.stop()
    stranger = subprocess.Popen(["sleep", "60"], cwd=servers.postgres.data)
    (servers.postgres.data / "postmaster.pid").write_text(f"{stranger.pid}\n")
    (servers.valkey.data / "valkey.pid").write_text(f"{stranger.pid}\n")

    servers.start()

    assert stranger.poll() is None
    assert ask(servers, "SELECT 1") == (1,)
    stranger.kill()
    stranger.wait()


@pytest.mark.parametrize("name", NAMES)
def test_a_killed_server_starts_again_where_its_clients_know_it(servers, name):
    server = getattr(servers, name)
    before = servers.environment
    server.process.kill()
    wait_until(lambda: not server.is_alive())

    wait_until(lambda: starts(server))

    assert servers.environment == before


def starts(server):
    """A killed postmaster's children hold its shared memory for a moment."""
    try:
        server.start()
    except ServerUnavailable:
        return False
    return True


def test_a_folder_too_deep_for_a_socket_works_all_the_same(folder):
    servers = PrivateServers(folder / "улица" / ("x" * 100))

    servers.start()

    assert ask(servers, "SELECT 1") == (1,)
    sockets = servers.postgres.sockets
    servers.stop()
    assert not sockets.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs a way out of being root")
def test_root_without_user_namespaces_becomes_nobody(folder, monkeypatch):
    monkeypatch.setattr(server_programs, "AS_OURSELVES", ["no-such-program"])
    servers = PrivateServers(folder)

    servers.start()

    assert Path(f"/proc/{servers.postgres.process.pid}").stat().st_uid == server_programs.NOBODY
    assert ask(servers, "SELECT 1") == (1,)
    servers.stop()


def test_a_folder_of_another_version_is_refused_with_the_way_out(servers):
    servers.stop()
    version = servers.postgres.data / "PG_VERSION"
    real = version.read_text()
    version.write_text("14\n")

    with pytest.raises(ServerUnavailable, match="made by PostgreSQL 14"):
        servers.start()

    version.write_text(real)


@pytest.mark.parametrize("find", [server_programs.find_postgres, server_programs.find_valkey])
def test_a_machine_without_servers_is_told_what_to_install(find, monkeypatch):
    monkeypatch.setattr(server_programs, "_package_folder", lambda _: None)
    monkeypatch.setattr(server_programs, "SYSTEM_POSTGRES", Path("/nowhere"))
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(ServerUnavailable, match=r"pip install -r requirements-dev\.txt"):
        find()
