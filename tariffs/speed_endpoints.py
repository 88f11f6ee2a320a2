"""/speed/ping, /speed/down, /speed/up: what the speed test measures against, as a thin ASGI application.

Beside the live stream and no view: a transfer of many seconds would hold a worker of pages. Nothing here asks the
database. What is sent is noise made once, which nothing on its way can compress, so a transfer costs no memory.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BytesIO
from itertools import cycle
from urllib.parse import parse_qs

import structlog
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts import networks
from notifications.thin import HEADERS, Message, Receive, Refused, Send, refuse_strangers, start
from tariffs.speed_limits import MB, Bounds, Full, Places, Transfer

log = structlog.get_logger(__name__)

PING, DOWN, UP = "/speed/ping", "/speed/down", "/speed/up"
PATHS = frozenset({PING, DOWN, UP})
METHODS = {PING: "GET", DOWN: "GET", UP: "POST"}
BYTES_USUALLY = 10 * MB
NUMBER = re.compile(r"[0-9]{1,12}")
# Big enough that Python is seldom asked, small enough that streams beside it are served in between.
BLOCKS = [os.urandom(256 * 1024) for _number in range(4)]
# Who is refused in the middle of sending would only see a broken connection: what is under way is let come.
LINGER_SECONDS = 1.0
AS_NOISE = HEADERS | {
    "Content-Type": "application/octet-stream",
    "Content-Disposition": 'attachment; filename="mark-speed-test.bin"',
    "Cache-Control": "no-store, no-transform",
    "Accept-Ranges": "none",
}

Handler = Callable[[ASGIRequest, Receive, Send], Awaitable[None]]


class SpeedEndpoints:
    """The application; it answers its PATHS, 404 otherwise."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.places = Places(bounds or Bounds.from_settings())
        self.bounds = self.places.bounds
        self._handlers: dict[str, Handler] = {PING: self._ping, DOWN: self._down, UP: self._up}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        request = ASGIRequest(scope, BytesIO())
        try:
            with translation.override(_language_of(request)):
                _check(request)
                await self._handlers[request.path](request, receive, send)
        except Refused as refused:
            if refused.status in (429, 503):
                await _linger(receive)
            headers = {"Content-Type": "text/plain; charset=utf-8", "Connection": "close"} | refused.headers
            await _answer(send, refused.status, headers, refused.text)
        except OSError as error:  # too slow, or gone
            log.info("speed_client_dropped", path=request.path, error=type(error).__name__)

    async def _ping(self, request: ASGIRequest, receive: Receive, send: Send) -> None:
        await _answer(send, 200, {})

    async def _down(self, request: ASGIRequest, receive: Receive, send: Send) -> None:
        size = _size_asked_for(request, self.bounds.bytes_most)
        with _place(self.places, request, size) as transfer:
            gone = asyncio.create_task(_until_gone(receive))
            try:
                await send(start(200, AS_NOISE | {"Content-Length": str(size)}))
                async with asyncio.timeout(self.bounds.seconds_most):
                    await self._pour(size, transfer, send, gone)
            finally:
                gone.cancel()

    async def _pour(self, size: int, transfer: Transfer, send: Send, gone: asyncio.Task[None]) -> None:
        for block in _blocks(size):
            if gone.done():
                return
            left = size - transfer.moved - len(block)
            async with asyncio.timeout(self.bounds.patience):
                await send({"type": "http.response.body", "body": block, "more_body": left > 0})
            transfer.moved += len(block)
            await asyncio.sleep(0)  # a fast reader would never let the others have their turn

    async def _up(self, request: ASGIRequest, receive: Receive, send: Send) -> None:
        size = _size_announced(request, self.bounds.bytes_most)
        with _place(self.places, request, size) as transfer:
            began = asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(self.bounds.seconds_most):
                    await self._swallow(transfer, receive)
            except TimeoutError:
                raise Refused(408, _("This takes too long.")) from None
            seconds = asyncio.get_running_loop().time() - began
        if transfer.moved == size:
            answer = {"bytes": size, "seconds": round(seconds, 6), "at": timezone.now().isoformat()}
            await _answer(send, 200, {"Content-Type": "application/json"}, json.dumps(answer))

    async def _swallow(self, transfer: Transfer, receive: Receive) -> None:
        more = True
        while more:
            async with asyncio.timeout(self.bounds.patience):
                message = await receive()
            transfer.moved += len(message.get("body", b""))
            more = message.get("more_body", False)


def _check(request: ASGIRequest) -> None:
    method = METHODS.get(request.path)
    if method is None:
        raise Refused(404)
    if request.method != method:
        raise Refused(405, Allow=method)
    refuse_strangers(request)


def _language_of(request: ASGIRequest) -> str:
    chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
    return chosen if chosen in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE


def _size_asked_for(request: ASGIRequest, most: int) -> int:
    asked = parse_qs(request.META["QUERY_STRING"], keep_blank_values=True).get("bytes", [str(BYTES_USUALLY)])
    if len(asked) != 1 or not NUMBER.fullmatch(asked[0]) or not 0 < int(asked[0]) <= most:
        raise Refused(400, _("«bytes» is a number from 1 to %(most)d.") % {"most": most})
    return int(asked[0])


def _size_announced(request: ASGIRequest, most: int) -> int:
    length = request.headers.get("Content-Length")
    if length is None:
        raise Refused(411, _("How much is coming? The header Content-Length is missing."))
    if not NUMBER.fullmatch(length) or int(length) > most:
        raise Refused(413, _("At most %(most)d bytes at once.") % {"most": most})
    return int(length)


@contextmanager
def _place(places: Places, request: ASGIRequest, size: int) -> Iterator[Transfer]:
    try:
        with places.place(networks.address_of(request), size) as transfer:
            yield transfer
    except Full as full:
        if full.of_everybody:
            text = _("Many people are measuring just now. Please try again in %(seconds)d seconds.")
        else:
            text = _("Too much has been measured from your address. Please try again in %(seconds)d seconds.")
        status = 503 if full.of_everybody else 429
        raise Refused(status, text % {"seconds": full.after}, Retry_After=str(full.after)) from full


def _blocks(size: int) -> Iterator[bytes]:
    for block in cycle(BLOCKS):
        if size <= len(block):
            yield block[:size]
            return
        yield block
        size -= len(block)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _linger(receive: Receive) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while (await receive()).get("more_body", False):
                pass


async def _answer(send: Send, status: int, headers: Mapping[str, str], text: str = "") -> None:
    body = text.encode()
    await send(start(status, {**HEADERS, **headers, "Content-Length": str(len(body))}))
    await send({"type": "http.response.body", "body": body})
