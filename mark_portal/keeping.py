"""Keeping processes alive: the supervisor's children, and what becomes of them when they or the supervisor die."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from mark_portal.server_programs import ServerUnavailable

PROJECT = Path(__file__).resolve().parent.parent
MARKER = "MARK_SUPERVISOR"  # in the environment of every child, its value the folder: tells whose children they are
QUICK_DEATH = 10.0  # seconds; who lives longer has earned a fresh count of deaths
QUICK_DEATHS_ALLOWED = 5
PATIENCE = 4.0  # seconds from SIGTERM to SIGKILL

COLOURS = {"pages": 36, "worker": 33, "beat": 35}


class GaveUp(Exception):
    """A part of the demo dies as often as it is started."""


class Part(Protocol):
    """What the supervisor keeps alive: a private server or a child."""

    name: str

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def is_alive(self) -> bool: ...


class Child:
    """One process of the portal in a session of its own; its lines are printed behind its name."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.name = name
        self.command = command
        self.environment = environment
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command,
            cwd=PROJECT,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        threading.Thread(target=self._echo, args=[self.process], daemon=True).start()

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_stop(self) -> None:
        if self.process is not None and self.is_alive():
            self.process.terminate()

    def stop(self) -> None:
        """Wait for it to end, then kill what is left of its session, such as a worker's own children."""
        if self.process is None:
            return
        self.ask_to_stop()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None

    def _echo(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            say(line.rstrip("\n"), of=self.name)


class Keeper:
    """Starts a part again when it dies: at once, then after 1, 2, 4… seconds if it keeps dying young."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.quick_deaths = 0
        self._started_at = time.monotonic()
        self._next_try_at: float | None = None

    def look(self, now: float) -> None:
        """Raises GaveUp after too many quick deaths in a row."""
        if self._next_try_at is None and not self.part.is_alive():
            self._count_death(now)
        if self._next_try_at is not None and now >= self._next_try_at:
            self._next_try_at = None
            self._started_at = now
            with self._failing_counts_as_death():
                self.part.start()

    def _count_death(self, now: float) -> None:
        self.quick_deaths = self.quick_deaths + 1 if now - self._started_at < QUICK_DEATH else 0
        if self.quick_deaths >= QUICK_DEATHS_ALLOWED:
            raise GaveUp(f"{self.part.name} died {QUICK_DEATHS_ALLOWED} times in a row; its last lines above say why.")
        pause = 2.0 ** (self.quick_deaths - 1) if self.quick_deaths else 0.0
        say(f"{self.part.name} died, starting it again" + (f" in {pause:.0f} s" if pause else ""))
        self._next_try_at = now + pause

    @staticmethod
    @contextlib.contextmanager
    def _failing_counts_as_death() -> Iterator[None]:
        try:
            yield
        except ServerUnavailable as error:
            say(str(error))


def sweep_children(folder: Path) -> None:
    """Kill the children of a killed supervisor of this folder."""
    deadline = time.monotonic() + PATIENCE
    while (orphans := list(children_of(folder))) and time.monotonic() < deadline:
        for pid in orphans:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def children_of(folder: Path) -> Iterator[int]:
    """By the marker in their environment, which no recycled process number can have."""
    marker = f"{MARKER}={folder}".encode()
    for process in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if marker in process.read_bytes().split(b"\0"):
                yield int(process.parent.name)


def say(text: str, *, of: str = "demo") -> None:
    """Print behind a name, if any. A closed terminal must not stop the stopping."""
    name = f"{of:>6} │ " if of else ""
    if name and sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        name = f"\033[{COLOURS.get(of, 1)}m{name}\033[0m"
    with contextlib.suppress(OSError, ValueError):
        print("\n".join(f"{name}{line}" for line in text.split("\n")), flush=True)  # noqa: T201
