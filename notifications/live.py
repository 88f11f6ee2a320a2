"""Telling the open pages of a contract that something changed; they fetch the truth themselves."""

import re
import threading
import time
from collections.abc import Sequence

import redis
import structlog
from django.conf import settings
from django.db import transaction
from redis.backoff import NoBackoff
from redis.retry import Retry

log = structlog.get_logger(__name__)

# A page waits this long for Redis at most, and then not again until the rest is over.
PATIENCE_SECONDS = 0.2
REST_SECONDS = 5.0
A_BATCH = 500

EVERY_CHANNEL = "live:*"
# What a line of an event stream can hold. The last two are the stream's own words (notifications/open_pages.py).
EVENT = re.compile(r"(?!(?:resync|bye)$)[a-z][a-z_]{0,39}")


def channel_of(contract_id: int) -> str:
    return f"live:{contract_id}"


def contract_of(channel: str) -> int | None:
    """The contract that a channel belongs to; None for a channel that is not ours."""
    number = channel.removeprefix("live:")
    return int(number) if number.isascii() and number.isdigit() else None


def publish(contract_id: int, event: str) -> None:
    """Once the transaction commits, send `event` to every open page of the contract; lost quietly without Redis.

    The same event of the same contract is sent once for a transaction. Raises ValueError for an unfit event name.
    """
    if not EVENT.fullmatch(event):
        raise ValueError(f"{event!r} cannot name an event: lower-case letters and _, and not a word of the stream")
    told = _commit.told
    transaction.on_commit(lambda: _tell(told, contract_id, event), robust=True)


def publish_to_many(contract_ids: Sequence[int], event: str) -> None:
    """The same for many contracts, in few messages to Redis."""
    if not EVENT.fullmatch(event):
        raise ValueError(f"{event!r} cannot name an event")
    channels = [channel_of(contract_id) for contract_id in contract_ids]
    transaction.on_commit(lambda: _sender.send_all(channels, event), robust=True)


class _Commit(threading.local):
    """What the commit under way has told already; a thread has one connection to the database."""

    def __init__(self) -> None:
        self.told: set[tuple[int, str]] = set()


def _tell(told: set[tuple[int, str]], contract_id: int, event: str) -> None:
    # Which calls survive is known only now: one in a savepoint that was rolled back does not come here.
    _commit.told = set()
    if (contract_id, event) not in told:
        told.add((contract_id, event))
        _sender.send(channel_of(contract_id), event)


class _Sender:
    """Publishes, and after a failure leaves Redis alone for a while: only one page in five seconds waits for it."""

    def __init__(self) -> None:
        self._rests_until = 0.0
        self._client: redis.Redis | None = None

    def send(self, channel: str, message: str) -> None:
        self.send_all([channel], message)

    def send_all(self, channels: Sequence[str], message: str) -> None:
        if time.monotonic() < self._rests_until:
            return
        try:
            for start in range(0, len(channels), A_BATCH):
                self._publish(channels[start : start + A_BATCH], message)
        except redis.RedisError as error:
            self._rests_until = time.monotonic() + REST_SECONDS
            log.warning("live_publish_failed", error=type(error).__name__)

    def _publish(self, channels: Sequence[str], message: str) -> None:
        if len(channels) == 1:
            self._connected().publish(channels[0], message)
            return
        with self._connected().pipeline(transaction=False) as pipeline:
            for channel in channels:
                pipeline.publish(channel, message)
            pipeline.execute()

    def _connected(self) -> redis.Redis:
        if self._client is None:
            self._client = redis.Redis.from_url(
                settings.REDIS_URL,
                socket_timeout=PATIENCE_SECONDS,
                socket_connect_timeout=PATIENCE_SECONDS,
                retry=Retry(NoBackoff(), 0),
            )
        return self._client


_commit = _Commit()
_sender = _Sender()
