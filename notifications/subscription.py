"""One subscription a process to what `notifications.live` publishes, through every failure of Redis."""

import asyncio
import random
from collections.abc import Callable
from typing import NoReturn

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

Heard = Callable[[int, str], None]


async def listen(url: str, *, on_subscribed: Callable[[], None], on_event: Heard, ping_after: float) -> NoReturn:
    """Call `on_event(contract_id, event)` for ever, and `on_subscribed` after each gap, the first one too."""
    failures = 0

    def subscribed() -> None:
        nonlocal failures
        failures = 0
        log.info("live_subscribed")
        on_subscribed()

    while True:
        try:
            await _listen_once(url, subscribed, on_event, ping_after)
        except (RedisError, OSError) as error:  # a TimeoutError is an OSError
            log.warning("live_subscription_lost", error=type(error).__name__, failures=failures)
        wait = min(0.2 * 2**failures, WAIT_AT_MOST)
        failures = min(failures + 1, 10)
        await asyncio.sleep(wait * random.uniform(0.5, 1))


async def _listen_once(url: str, on_subscribed: Callable[[], None], on_event: Heard, ping_after: float) -> NoReturn:
    # redis-py's own retries would subscribe again without a word, and the gap would go unnoticed.
    client = Redis.from_url(
        url, socket_timeout=ping_after, socket_connect_timeout=ping_after, retry=Retry(NoBackoff(), 0)
    )
    async with client, client.pubsub() as subscription:
        await subscription.psubscribe(EVERY_CHANNEL)
        await _hear(subscription, on_subscribed, on_event, ping_after)


async def _hear(
    subscription: PubSub, on_subscribed: Callable[[], None], on_event: Heard, ping_after: float
) -> NoReturn:
    now = asyncio.get_running_loop().time
    heard_at = now()
    while True:
        message = await subscription.get_message(timeout=ping_after)
        if message is None:
            if now() - heard_at > 1.9 * ping_after:
                raise TimeoutError("Redis does not answer")
            await subscription.ping()
            continue
        heard_at = now()
        if message["type"] == "psubscribe":
            on_subscribed()
        elif message["type"] == "pmessage":
            _pass_on(message["channel"], message["data"], on_event)


def _pass_on(channel: bytes, data: bytes, on_event: Heard) -> None:
    contract_id, event = contract_of(channel.decode(errors="replace")), data.decode(errors="replace")
    if contract_id is None or not EVENT.fullmatch(event):
        log.warning("live_event_unreadable", channel=channel[:40], event=event[:40])
        return
    on_event(contract_id, event)
