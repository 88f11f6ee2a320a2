"""The official SDK's client, minus what a page cannot live with.

The SDK waits for ever, stumbles over a broken connection, reads one process-wide configuration that any thread may
change, and can be told to log bodies with contacts. Its requests, answers and authorisation stay.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cache
from http import HTTPStatus
from threading import Thread
from typing import Any, TypeVar

import requests
import structlog
from django.conf import settings
from yookassa import Payment, Receipt, Refund
from yookassa.client import ApiClient
from yookassa.domain.common import RequestObject, UserAgent

from billing.gateways import Refused, Unknown

log = structlog.get_logger(__name__)

T = TypeVar("T")
PRIVATE = re.compile(r"\S+@\S+|\+?\d{9,}")
user_agent = cache(UserAgent)  # it reads the system's release files


class Client(ApiClient):  # type: ignore[misc]
    def __init__(self) -> None:
        # Not the parent's: that reads the process-wide configuration.
        self.endpoint = settings.YOOKASSA_API_URL
        self.shop_id, self.shop_password = settings.YOOKASSA_SHOP_ID, settings.YOOKASSA_SECRET_KEY
        self.auth_token = None
        self.user_agent = user_agent()

    def request(
        self,
        method: str = "",
        path: str = "",
        query_params: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        body: RequestObject | None = None,
    ) -> dict[str, Any]:
        """The answer's JSON. Raises Unknown, Refused."""
        content = _checked(body)
        headers = self.prepare_request_headers(headers)
        try:
            answer = _within(
                settings.YOOKASSA_TIMEOUT, lambda: self.execute(content, method, path, query_params, headers)
            )
        except (requests.RequestException, TimeoutError) as error:
            raise Unknown(f"YooKassa has not answered: {type(error).__name__}") from error
        return _content(answer)

    def execute(self, body: Any, method: str, path: str, query_params: Any, request_headers: Any) -> requests.Response:
        with requests.Session() as session:
            return session.request(
                method,
                self.endpoint + path,
                params=query_params,
                headers=request_headers,
                json=body,
                timeout=settings.YOOKASSA_TIMEOUT,
                allow_redirects=False,
            )


class Payments(Payment):  # type: ignore[misc]
    def __init__(self) -> None:
        self.client = Client()


class Refunds(Refund):  # type: ignore[misc]
    def __init__(self) -> None:
        self.client = Client()


class Receipts(Receipt):  # type: ignore[misc]
    def __init__(self) -> None:
        self.client = Client()


@contextmanager
def possible() -> Iterator[None]:
    """Around the making of a request: what the SDK will not even send has definitely not happened."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise Refused(_told(f"not sent: {error}")) from error


@contextmanager
def readable() -> Iterator[None]:
    """Around the reading of an answer: one that we cannot make out tells nothing about what happened."""
    try:
        yield
    except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
        log.warning("yookassa_answer_unreadable", exc_info=True)
        raise Unknown(f"YooKassa's answer cannot be read: {type(error).__name__}") from error


def _checked(body: RequestObject | None) -> dict[str, Any] | None:
    if body is None:
        return None
    with possible():
        body.validate()
    return dict(body)


def _within(seconds: float, call: Callable[[], T]) -> T:
    """Raises TimeoutError. A socket's own time-out begins anew with each byte, name server and address."""
    outcome: Future[T] = Future()

    def run() -> None:
        try:
            outcome.set_result(call())
        except Exception as error:
            outcome.set_exception(error)

    Thread(target=run, name="yookassa", daemon=True).start()
    return outcome.result(timeout=seconds)


def _content(answer: requests.Response) -> dict[str, Any]:
    status = answer.status_code
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        log.error("yookassa_access_denied", status=status, shop=settings.YOOKASSA_SHOP_ID)
    try:
        content = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise Unknown(f"YooKassa answered HTTP {status} without readable JSON")
    if status == HTTPStatus.OK:
        return content
    if _is_final(status):
        raise Refused(_words(status, content))
    raise Unknown(f"YooKassa answered HTTP {status}")


def _is_final(status: int) -> bool:
    """Whether nothing has happened, for sure; 202, 429 and 5xx ask to be asked again with the same key."""
    return 400 <= status < 500 and status not in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


def _words(status: int, error: dict[str, Any]) -> str:
    details = ", ".join(str(error[key]) for key in ("code", "parameter") if error.get(key))
    return _told(f"HTTP {status}: {error.get('description') or 'no description'} ({details})")


def _told(words: str) -> str:
    """For staff and the log: without the contacts and card numbers that a description may repeat to us."""
    return PRIVATE.sub("•••", words)[:200]
