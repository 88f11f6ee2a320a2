"""The speed test's transfers: how much one process of streams moves, and what pages feel of it. Prints ratios.

Down and up over the loopback against a plain socket that sends and reads the same blocks, with four connections as a
test has; then the time of a ping and of a page of another process while the transfers run. Needs no database.
"""

import contextlib
import http.client
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
CONNECTIONS, SECONDS, ROUNDS = 4, 3.0, 3
SIZE = 100_000_000  # of one transfer
BLOCK = 256 * 1024
NOISE = os.urandom(BLOCK)
ENVIRONMENT = os.environ | {"MARK_DEMO": "1", "LOG_LEVEL": "CRITICAL", "SPEED_TEST_GB_AN_HOUR": "100000"}
GBIT = 1_000_000_000 / 8
STREAMS = ["uvicorn", "mark_portal.live_asgi:application", "--no-access-log", "--log-level", "critical"]
PAGES = [
    "granian",
    "--interface",
    "wsgi",
    "--workers",
    "1",
    "--blocking-threads",
    "1",
    "--no-ws",
    "--log-level",
    "error",
]


@contextlib.contextmanager
def serving(command, **more):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", *command, "--port", str(port)]
    process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT, stderr=subprocess.DEVNULL, **more)
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def wait_for(port):
    for _ in range(400):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SystemExit("a server did not start")


@contextlib.contextmanager
def plain():
    """A socket that answers the first byte of a connection with noise, or reads what follows, a thread a connection."""
    command = [sys.executable, __file__, "--plain"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


def serve_plain():
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _address = listener.accept()
        threading.Thread(target=answer_plain, args=(connection,), daemon=True).start()


def answer_plain(connection):
    into = bytearray(BLOCK)
    with contextlib.suppress(OSError):
        if connection.recv(1) == b"d":
            while True:
                connection.sendall(NOISE)
        while connection.recv_into(into):
            pass


class Run:
    """Transfers under way, as fast as they can or each at a pace of bytes a second; counts what has moved."""

    def __init__(self, pace=None):
        self.pace, self.over, self.moved, self.began = pace, threading.Event(), [], time.perf_counter()

    def goes_on(self):
        return not self.over.is_set()

    def count(self, moved, of_this_connection):
        self.moved.append(moved)
        if self.pace:
            self.over.wait(max(0.0, of_this_connection / self.pace - (time.perf_counter() - self.began)))


def plain_down(port, run):
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(b"d")
        read(line, run, float("inf"))


def plain_up(port, run):
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(b"u")
        write(line, run, float("inf"))


def down(port, run):
    moved = 0
    while run.goes_on():
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(b"GET /speed/down?bytes=%d HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % SIZE)
            moved = read(line, run, SIZE, moved)


def up(port, run):
    moved = 0
    while run.goes_on():
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(b"POST /speed/up HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n" % SIZE)
            moved = write(line, run, SIZE, moved)
            if run.goes_on():
                line.recv(4096)


def read(line, run, size, before=0):
    into, moved = bytearray(BLOCK), 0
    while moved < size and run.goes_on():
        count = line.recv_into(into)
        if not count:
            raise SystemExit("the server hung up")
        moved += count
        run.count(count, before + moved)
    return before + moved


def write(line, run, size, before=0):
    moved = 0
    while moved < size and run.goes_on():
        count = line.send(NOISE[: min(size - moved, BLOCK)] if size - moved < BLOCK else NOISE)
        moved += count
        run.count(count, before + moved)
    return before + moved


@contextlib.contextmanager
def transfers(move, port, pace=None):
    """Four of them at once."""
    run = Run(pace)
    threads = [threading.Thread(target=move, args=(port, run)) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    try:
        time.sleep(0.5)
        yield run
    finally:
        run.over.set()
        for thread in threads:
            thread.join()


def bytes_a_second(move, port):
    with transfers(move, port) as run:
        before, began = len(run.moved), time.perf_counter()
        time.sleep(SECONDS)
        return sum(run.moved[before:]) / (time.perf_counter() - began)


def milliseconds(port, path):
    """Of an answer on an open connection: the middle one and the slowest of a hundred in the two seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    times, until = [], time.perf_counter() + 2
    while time.perf_counter() < until:
        began = time.perf_counter()
        connection.request("GET", path)
        connection.getresponse().read()
        times.append(1000 * (time.perf_counter() - began))
        time.sleep(0.005)
    return statistics.median(times), statistics.quantiles(times, n=100)[-1]


def compare_speed(port):
    with plain() as plain_port:
        for name, move, bare in (("down", down, plain_down), ("up", up, plain_up)):
            pairs = [(bytes_a_second(move, port), bytes_a_second(bare, plain_port)) for _ in range(ROUNDS)]
            ratio = statistics.median(ours / theirs for ours, theirs in pairs)
            ours = statistics.median(ours for ours, _theirs in pairs)
            print(f"{name}: {ratio:.2f} of a plain socket, {ours / GBIT:.1f} times a line of 1 Gbit/s")


def compare_waiting(name, port, path, streams):
    quiet, _slow = milliseconds(port, path)
    for way, move in (("down", down), ("up", up)):
        for speed, pace in (("at 1 Gbit/s", GBIT / CONNECTIONS), ("as fast as they can", None)):
            with transfers(move, streams, pace):
                busy, slow = milliseconds(port, path)
            print(
                f"{name} while transfers go {way} {speed}: {busy / quiet:.1f} times a quiet one, {busy:.1f} ms; "
                f"one of a hundred takes {slow:.0f} ms"
            )


def main():
    with serving(STREAMS) as streams, serving([*PAGES, "bench.trivial:wsgi"]) as pages:
        compare_speed(streams)
        compare_waiting("a ping of the same process", streams, "/speed/ping", streams)
        compare_waiting("a page of another process", pages, "/", streams)


if __name__ == "__main__":
    serve_plain() if "--plain" in sys.argv else main()
