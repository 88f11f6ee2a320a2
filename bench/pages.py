"""How fast the pages are under granian, 16 at once: each page's speed as a ratio of the plainest one. Needs wrk."""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 5
PAGES = ("/contacts/", "/", "/login/", "/cabinet/", "/cabinet/billing/", "/cabinet/profile/")


def main() -> None:
    from mark_portal import private_servers

    with private_servers.for_tests() as servers:
        os.environ |= {
            "MARK_DEMO": "1",
            "LOG_LEVEL": "ERROR",
            "REQUEST_LOG_LEVEL": "ERROR",
            "DJANGO_SETTINGS_MODULE": "mark_portal.settings",
            "STATIC_ROOT": str(servers.folder / "static"),
        } | servers.environment
        cookie = prepare()
        with granian() as address:
            measure(address, cookie)


def prepare() -> str:
    """A migrated database with the demo, and the cookie of its subscriber."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.test import Client

    from accounts.models import User
    from mark_portal import demo

    for command in ("migrate", "collectstatic"):
        call_command(command, verbosity=0, interactive=False)
    demo.fill(datetime.now(UTC))
    client = Client()
    client.force_login(User.objects.get(login="100001"), backend="accounts.backends.SubscriberBackend")
    client.get("/cabinet/", HTTP_HOST="127.0.0.1")
    return client.cookies["sessionid"].value


@contextlib.contextmanager
def granian():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", "2", "--blocking-threads", "1"]
    command += ["--host", "127.0.0.1", "--port", str(port), "--no-ws", "--log-level", "error"]
    process = subprocess.Popen([*command, "mark_portal.wsgi:application"], cwd=ROOT)
    try:
        for _try in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def measure(address: str, cookie: str) -> None:
    plainest = None
    for page in PAGES:
        wrk = ["wrk", "-t1", "-c16", "--latency", "-H", f"Cookie: sessionid={cookie}"]
        subprocess.run([*wrk, "-d1", address + page], capture_output=True, check=True)
        out = subprocess.run([*wrk, f"-d{SECONDS}", address + page], capture_output=True, check=True, text=True).stdout
        speed = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
        plainest = plainest or speed
        slowest = re.search(r"99%\s+(\S+)", out)[1]
        print(f"{page:22} {speed / plainest:5.2f} of {PAGES[0]}   p99 {slowest:>9}")


if __name__ == "__main__":
    main()
