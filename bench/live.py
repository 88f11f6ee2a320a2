"""What the live stream holds: threads, memory and time for N open pages on one process. Prints numbers and ratios.

Starts its own private servers and one uvicorn process: `python bench/live.py [pages]`.
"""

import asyncio
import contextlib
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PAGES = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
ROUNDS = 5
AT_ONCE = 50  # handshakes at the same time, as browsers that come back after a restart


def status_of(pid):
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = dict(line.split(":", 1) for line in lines if ":" in line)
    return int(found["Threads"]), int(found["VmRSS"].split()[0])


def seconds_of_cpu(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def portal():
    """Private servers with a migrated database. Gives the session cookie and the contract of one subscriber."""
    from mark_portal import private_servers

    with private_servers.for_tests() as servers:
        os.environ |= servers.environment | {"MARK_DEMO": "1", "LOG_LEVEL": "WARNING"}
        import django

        django.setup()
        from django.core.management import call_command
        from django.test import Client

        from accounts.tests.factories import UserFactory

        call_command("migrate", verbosity=0)
        user = UserFactory()
        client = Client()
        client.force_login(user, backend="accounts.backends.SubscriberBackend")
        yield client.session.session_key, user.contract_id


@contextlib.contextmanager
def stream():
    from mark_portal.private_servers import free_port

    port = free_port()
    options = ["--port", str(port), "--no-access-log", "--log-level", "error", "--backlog", "4096"]
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "bench.live_application:application", *options], cwd=ROOT
    )
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                asyncio.run(knock(port))
                break
            time.sleep(0.05)
        yield process.pid, port
    finally:
        process.terminate()
        process.wait()


async def knock(port):
    _reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.close()


async def open_page(port, cookie, gate):
    async with gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /live/ HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: sessionid={cookie}\r\n\r\n".encode())
        head = await reader.readuntil(b"retry: ")
        assert b" 200 " in head.split(b"\r\n", 1)[0], head
        return reader, writer


async def measure(pid, port, cookie, contract_id):
    from notifications import live

    threads_empty, memory_empty = status_of(pid)
    gate = asyncio.Semaphore(AT_ONCE)
    began, cpu = time.perf_counter(), seconds_of_cpu(pid)
    pages = await asyncio.gather(*(open_page(port, cookie, gate) for _ in range(PAGES)))
    opened = time.perf_counter() - began
    cpu_opening = seconds_of_cpu(pid) - cpu
    threads, memory = status_of(pid)
    first, last = [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        hearing = [asyncio.create_task(hear(reader)) for reader, _writer in pages]
        await asyncio.sleep(0)
        live._sender.send(live.channel_of(contract_id), "balance")
        heard = sorted([await each - began for each in hearing])
        first.append(heard[0])
        last.append(heard[-1])
    cpu, began = seconds_of_cpu(pid), time.perf_counter()
    await asyncio.sleep(10)
    idle = (seconds_of_cpu(pid) - cpu) / (time.perf_counter() - began)
    for _reader, writer in pages:
        writer.close()
    print(f"{PAGES} pages opened in {opened:.1f} s, {1000 * cpu_opening / PAGES:.2f} ms of CPU each, session checked")
    print(
        f"threads: {threads_empty} without a page, {threads} with all: {(threads - threads_empty) / PAGES:.4f} a page"
    )
    print(f"memory: {memory_empty / 1024:.0f} MiB without a page, {(memory - memory_empty) / PAGES:.1f} KiB a page")
    print(
        f"one publish reaches the first page in {1000 * min(first):.1f} ms, all in {1000 * min(last):.0f} ms "
        f"(worst of {ROUNDS}: {1000 * max(last):.0f} ms), {1e6 * min(last) / PAGES:.0f} µs a page, this client included"
    )
    print(f"idle: {100 * idle:.1f} % of a core for the heartbeats")


async def hear(reader):
    await reader.readuntil(b"event: balance")
    return time.perf_counter()


def main():
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with portal() as (cookie, contract_id), stream() as (pid, port):
        asyncio.run(measure(pid, port, cookie, contract_id))


if __name__ == "__main__":
    main()
