"""The demo's one process type: streams and pages under one address, without nginx.

The thin ASGI applications answer /live/ and the transfers of the speed test; all else goes to Django's WSGI
application in one thread of pages a process, as granian has in production. Measured by bench/front.py: 0.88 of plain
WSGI, where a2wsgi, which crosses between the thread and the loop for every part of an answer, gives 0.68, and Django's
own ASGI handler half.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import StartResponse, WSGIApplication

# As in deploy/nginx.conf; the page /speed/ itself is a page.
SPEED_TEST = ("/speed/ping", "/speed/down", "/speed/up")
BATCH = 256 * 1024  # bytes of an answer that cross from the thread to the loop at once

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Message, Receive, Send], Awaitable[None]]


def build() -> Asgi:
    """For `uvicorn --factory`."""
    from mark_portal.live_asgi import application as live
    from mark_portal.wsgi import application as pages

    return one_address(pages=pages, live=live)


def one_address(*, pages: WSGIApplication, live: Asgi) -> Asgi:
    """Share one address between the two. The lifespan, start and stop of the process, is the stream's business."""
    thread = ThreadPoolExecutor(1, thread_name_prefix="pages")

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not is_streamed(scope["path"]):
            await answer_page(pages, thread, scope, receive, send)
        else:
            await live(scope, receive, send)

    return application


def is_streamed(path: str) -> bool:
    return path.startswith("/live/") or path in SPEED_TEST


async def answer_page(
    pages: WSGIApplication, thread: ThreadPoolExecutor, scope: Message, receive: Receive, send: Send
) -> None:
    """Cross to the thread and back once for a usual page, once a batch for a long one."""
    with SpooledTemporaryFile(max_size=BATCH) as body:
        await read_body(receive, body)
        answer = Answer(pages, environ_of(scope, body))
        loop = asyncio.get_running_loop()
        part, is_last = await loop.run_in_executor(thread, answer.begin)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        gone = None if is_last else asyncio.ensure_future(receive())
        while not is_last and not (gone and gone.done()):
            await send({"type": "http.response.body", "body": part, "more_body": True})
            part, is_last = await loop.run_in_executor(thread, answer.next_batch)
        if gone and not gone.cancel():
            await loop.run_in_executor(thread, answer.close)  # the reader left in the middle
        await send({"type": "http.response.body", "body": part})


class Answer:
    """One run of the WSGI application. Its methods are called in the thread of pages only."""

    def __init__(self, application: WSGIApplication, environ: dict[str, Any]) -> None:
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self._application = application
        self._environ = environ
        self._parts: Iterator[bytes] = iter(())
        self.close: Callable[[], None] = lambda: None

    def begin(self) -> tuple[bytes, bool]:
        start: StartResponse = self._start_response
        result = self._application(self._environ, start)
        self.close = getattr(result, "close", self.close)
        self._parts = iter(result)
        return self.next_batch()

    def next_batch(self) -> tuple[bytes, bool]:
        """A batch and whether it is the last. The answer is closed when it ends or breaks."""
        batch = bytearray()
        try:
            for part in self._parts:
                batch += part
                if len(batch) >= BATCH:
                    return bytes(batch), False
        except BaseException:
            self.close()
            raise
        self.close()
        return bytes(batch), True

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None, /
    ) -> Callable[[bytes], object]:
        self.status = int(status.split(" ", 1)[0])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return lambda _: None  # PEP 3333's write(), which Django never calls


async def read_body(receive: Receive, body: IO[bytes]) -> None:
    more = True
    while more:
        message = await receive()
        body.write(message.get("body", b""))
        more = message.get("more_body", False)


def environ_of(scope: Message, body: IO[bytes]) -> dict[str, Any]:
    """The WSGI environment of an ASGI request whose whole body has arrived."""
    size = body.tell()
    body.seek(0)
    server, client = scope.get("server") or ("localhost", 80), scope.get("client") or ("", 0)
    environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": client[0],
        "CONTENT_LENGTH": str(size),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        if b"_" in raw_name:
            continue  # X_Real_IP would pass for the proxy's X-Real-IP
        name = raw_name.decode("latin-1").upper().replace("-", "_")
        value = raw_value.decode("latin-1")
        if name == "CONTENT_TYPE":
            environ[name] = value
        elif name != "CONTENT_LENGTH":
            key = f"HTTP_{name}"
            glue = "; " if name == "COOKIE" else ","
            environ[key] = f"{environ[key]}{glue}{value}" if key in environ else value
    return environ
