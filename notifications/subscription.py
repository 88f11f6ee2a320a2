"""One subscription a process to what `notifications.live` publishes, through every failure of Redis."""

import asyncio
import random
from collections.abc import Callable
from typing import Any, NoReturn

import structlog
from redis import RedisError
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from notifications.live import EVENT, EVERY_CHANNEL, contract_of

log = structlog.get_logger(__name__)

PING_AFTER = 5.0  # seconds of silence; after as many more without an answer Redis is taken to hang
WAIT_AT_MOST = 5.0


class Subscription:
    """Calls `on_event(contract_id, event)`, and `on_subscribed()` after each gap, the first one too."""

    def __init__(
        self, url: str, *, on_subscribed: Callable[[], None], on_event: Callable[[int, str], None], ping_after: float
    ) -> None:
        self.is_up = False
        self._url, self._ping_after = url, ping_after
        self._on_subscribed, self._on_event = on_subscribed, on_event
        self._failures = 0

    async def keep(self) -> NoReturn:
        """Subscribe again whenever the subscription is lost, later and later while it fails."""
        while True:
            try:
                await self._subscribe_once()
            except (RedisError, OSError) as error:  # a TimeoutError is an OSError
                log.warning("live_subscription_lost", error=type(error).__name__, failures=self._failures)
            except Exception:
                log.exception("live_subscription_failed")  # a fault of ours, but the pages still want to be told
            finally:
                self.is_up = False
            wait = min(0.2 * 2**self._failures, WAIT_AT_MOST)
            self._failures = min(self._failures + 1, 10)
            await asyncio.sleep(wait * random.uniform(0.5, 1))

    async def _subscribe_once(self) -> NoReturn:
        # redis-py's own retries would subscribe again without a word, and the gap would go unnoticed.
        client = Redis.from_url(
            self._url,
            socket_timeout=self._ping_after,
            socket_connect_timeout=self._ping_after,
            retry=Retry(NoBackoff(), 0),
        )
        async with client, client.pubsub() as subscription:
            await subscription.psubscribe(EVERY_CHANNEL)
            await self._hear(subscription)

    async def _hear(self, subscription: PubSub) -> NoReturn:
        now = asyncio.get_running_loop().time
        heard_at = now()
        while True:
            message = await subscription.get_message(timeout=self._ping_after)
            if message is not None:
                heard_at = now()
                self._pass_on(message)
            elif now() - heard_at > 1.9 * self._ping_after:
                raise TimeoutError("Redis does not answer")
            else:
                await subscription.ping()

    def _pass_on(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "psubscribe":
            self.is_up, self._failures = True, 0
            self._on_subscribed()
        elif kind == "pmessage":
            channel, event = message["channel"].decode(errors="replace"), message["data"].decode(errors="replace")
            contract_id = contract_of(channel)
            if contract_id is None or not EVENT.fullmatch(event):
                log.warning("live_event_unreadable", channel=channel[:40])
            else:
                self._on_event(contract_id, event)
