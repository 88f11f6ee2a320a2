"""What every request passes: headers, text that a database cannot hold, and races that are worth another try."""

import time
from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import BadRequest
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from mark_portal import errors

Handler = Callable[[HttpRequest], HttpResponse]

# serialization failure, deadlock, lock timeout: another transaction was in the way and may be gone by now
LOST_RACES = {"40001", "40P01", "55P03"}
TRIES = 3
# Payment terminals understand answers of their own dialect alone, and take only digits and dates from a request; what
# comes in a gateway's name is written down, whatever it is.
READ_BY_THEMSELVES = "/pay/"


def security_headers(get_response: Handler) -> Handler:
    """What SecurityMiddleware does not send."""

    def handle(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
        response.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response

    return handle


def refuse_unreadable_text(get_response: Handler) -> Handler:
    """400 for NUL bytes and lone surrogates in an address or a form: PostgreSQL cannot store or compare them."""

    def handle(request: HttpRequest) -> HttpResponse:
        if request.path.startswith(READ_BY_THEMSELVES):
            return get_response(request)
        try:
            texts = [request.path, *_texts(request.GET.lists()), *request.COOKIES.values()]
            if request.method == "POST":
                texts += _texts(request.POST.lists())
        except (UnicodeError, ValueError) as error:
            raise BadRequest(_("The request cannot be read.")) from error
        if any(map(_is_unreadable, texts)):
            raise BadRequest(_("The request contains characters that cannot be stored."))
        return get_response(request)

    return handle


def _texts(lists: Iterable[tuple[str, list[str]]]) -> list[str]:
    return [text for name, values in lists for text in (name, *values)]


def _is_unreadable(text: str) -> bool:
    return "\0" in text or any("\ud800" <= character <= "\udfff" for character in text)


class RetryLostRaces:
    """Runs a view again when PostgreSQL let another transaction win; views are idempotent by their operation ids.

    Must be the last middleware: it answers in the view's place.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: list[Any], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        if request.method in ("GET", "HEAD"):
            return None
        for attempt in range(TRIES):
            try:
                return view(request, *args, **kwargs)
            except OperationalError as error:
                if getattr(error.__cause__, "pgcode", None) not in LOST_RACES or connection.in_atomic_block:
                    raise
                time.sleep(0.05 * 2**attempt)
        return errors.busy(request)
