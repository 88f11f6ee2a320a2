"""The portal as production runs it, on the test's database: collected static files, pages and stream, one address."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection

from mark_portal.private_servers import free_port

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 180  # seconds; a busy machine's start


def find_chromium():
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def collect_static(folder):
    """With the storage of production: hashed, compressed, style sheets flattened."""
    command = [sys.executable, "manage.py", "collectstatic", "--noinput", "--verbosity=0"]
    environment = os.environ | {"STATIC_ROOT": str(folder), "DEBUG": "0"}
    subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True)
    return folder


@dataclass
class Portal:
    """A running one. `answers` is what it answered since `forget`, the stream apart."""

    url: str
    notes: Path

    def answers(self):
        return [json.loads(line) for line in self.notes.read_text().splitlines()]

    def forget(self):
        """Once everything asked for is answered: pages queue for one thread."""
        self.settle()
        os.truncate(self.notes, 0)

    def settle(self):
        urllib.request.urlopen(f"{self.url}/health/", timeout=PATIENCE).close()


@contextlib.contextmanager
def serving(static_root, folder):
    portal = Portal(f"http://127.0.0.1:{free_port()}", folder / "answers.jsonl")
    database = re.sub(r"[^/]+$", connection.settings_dict["NAME"], os.environ["DATABASE_URL"])
    own = {"DATABASE_URL": database, "STATIC_ROOT": str(static_root), "DEBUG": "0", "ANSWERS": str(portal.notes)}
    own |= {"SITE_URL": portal.url}
    command = [sys.executable, "-m", "uvicorn", "--factory", "mark_portal.tests.browser.served:build"]
    command += ["--port", portal.url.rpartition(":")[2], "--log-level", "warning"]
    with (folder / "portal.log").open("w") as log:
        process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=os.environ | own, stdout=log, stderr=log)
    try:
        _wait_for(portal, process, folder / "portal.log")
        yield portal
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _wait_for(portal, process, log):
    deadline = time.monotonic() + PATIENCE
    while True:
        with contextlib.suppress(OSError):
            return portal.settle()
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(log.read_text())
        time.sleep(0.05)
