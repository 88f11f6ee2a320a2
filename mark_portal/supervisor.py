"""`make run`: the whole demo from one terminal. Starts the private servers, prepares the database, runs the portal's
processes, starts again what dies, and stops everything on Ctrl-C.
"""

import argparse
import contextlib
import hashlib
import http.client
import io
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

from mark_portal import catalogs
from mark_portal.keeping import MARKER, Child, GaveUp, Keeper, Part, say, sweep_children
from mark_portal.private_servers import FolderInUse, PrivateServers, is_free
from mark_portal.server_programs import ServerUnavailable

PROJECT = Path(__file__).resolve().parent.parent
LOCAL = PROJECT / ".local"

WELCOME = """
  «Марк» is ready:  {address}

  Subscriber   city izhevsk, login 100001
  Staff        {address}/admin/ as operator, agent, engineer, accountant or supervisor
  Password     demo-mark-2026, everybody's

  Ctrl-C stops everything. The data stay in .local/ for the next start.
"""


class Refused(Exception):
    """The demo does not start; the message says why and what to run instead."""


class Stop(BaseException):
    """Ctrl-C or SIGTERM. Like KeyboardInterrupt, not an Exception, so that nobody handles it by accident."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make run", description="The demo of «Марк» on this machine.")
    parser.add_argument("--port", type=int, default=8000)
    port: int = parser.parse_args(arguments).port
    with stopping_signals():
        try:
            refuse_production(os.environ)
            run(port)
        except (Refused, GaveUp, ServerUnavailable) as problem:
            say(str(problem))
            return 1
        except Stop:
            say("stopped")
    return 0


def run(port: int) -> None:
    """Everything from the first server to the last stop. Raises Refused, ServerUnavailable, GaveUp and Stop."""
    servers = claimed_servers()
    children: list[Child] = []
    try:
        refuse_busy(port)
        say("starting PostgreSQL and Valkey in .local/")
        servers.start()
        os.environ |= servers.environment | {
            "MARK_DEMO": "1",
            "DJANGO_SETTINGS_MODULE": "mark_portal.settings",
            "STATIC_ROOT": str(LOCAL / "static"),
            "MEDIA_ROOT": str(LOCAL / "files"),
            "SITE_URL": f"http://127.0.0.1:{port}",
            "REQUEST_LOG_LEVEL": os.environ.get("REQUEST_LOG_LEVEL", "WARNING"),
        }
        prepare()
        children += portal(port, os.environ | {MARKER: str(LOCAL), "PYTHONUNBUFFERED": "1"})
        for child in children:
            child.start()
        keep_alive([servers.postgres, servers.valkey, *children], port)
    finally:
        with deaf_to_signals():
            for child in children:
                child.ask_to_stop()
            for child in children:
                child.stop()
            servers.stop()


def claimed_servers() -> PrivateServers:
    """The folder is ours, and nothing that a killed supervisor left runs in it any more. Raises Refused."""
    servers = PrivateServers(LOCAL)
    try:
        servers.claim()
    except FolderInUse:
        raise Refused("The demo is already running from this folder. Stop it with Ctrl-C in its terminal.") from None
    sweep_children(LOCAL)
    return servers


def portal(port: int, environment: Mapping[str, str]) -> list[Child]:
    """The processes that production runs too (docs/deploy.md), pages and stream sharing one address."""
    uvicorn = ["uvicorn", "--factory", "mark_portal.demo_asgi:build", "--host", "127.0.0.1", "--port", str(port)]
    uvicorn += ["--workers", "2", "--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "1"]
    worker = [
        "celery",
        "-A",
        "mark_portal",
        "--quiet",
        "worker",
        "--concurrency",
        "2",
        "--without-gossip",
        "--without-mingle",
    ]
    beat = ["celery", "-A", "mark_portal", "--quiet", "beat", "--schedule", str(LOCAL / "beat-schedule"), "--pidfile="]
    quiet = {**environment, "LOG_LEVEL": environment.get("LOG_LEVEL", "WARNING")}
    commands = {
        "pages": (uvicorn, environment),
        "worker": (worker, quiet),
        "beat": (beat, quiet),
    }
    # Celery warns of root. The demo may be run by root: its data are its own.
    python = [sys.executable, "-W", "ignore:You're running the worker", "-m"]
    return [Child(name, [*python, *command], env) for name, (command, env) in commands.items()]


def prepare() -> None:
    """Bring messages, tables, static files and the demo's data up to date. Quick when they are."""
    import django
    from django.core.management import call_command
    from django.db import connections

    for po in catalogs.compile_stale():
        say(f"compiled {po.relative_to(PROJECT)}")
    django.setup()
    say("migrating the database")
    call_command("migrate", interactive=False, verbosity=0)
    collect_static_files()
    call_command("fill_demo", stdout=Speaker())
    connections.close_all()


def collect_static_files() -> None:
    """Collect when a file is new, changed or gone since the last time."""
    from django.conf import settings
    from django.contrib.staticfiles.finders import get_finders
    from django.core.management import call_command

    found = ((path, storage.path(path)) for finder in get_finders() for path, storage in finder.list([]))
    print_now = fingerprint([Path(__file__).with_name("staticfiles.py"), *(Path(full) for _, full in sorted(found))])
    print_then = LOCAL / "static.fingerprint"
    if print_then.exists() and print_then.read_text() == print_now and Path(settings.STATIC_ROOT).exists():
        return
    say("collecting static files")
    print_then.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    print_then.write_text(print_now)


def fingerprint(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        status = file.stat()
        digest.update(f"{file}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def keep_alive(parts: Sequence[Part], port: int) -> None:
    """Until Stop. Raises GaveUp when a part cannot be kept alive."""
    keepers = [Keeper(part) for part in parts]
    greeter = Greeter(port)
    while True:
        greeter.look(time.monotonic())
        for keeper in keepers:
            keeper.look(time.monotonic())
        time.sleep(0.2)


class Greeter:
    """Prints the address and the credentials once the home page answers."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._next_look_at = 0.0

    def look(self, now: float) -> None:
        if now < self._next_look_at:
            return
        status = self._status_of_home()
        if status >= 500:
            say(f"the home page answers {status}; the lines of pages above say why")
            self._next_look_at = now + 10
        elif status:
            say(in_a_box(WELCOME.strip("\n").format(address=f"http://127.0.0.1:{self.port}")), of="")
            self._next_look_at = float("inf")

    def _status_of_home(self) -> int:
        """0 while nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", "/")
            return connection.getresponse().status
        return 0


def refuse_production(environment: Mapping[str, str]) -> None:
    settings = dict(environment)
    with contextlib.suppress(FileNotFoundError):
        for line in (PROJECT / ".env").read_text().splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            settings.setdefault(name.strip(), value.strip())
    own = [name for name in ("DATABASE_URL", "REDIS_URL") if settings.get(name)]
    if own:
        raise Refused(
            f"{' and '.join(own)} is set in the environment or in .env: that is a database somebody keeps, and the "
            "demo runs only on servers of its own. docs/deploy.md tells how to run the portal in production; "
            f"`env {' '.join(f'-u {name}' for name in own)} make run` starts the demo."
        )


def refuse_busy(port: int) -> None:
    if is_free(port):
        return
    other = next((candidate for candidate in range(port + 1, port + 200) if is_free(candidate)), None)
    raise Refused(f"Port {port} is busy." + (f" This one is free:  make run PORT={other}" if other else ""))


Handler = Callable[[int, FrameType | None], None]
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def stopping_signals() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        say("stopping")
        raise Stop

    with _handling(stop):
        yield


@contextlib.contextmanager
def deaf_to_signals() -> Iterator[None]:
    """A second Ctrl-C must not interrupt the stopping, which is bounded anyway."""
    with _handling(lambda *_: None):
        yield


@contextlib.contextmanager
def _handling(handler: Handler) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in SIGNALS}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


class Speaker(io.TextIOBase):
    """The standard output of a command that runs within the supervisor."""

    def write(self, text: str) -> int:
        say(text.rstrip("\n"))
        return len(text)


def in_a_box(text: str) -> str:
    lines = text.splitlines()
    width = max(map(len, lines)) + 2
    return "\n".join([f"┌{'─' * width}┐", *(f"│{line:<{width}}│" for line in lines), f"└{'─' * width}┘"])


if __name__ == "__main__":
    sys.exit(main())
