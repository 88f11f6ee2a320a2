"""The open pages of one process: who is told which event, and how many there may be. Used in one event loop only."""

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Iterator

from notifications.visitors import Visitor

UNREAD_LIMIT = 32  # different events; a page that leaves more unread is dropped and comes back by itself
RECENT_SECONDS = 10.0
RECENT_CONTRACTS = 10_000

RESYNC = "resync"  # something may have been missed: refetch everything
BYE = "bye"  # the stream will not be given again: poll instead


class OpenPage:
    """One stream: what it has to be told, and whether it is over."""

    __slots__ = ("_told", "_unread", "is_over", "visitor")

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.is_over = False
        # In order and without repeats: a page refetches once, however often it is told.
        self._unread: dict[str, None] = {}
        self._told = asyncio.Event()

    def tell(self, event: str) -> None:
        self._unread[event] = None
        if len(self._unread) > UNREAD_LIMIT:
            self._unread.clear()
            self.is_over = True
        self._told.set()

    def end(self, *, last_word: str = "") -> None:
        """Let the stream end after a last event. Without one the browser comes back after a while."""
        self._unread.clear()
        if last_word:
            self._unread[last_word] = None
        self.is_over = True
        self._told.set()

    async def next_lines(self, *, within: float) -> bytes:
        """The next events as the lines of an event stream; after `within` seconds of silence a comment."""
        try:
            async with asyncio.timeout(within):
                await self._told.wait()
        except TimeoutError:
            return b":\n\n"
        self._told.clear()
        lines = "".join(f"event: {event}\ndata: {{}}\n\n" for event in self._unread)
        self._unread.clear()
        return lines.encode()


class OpenPages:
    def __init__(self, *, each_user: int, all_users: int) -> None:
        self.each_user = each_user
        self.all_users = all_users
        self._of_contract: dict[int, list[OpenPage]] = {}
        self._count = 0
        self._recent: OrderedDict[int, dict[str, float]] = OrderedDict()

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[OpenPage]:
        return (page for pages in list(self._of_contract.values()) for page in list(pages))

    @property
    def is_full(self) -> bool:
        return self._count >= self.all_users

    def add(self, page: OpenPage) -> None:
        """Take a page in, ending the user's oldest one past the limit, and tell it what it may have just missed."""
        pages = self._of_contract.setdefault(page.visitor.contract_id, [])
        pages.append(page)
        self._count += 1
        living = [other for other in pages if not other.is_over]
        for oldest in living[: -self.each_user]:
            oldest.end(last_word=BYE)
        since = time.monotonic() - RECENT_SECONDS
        for event, at in self._recent.get(page.visitor.contract_id, {}).items():
            if at > since:
                page.tell(event)

    def remove(self, page: OpenPage) -> None:
        pages = self._of_contract[page.visitor.contract_id]
        pages.remove(page)
        self._count -= 1
        if not pages:
            del self._of_contract[page.visitor.contract_id]

    def tell(self, contract_id: int, event: str) -> None:
        self._remember(contract_id, event)
        for page in self._of_contract.get(contract_id, ()):
            page.tell(event)

    def tell_all(self, event: str) -> None:
        for page in self:
            page.tell(event)

    def _remember(self, contract_id: int, event: str) -> None:
        """A page is drawn a moment before its stream opens: what happens in between is told again."""
        now = time.monotonic()
        self._recent.setdefault(contract_id, {})[event] = now
        self._recent.move_to_end(contract_id)
        while self._recent:
            oldest = next(iter(self._recent.values()))
            if len(self._recent) <= RECENT_CONTRACTS and max(oldest.values()) > now - RECENT_SECONDS:
                break
            self._recent.popitem(last=False)


def come_back_after() -> bytes:
    """When a browser whose stream broke tries again: not all of them at once."""
    return b"retry: %d\n\n" % random.randint(4_000, 10_000)
