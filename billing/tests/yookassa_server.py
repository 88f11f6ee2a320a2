"""A YooKassa of our own: its published API over real HTTP, which misbehaves when told to.

`with running() as shop:` serves it; `shop.next(Fault.…)` spoils the next answer, `shop.pay(number)` is the payer,
`shop.distort` changes what payments look like when they are asked about.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import uuid4

from billing.tests.yookassa_shop import KEY, SHOP, Shop, Wrong

SLOW = 0.2  # seconds, within our patience


class Fault(Enum):
    ERROR_BEFORE = auto()  # HTTP 500, nothing done
    ERROR_AFTER = auto()  # HTTP 500, yet done
    DROPPED_BEFORE = auto()  # the connection breaks
    DROPPED_AFTER = auto()
    SILENT = auto()  # done, but no answer within anybody's patience
    TRICKLE = auto()  # done, and the answer comes a byte at a time
    TOO_MANY = auto()  # HTTP 429
    PROCESSING = auto()  # HTTP 202, to be asked again
    BROKEN_JSON = auto()  # done, the answer is cut
    NOT_AN_OBJECT = auto()  # done, the answer is JSON but not an object
    NO_STATUS = auto()  # done, the answer lacks what it must have
    PROXY_PAGE = auto()  # HTTP 502 in HTML, from something in front
    PROXY_REFUSAL = auto()  # HTTP 403 in HTML: not YooKassa's word either
    SLOW = auto()  # late, but well


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    shop: Shop

    def do_GET(self) -> None:
        self.serve("GET")

    def do_POST(self) -> None:
        self.serve("POST")

    def serve(self, method: str) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.shop.fault_for(method)
        if fault in BEFORE:
            return self.say(*BEFORE[fault]) if BEFORE[fault] else self.drop()
        status, content = self.result(method, raw)
        return self.spoil(fault, status, content) if fault else self.say(status, json.dumps(content))

    def result(self, method: str, raw: bytes) -> tuple[int, dict[str, Any]]:
        try:
            self.authorise()
            body = json.loads(raw) if raw else None
            made = self.shop.answer(method, self.path, self.headers.get("Idempotence-Key"), body)
        except Wrong as error:
            return error.status, error.content
        shown = {name: value for name, value in deepcopy(made).items() if not name.startswith("_")}
        self.shop.distort(shown)
        return 200, shown

    def authorise(self) -> None:
        expected = base64.b64encode(f"{SHOP}:{KEY}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {expected}":
            raise Wrong(401, "invalid_credentials", "Error in shopId or secret key")

    def spoil(self, fault: Fault, status: int, content: dict[str, Any]) -> None:
        text = json.dumps(content)
        if fault == Fault.DROPPED_AFTER:
            self.drop()
        elif fault == Fault.SILENT:
            self.shop.over.wait(60)
            self.drop()
        elif fault == Fault.TRICKLE:
            self.trickle(text.encode())
        elif fault == Fault.SLOW:
            time.sleep(SLOW)
            self.say(status, text)
        else:
            self.say(*AFTER[fault](content))

    def trickle(self, text: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        for position in range(len(text)):
            if self.shop.over.wait(0.1):
                break
            self.wfile.write(text[position : position + 1])
        self.drop()

    def say(self, status: int, text: str) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def drop(self) -> None:
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64  # of connections that arrive at once


def without(content: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in names}


def error(code: str) -> str:
    return json.dumps({"type": "error", "id": str(uuid4()), "code": code, "description": "Try again"})


PAGE = "<html><h1>Bad gateway</h1></html>"
BEFORE: dict[Fault, tuple[int, str] | None] = {
    Fault.ERROR_BEFORE: (500, error("internal_server_error")),
    Fault.DROPPED_BEFORE: None,
    Fault.TOO_MANY: (429, error("too_many_requests")),
    Fault.PROCESSING: (202, json.dumps({"type": "processing", "description": "Request accepted", "retry_after": 1800})),
    Fault.PROXY_PAGE: (502, PAGE),
    Fault.PROXY_REFUSAL: (403, PAGE),
}
AFTER: dict[Fault, Callable[[dict[str, Any]], tuple[int, str]]] = {
    Fault.ERROR_AFTER: lambda _: (500, error("internal_server_error")),
    Fault.BROKEN_JSON: lambda content: (200, json.dumps(content)[:20]),
    Fault.NOT_AN_OBJECT: lambda _: (200, "[]"),
    Fault.NO_STATUS: lambda content: (200, json.dumps(without(content, "status", "items"))),
}


@contextmanager
def running() -> Iterator[Shop]:
    shop = Shop()
    handler = type("ShopHandler", (Handler,), {"shop": shop})
    server = Server(("127.0.0.1", 0), handler)
    shop.url = f"http://127.0.0.1:{server.server_port}/v3"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield shop
    finally:
        shop.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
