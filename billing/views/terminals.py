"""The addresses of payment terminals. Whatever happens, the answer is XML of the dialect, never a page."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from datetime import datetime
from urllib.parse import unquote_to_bytes

import structlog
from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.db import Error as DatabaseError
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts import networks
from billing import gateway_messages
from billing.gateways import Notification
from billing.gateways import osmp as osmp_dialect
from billing.gateways import sber as sber_dialect
from billing.gateways.terminal import Reply, Terminal
from billing.terminals import Refusal

UNREADABLE = (BadRequest, SuspiciousOperation, MultiPartParserError, ValueError, OSError)
TRY_LATER = (OperationalError, InterfaceError)

log = structlog.get_logger(__name__)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def osmp(request: HttpRequest) -> HttpResponse:
    return _serve(request, osmp_dialect.gateway)


@csrf_exempt
@never_cache
@require_http_methods(["GET", "POST"])
def sber(request: HttpRequest) -> HttpResponse:
    return _serve(request, sber_dialect.gateway)


def _serve(request: HttpRequest, dialect: Terminal) -> HttpResponse:
    now = timezone.now()
    if not _is_from_its_network(request, dialect):
        return _turn_away(request, dialect, status=403, why="another network", now=now)
    if not _knows_the_secret(request, dialect):
        return _turn_away(request, dialect, status=401, why="wrong user or password", now=now)
    try:
        asked = _parameters(request)
    except UNREADABLE:
        return _xml(dialect.refuse(Refusal.BAD_REQUEST, {}))
    reply = _carry_out(asked, dialect, now=now)
    if dialect.moves_money(asked):
        _record(request, dialect, reply, now=now)
    return _xml(reply)


def _carry_out(asked: dict[str, str], dialect: Terminal, *, now: datetime) -> Reply:
    try:
        return dialect.answer(asked, now=now)
    except TRY_LATER as error:
        # Nobody knows whether it was done; the network asks again under the same number.
        log.warning("terminal_must_wait", gateway=dialect.name, error=type(error).__name__)
        return dialect.refuse(Refusal.LATER, asked)
    except Exception:
        # Rolled back: nothing was done.
        log.exception("terminal_failed", gateway=dialect.name)
        return dialect.refuse(Refusal.INTERNAL, asked)


def _is_from_its_network(request: HttpRequest, dialect: Terminal) -> bool:
    """A gateway that is switched off has no networks at all."""
    address = ipaddress.ip_address(networks.address_of(request))
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in settings.TERMINALS.get(dialect.name, {"networks": []})["networks"])


def _knows_the_secret(request: HttpRequest, dialect: Terminal) -> bool:
    """HTTP Basic; without a password in the settings, in the demo alone, nothing is asked."""
    access = settings.TERMINALS[dialect.name]
    if not access["password"]:
        return True
    scheme, _space, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        told = base64.b64decode(encoded.strip(), validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        told = b""
    return constant_time_compare(told, f"{access['user']}:{access['password']}".encode())


def _parameters(request: HttpRequest) -> dict[str, str]:
    """Of the address, or of the form of a POST. Raises ValueError when one is given twice: which one is meant?"""
    forms = [request.GET, request.POST] if request.method == "POST" else [request.GET]
    given = [(name, value) for form in forms for name, values in form.lists() for value in values]
    if len({name for name, _value in given}) != len(given):
        raise ValueError("a parameter is given twice")
    return {name: str(value) for name, value in given}


def _turn_away(request: HttpRequest, dialect: Terminal, *, status: int, why: str, now: datetime) -> HttpResponse:
    reply = dialect.refuse(Refusal.STRANGER, {})
    _record(request, dialect, reply, now=now, reason=f"{reply.reason}, {why}")
    response = _xml(reply, status=status)
    if status == 401:
        response["WWW-Authenticate"] = f'Basic realm="{dialect.name}"'
    return response


def _record(request: HttpRequest, dialect: Terminal, reply: Reply, *, now: datetime, reason: str = "") -> None:
    """The answer stands although it cannot be recorded: the money has been moved or not."""
    notification = Notification(
        method=request.method or "", headers={}, body=_sent(request), network_address=networks.address_of(request)
    )
    why = reason or reply.reason
    try:
        gateway_messages.record(
            dialect.name, notification, verdict=reply.verdict, reason=why, payment=reply.payment, now=now
        )
    except DatabaseError:
        log.exception("terminal_message_not_recorded", gateway=dialect.name)


def _sent(request: HttpRequest) -> bytes:
    """The parameters as a person reads them: the address's, and those of a form."""
    try:
        form = request.POST.urlencode() if request.method == "POST" else ""
    except UNREADABLE:
        form = "…"
    return unquote_to_bytes(" ".join(filter(None, [request.META.get("QUERY_STRING", ""), form])))


def _xml(reply: Reply, *, status: int = 200) -> HttpResponse:
    return HttpResponse(reply.xml, content_type="text/xml; charset=utf-8", status=status)
