"""The stream under a real uvicorn, and a browser's side of it."""

import contextlib
import http.client
import os
import re
import socket
import subprocess
import sys
import threading
import time

import uvicorn
from django.conf import settings
from django.db import connection
from django.test import Client

from mark_portal.private_servers import free_port

PATIENCE = 20  # seconds; a test that waits as long fails


@contextlib.contextmanager
def serving(application):
    config = uvicorn.Config(
        application, host="127.0.0.1", port=free_port(), log_config=None, lifespan="on", timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        yield config.port
    finally:
        application.end_streams()
        server.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive(), "the stream did not stop"


@contextlib.contextmanager
def serving_in_a_process():
    """As in production, on the test's database and Valkey. Gives the process and its port."""
    port = free_port()
    database = re.sub(r"[^/]+$", connection.settings_dict["NAME"], os.environ["DATABASE_URL"])
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "mark_portal.live_asgi:application", "--port", str(port)],
        env=os.environ | {"DATABASE_URL": database, "REDIS_URL": settings.REDIS_URL},
    )
    try:
        wait_until(lambda: _answers(port))
        yield process, port
    finally:
        process.kill()
        process.wait()


def _answers(port):
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def cookie_of(user):
    """A signed-in browser's cookie header."""
    client = Client()
    backend = "accounts.backends.StaffBackend" if user.is_staff else "accounts.backends.SubscriberBackend"
    client.force_login(user, backend=backend)
    return f"sessionid={client.session.session_key}"


class Browser:
    """One request; the events of its answer as they come."""

    def __init__(self, port, cookie="", *, method="GET", path="/live/", **headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.connection.request(method, path, headers=headers | ({"Cookie": cookie} if cookie else {}))
        self.answer = self.connection.getresponse()
        self.status = self.answer.status

    def __enter__(self):
        assert self.status == 200
        assert self.line().startswith("retry: ")
        return self

    def __exit__(self, *_exception):
        self.connection.close()

    def line(self):
        return self.answer.readline().decode().rstrip("\n")

    def events(self):
        """Every event until the stream ends."""
        while raw := self.answer.readline():
            if raw.startswith(b"event: "):
                yield raw.decode().strip().removeprefix("event: ")

    def event(self):
        return next(self.events())
