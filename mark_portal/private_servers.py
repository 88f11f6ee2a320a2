"""A PostgreSQL and a Valkey of our own in one folder, for the demo and the tests, as root or not."""

import contextlib
import fcntl
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg2
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from mark_portal.server_programs import (
    ServerUnavailable,
    find_postgres,
    find_valkey,
    leading_number,
    postgres_version,
    way_out_of_root,
)

PORTS = range(20_000, 32_000)  # 32768 and up belong to outgoing connections, a server may fail to bind there
SOCKET_PATH_LIMIT = 107  # bytes, the kernel's
START_TIMEOUT = 60.0  # seconds; a busy machine's initdb
PROGRAMS = {"postgres", "valkey-server", "redis-server", "redis-check-rdb"}  # the last is Debian's name of the second


class FolderInUse(Exception):
    """Another living process keeps its servers in this folder."""


class PrivateServers:
    """Both servers. They belong to the process that started them: what it leaves behind is swept by the next one."""

    def __init__(self, folder: Path, *, for_tests: bool = False) -> None:
        self.folder = folder.resolve()
        self.for_tests = for_tests
        self.postgres = Postgres(self.folder, for_tests=for_tests)
        self.valkey = Valkey(self.folder)
        self._lock: IO[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": self.postgres.url, "REDIS_URL": self.valkey.url}

    def claim(self) -> None:
        """Make the folder ours and end what a killed owner left running in it. Raises FolderInUse."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)  # the servers trust whoever reaches their sockets
        self._lock = _lock(self.folder / "lock")
        sweep(self.folder)

    def start(self) -> None:
        """Start both and wait until they answer. Raises FolderInUse and ServerUnavailable, leaving nothing running."""
        if self._lock is None:
            self.claim()
        self.valkey.port = 0  # somebody may have taken the one it had before it was stopped
        try:
            self.postgres.start()
            self.valkey.start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self.valkey.stop()
        self.postgres.stop()
        if self.for_tests:
            shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()
            self._lock = None


class Server:
    """One server process. Its working directory is its data folder, which tells it from a recycled pid."""

    name: str
    stop_signals: Sequence[tuple[signal.Signals, float]]  # each with the seconds it is given

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / self.name
        self.log = folder / f"{self.name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        if self.process is not None:
            _end(self.process.pid, self.stop_signals, is_gone=lambda: not self.is_alive())
            self.process = None

    def _run(self, command: Sequence[str | Path], *, stdin: bytes = b"") -> None:
        """Start it in a session of its own, so that Ctrl-C in the terminal reaches only the owner."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd="/", start_new_session=True
            )
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(stdin)
            self.process.stdin.close()

    def _wait_until(self, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + START_TIMEOUT
        while not ready():
            if not self.is_alive() or time.monotonic() > deadline:
                self.stop()
                raise ServerUnavailable(
                    f"{self.name} did not start. Its last words ({self.log}):\n{self._last_words()}"
                )
            time.sleep(0.02)

    def _last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-10:])


class Postgres(Server):
    name = "postgres"
    PORT = 5432  # of a socket's name only, said aloud because PGPORT in the shell would change it
    SOCKET = f".s.PGSQL.{PORT}"
    stop_signals: Sequence[tuple[signal.Signals, float]] = (
        (signal.SIGINT, 5.0),
        (signal.SIGQUIT, 5.0),
        (signal.SIGKILL, 5.0),
    )

    def __init__(self, folder: Path, *, for_tests: bool = False) -> None:
        super().__init__(folder)
        self.for_tests = for_tests
        if for_tests:
            self.stop_signals = Postgres.stop_signals[1:]  # nobody needs the data again
        self.sockets = folder

    @property
    def url(self) -> str:
        return f"postgres://postgres@:{self.PORT}/{quote(str(self.sockets))}/mark"

    def start(self) -> None:
        binaries = find_postgres()
        if self.sockets == self.folder and len(os.fsencode(self.folder / self.SOCKET)) > SOCKET_PATH_LIMIT:
            self.sockets = Path(tempfile.mkdtemp(prefix="mark-socket-"))
        prefix = way_out_of_root(binaries / "postgres", self.folder, self.sockets)
        if not self.data.exists():
            self._create(binaries, prefix)
        self._refuse_other_version(binaries)
        self._forget_recycled_pid()
        options = [f"-c{name}={value}" for name, value in self._settings().items()]
        self._run([*prefix, binaries / "postgres", "-D", self.data, *options])
        self._wait_until(self._says_ready)
        self._create_database()

    def stop(self) -> None:
        super().stop()
        if self.sockets != self.folder:
            shutil.rmtree(self.sockets, ignore_errors=True)
            self.sockets = self.folder

    def _forget_recycled_pid(self) -> None:
        """PostgreSQL takes any process that has the number in its old lock files for itself, and refuses to start."""
        for file in (self.data / "postmaster.pid", self.sockets / f"{self.SOCKET}.lock"):
            pid = _first_number(file)
            if pid and Path(f"/proc/{pid}").exists() and _is_no_server_in(pid, self.data):
                file.unlink()

    def _says_ready(self) -> bool:
        """Lines 1 and 8 of its file are the postmaster's number and its own word about its state."""
        assert self.process is not None
        with contextlib.suppress(FileNotFoundError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return len(lines) >= 8 and lines[0] == str(self.process.pid) and lines[7].strip() == "ready"
        return False

    def _settings(self) -> dict[str, str | int | Path]:
        settings: dict[str, str | int | Path] = {
            "listen_addresses": "",
            "port": self.PORT,
            "unix_socket_directories": self.sockets,
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "shared_buffers": "128MB",
            "random_page_cost": "1.1",
            "jit": "off",
            "max_connections": 100,
        }
        if self.for_tests:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": 500}
            settings |= {"wal_level": "minimal", "max_wal_senders": 0, "max_wal_size": "2GB"}
        return settings

    def _create(self, binaries: Path, prefix: Sequence[str]) -> None:
        """Make the cluster aside and move it in place, so that a killed initdb leaves no half of one."""
        aside = self.folder / f"{self.name}.new"
        shutil.rmtree(aside, ignore_errors=True)
        # A plain C locale knows no lower case beyond ASCII: Cyrillic lower() and ILIKE would fail.
        locale = ["--locale=C.UTF-8"]
        if postgres_version(binaries) >= 17:
            locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        initdb, to = str(binaries / "initdb"), str(aside)
        command = [*prefix, initdb, "-D", to, "-U", "postgres", "-A", "trust", "-E", "UTF8", *locale]
        if self.for_tests:
            command.append("--no-sync")
        result = subprocess.run(command, capture_output=True, text=True, cwd="/", start_new_session=True)
        if result.returncode:
            raise ServerUnavailable(f"initdb failed:\n{result.stdout}{result.stderr}")
        aside.rename(self.data)

    def _refuse_other_version(self, binaries: Path) -> None:
        made_by, found = int((self.data / "PG_VERSION").read_text()), postgres_version(binaries)
        if made_by != found:
            raise ServerUnavailable(
                f"{self.data} was made by PostgreSQL {made_by}, but version {found} was found at {binaries}. "
                f"Bring version {made_by} back, or remove {self.folder} to begin with fresh data."
            )

    def _create_database(self) -> None:
        with contextlib.closing(
            psycopg2.connect(host=str(self.sockets), port=self.PORT, user="postgres", dbname="postgres")
        ) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = 'mark'")
                if cursor.fetchone() is None:
                    cursor.execute("CREATE DATABASE mark")


class Valkey(Server):
    name = "valkey"
    stop_signals = ((signal.SIGTERM, 3.0), (signal.SIGKILL, 5.0))

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = 0
        self._password = secrets.token_hex(16)  # any user of this machine reaches a port

    @property
    def url(self) -> str:
        return f"redis://:{self._password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, again on the port that its clients know if it had one. Raises ServerUnavailable."""
        binary = find_valkey()
        self.data.mkdir(exist_ok=True)
        if self.port:
            return self._start_on_port(binary, self.port)
        for _ in range(4):  # somebody may take the port between our look and the server's start
            with contextlib.suppress(ServerUnavailable):
                return self._start_on_port(binary, free_port())
        return self._start_on_port(binary, free_port())

    def _start_on_port(self, binary: Path, port: int) -> None:
        # What it holds (broker, pub/sub) is remade from PostgreSQL, so nothing is written to disk. The configuration
        # goes through stdin because a command line, and with it the password, can be read by every user.
        config = f'bind 127.0.0.1\nport {port}\nrequirepass {self._password}\ndir "{self.data}"\n'
        config += 'save ""\nappendonly no\ndatabases 64\n'
        self._run([binary, "-"], stdin=config.encode())
        assert self.process is not None
        (self.data / "valkey.pid").write_text(f"{self.process.pid}\n")
        self._wait_until(lambda: self._answers(port))
        self.port = port

    def _answers(self, port: int) -> bool:
        client = redis.Redis(port=port, password=self._password, retry=Retry(NoBackoff(), 0))
        with contextlib.suppress(redis.RedisError), client:
            return bool(client.ping())
        return False


def free_port() -> int:
    for port in random.sample(PORTS, 50):
        if is_free(port):
            return port
    raise ServerUnavailable(f"No free port was found between {PORTS.start} and {PORTS.stop}.")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def sweep(folder: Path) -> None:
    """End the servers that a killed owner left running in this folder, which must be locked by the caller."""
    for server in (Valkey, Postgres):
        data = folder / server.name
        pid_file = data / ("postmaster.pid" if server is Postgres else "valkey.pid")
        pid = _first_number(pid_file)
        if pid:
            _end(pid, server.stop_signals, is_gone=partial(_is_no_server_in, pid, data))


@contextlib.contextmanager
def for_tests() -> Iterator[PrivateServers]:
    """Servers in a temporary folder that goes away with them; folders of killed test runs are removed first."""
    temporary = Path(tempfile.gettempdir())
    for abandoned in temporary.glob("mark-test-*/lock"):
        with contextlib.suppress(OSError, FolderInUse), _lock(abandoned):
            sweep(abandoned.parent)
            shutil.rmtree(abandoned.parent, ignore_errors=True)
    servers = PrivateServers(Path(tempfile.mkdtemp(prefix="mark-test-")), for_tests=True)
    servers.start()
    try:
        yield servers
    finally:
        servers.stop()


def _lock(path: Path) -> IO[str]:
    """Hold the file until closed or until this process ends, however it ends. Raises FolderInUse."""
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise FolderInUse(str(path.parent)) from None
    return file


def _is_no_server_in(pid: int, data: Path) -> bool:
    with contextlib.suppress(OSError):
        process = Path("/proc") / str(pid)
        program = (process / "exe").readlink().name.removesuffix(" (deleted)")
        return (process / "cwd").readlink() != data or program not in PROGRAMS
    return True


def _end(pid: int, signals: Sequence[tuple[signal.Signals, float]], *, is_gone: Callable[[], bool]) -> None:
    for number, patience in signals:
        if is_gone():
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + patience
        while not is_gone() and time.monotonic() < deadline:
            time.sleep(0.02)


def _first_number(file: Path) -> int:
    with contextlib.suppress(OSError):
        return leading_number(file.read_text())
    return 0
