"""What the thin ASGI applications in front of Django share: a refusal, the head of an answer, whose pages may ask."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.asgi import ASGIRequest

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would keep an answer until its buffer is full
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
}


class Refused(Exception):
    """The text, if there is one, is for a person who opened the address by hand."""

    def __init__(self, status: int, text: str = "", **headers: str) -> None:
        super().__init__(status)
        self.status, self.text = status, text
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def refuse_strangers(request: ASGIRequest) -> None:
    """Raises Refused for a host that is not ours and for a page of another site."""
    try:
        host = request.get_host()
    except DisallowedHost:
        raise Refused(400) from None
    origin = request.headers.get("Origin")
    is_ours = origin in (None, f"{request.scheme}://{host}") or origin in settings.CSRF_TRUSTED_ORIGINS
    if not is_ours or request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin"):
        raise Refused(403)


def start(status: int, headers: Mapping[str, str]) -> Message:
    """The head of an answer."""
    if settings.SECURE_HSTS_SECONDS:
        hsts = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains"
        headers = {**headers, "Strict-Transport-Security": hsts}
    lines = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": lines}
