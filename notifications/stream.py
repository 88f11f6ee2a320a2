"""/live/: server-sent events to the open pages, as a thin ASGI application in front of Django.

Not a Django view: Django's asynchronous streaming holds a thread a client. Here a client is two coroutines; the only
threads are the few that ask PostgreSQL who a visitor is.
"""

import asyncio
import contextlib
import random
import resource
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from types import FrameType
from typing import Any, TypeVar

import structlog
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import DatabaseError, InterfaceError, close_old_connections, connections
from django.utils import timezone

from notifications import visitors
from notifications.open_pages import BYE, RESYNC, OpenPage, OpenPages, come_back_after
from notifications.subscription import PING_AFTER, Subscription
from notifications.thin import HEADERS, Message, Receive, Refused, Send, refuse_strangers, start

log = structlog.get_logger(__name__)

Result = TypeVar("Result")

PATH = "/live/"
THREADS = 2
QUESTIONS_AT_MOST = 500  # visitors waiting for PostgreSQL's answer; more are asked to come later
PATIENCE_SECONDS = 5.0  # for that answer, and for a client to take what it is sent
OF_A_STREAM = HEADERS | {"Content-Type": "text/event-stream; charset=utf-8", "Vary": "Cookie"}


class LiveStream:
    """The application. It answers its own path and the lifespan, 404 otherwise."""

    def __init__(
        self,
        *,
        each_user: int = 8,
        all_users: int = 20_000,
        heartbeat: tuple[float, float] = (15.0, 25.0),
        recheck_every: float = 60.0,
        ping_after: float = PING_AFTER,
    ) -> None:
        self.pages = OpenPages(each_user=each_user, all_users=all_users)
        self.heartbeat, self.recheck_every, self.ping_after = heartbeat, recheck_every, ping_after
        self._work: list[asyncio.Task[Any]] = []
        self._subscription: Subscription | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._questions = 0
        self._is_closing = False
        self._replaced: dict[int, Any] = {}

    @property
    def is_listening(self) -> bool:
        return self._subscription is not None and self._subscription.is_up

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:
            await send({"type": "websocket.close"})

    # --- The process --------------------------------------------------------------------------------------------

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                self.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    def start(self) -> None:
        """Begin to listen, in the running loop; a server without a lifespan starts with its first client."""
        if self._work:
            return
        self._is_closing = False
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="live")
        self.pages.all_users = min(self.pages.all_users, _open_files_allowed() - 200)
        self._subscription = Subscription(
            settings.REDIS_URL,
            on_subscribed=lambda: self.pages.tell_all(RESYNC),
            on_event=self.pages.tell,
            ping_after=self.ping_after,
        )
        self._work = [
            asyncio.create_task(self._subscription.keep()),
            asyncio.create_task(self._recheck_for_ever()),
        ]
        self._end_streams_on_signals()

    async def stop(self) -> None:
        self.end_streams()
        for number, handler in self._replaced.items():
            signal.signal(number, handler)
        self._replaced.clear()
        while self._work:
            # Again and again: a connection to Redis that breaks while it is closed turns the cancellation into its own
            # error, which reads as one more lost subscription.
            for task in self._work:
                task.cancel()
            _, unfinished = await asyncio.wait(self._work, timeout=0.5)
            self._work = list(unfinished)
        if self._threads is not None:
            _close_connections(self._threads)
            self._threads = None

    def end_streams(self) -> None:
        """The browsers come back by themselves, spread over some seconds."""
        self._is_closing = True
        for page in self.pages:
            page.end()

    def _end_streams_on_signals(self) -> None:
        """A server waits for open responses before it ends the lifespan, and streams stay open until they are told."""
        loop = asyncio.get_running_loop()

        def end(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.end_streams)
            if callable(before := self._replaced.get(number)):
                before(number, frame)

        with contextlib.suppress(ValueError):  # not the main thread: whoever owns it ends us by the lifespan
            for number in (signal.SIGTERM, signal.SIGINT):
                self._replaced[number] = signal.signal(number, end)

    # --- A client -----------------------------------------------------------------------------------------------

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            page = OpenPage(await self._admit(scope))
        except Refused as refused:
            await send(start(refused.status, OF_A_STREAM | {"Content-Length": "0"} | refused.headers))
            await send({"type": "http.response.body", "body": b""})
            return
        self.pages.add(page)
        watch = asyncio.create_task(_end_when_gone(page, receive))
        try:
            await self._stream(page, send)
        except OSError as error:  # gone, or too slow to take what it is sent
            log.info("live_client_dropped", error=type(error).__name__)
        finally:
            watch.cancel()
            self.pages.remove(page)

    async def _admit(self, scope: Message) -> visitors.Visitor:
        if scope["path"] != PATH:
            raise Refused(404)
        if scope["method"] != "GET":
            raise Refused(405, Allow="GET")
        request = ASGIRequest(scope, BytesIO())
        refuse_strangers(request)
        session_key = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
        if not session_key:
            raise Refused(401)
        self.start()
        if self._is_closing or self.pages.is_full or self._questions >= QUESTIONS_AT_MOST:
            raise _later()
        try:
            return await self._ask(lambda: visitors.admit(session_key))
        except visitors.NotSignedIn:
            raise Refused(401) from None
        except visitors.NotASubscriber:
            raise Refused(403) from None
        except (DatabaseError, InterfaceError, TimeoutError) as error:
            log.warning("live_visitor_unknown", error=type(error).__name__)
            raise _later() from error

    async def _stream(self, page: OpenPage, send: Send) -> None:
        await send(start(200, OF_A_STREAM))
        lines = come_back_after()
        while lines or not page.is_over:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await send({"type": "http.response.body", "body": lines, "more_body": True})
            lines = b"" if page.is_over else await page.next_lines(within=random.uniform(*self.heartbeat))
        await send({"type": "http.response.body", "body": b""})

    # --- Who it is ----------------------------------------------------------------------------------------------

    async def _ask(self, question: Callable[[], Result]) -> Result:
        """Run it in one of the few threads. Raises TimeoutError: the thread may go on, the client does not wait."""
        assert self._threads is not None
        self._questions += 1
        try:
            asked = asyncio.get_running_loop().run_in_executor(self._threads, _with_connection, question)
            return await asyncio.wait_for(asked, PATIENCE_SECONDS)
        finally:
            self._questions -= 1

    async def _recheck_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self.recheck_every * random.uniform(0.9, 1.1))
            try:
                await self._recheck()
            except (DatabaseError, InterfaceError, TimeoutError) as error:
                # Whoever was let in stays while PostgreSQL is away; a page could not be opened either.
                log.warning("live_recheck_failed", error=type(error).__name__)

    async def _recheck(self) -> None:
        pages = [page for page in self.pages if not page.is_over]
        if not pages:
            return
        who = {page.visitor for page in pages}
        admitted = await self._ask(lambda: visitors.still_admitted(who, now=timezone.now()))
        for page in pages:
            if page.visitor.session_key not in admitted:
                page.end(last_word=BYE)


def _later() -> Refused:
    return Refused(503, Retry_After=str(random.randint(5, 20)))


async def _end_when_gone(page: OpenPage, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    page.end()


def _with_connection(question: Callable[[], Result]) -> Result:
    """A thread keeps its connection between questions, as a page's does between requests, and drops a broken one."""
    close_old_connections()
    try:
        return question()
    finally:
        close_old_connections()


def _close_connections(threads: ThreadPoolExecutor) -> None:
    """One farewell to each thread, at the same moment so that none takes two; one that hangs is not waited for."""
    together = threading.Barrier(THREADS)

    def close() -> None:
        connections.close_all()
        together.wait(PATIENCE_SECONDS)

    for _ in range(THREADS):
        threads.submit(close)
    threads.shutdown(wait=False)


def _open_files_allowed() -> int:
    """Each client is an open file, and the usual limit, 1,024, is only the soft one: raise it as far as we may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return soft if soft != resource.RLIM_INFINITY else wanted
