"""Telling the open pages of a contract that something changed; they fetch the truth themselves."""

import json
import time

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


def channel_of(contract_id: int) -> str:
    return f"live:{contract_id}"


def publish(contract_id: int, event: str) -> None:
    """Once the transaction commits, send `event` to every open page of the contract; lost quietly without Redis."""
    transaction.on_commit(lambda: _sender.send(channel_of(contract_id), json.dumps({"event": event})), robust=True)


class _Sender:
    def __init__(self) -> None:
        self._rests_until = 0.0
        self._client: redis.Redis | None = None

    def send(self, channel: str, message: str) -> None:
        if time.monotonic() < self._rests_until:
            return
        try:
            self._connected().publish(channel, message)
        except redis.RedisError as error:
            self._rests_until = time.monotonic() + REST_SECONDS
            log.warning("live_publish_failed", error=type(error).__name__)

    def _connected(self) -> redis.Redis:
        if self._client is None:
            self._client = redis.Redis.from_url(
                settings.REDIS_URL,
                socket_timeout=PATIENCE_SECONDS,
                socket_connect_timeout=PATIENCE_SECONDS,
                retry=Retry(NoBackoff(), 0),
            )
        return self._client


_sender = _Sender()
