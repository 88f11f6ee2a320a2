"""Where gateways tell that something happened to a payment."""

from __future__ import annotations

from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from accounts import networks
from billing import gateway_messages, gateways, hearing
from billing.gateways import Forged, Notification, Unknown
from billing.models import GatewayMessage

BODY_LIMIT = 64 * 1024
REFUSED = GatewayMessage.Verdict.REFUSED


@csrf_exempt
@never_cache
def notification(request: HttpRequest, gateway: str) -> HttpResponse:
    """200 ends the gateway's repeats, 503 asks for one, 403 is for what it never said."""
    if not _takes_notifications(gateway):
        raise Http404
    message, now = _message(request), timezone.now()
    if fault := _fault(message):
        gateway_messages.record(gateway, message, verdict=REFUSED, reason=fault.phrase, now=now)
        headers = {"Allow": "POST"} if fault == HTTPStatus.METHOD_NOT_ALLOWED else None
        return HttpResponse(status=fault, headers=headers)
    try:
        hearing.hear(gateway, message, now=now)
    except Forged:
        return HttpResponse(status=HTTPStatus.FORBIDDEN)
    except Unknown:
        return HttpResponse(status=HTTPStatus.SERVICE_UNAVAILABLE, headers={"Retry-After": "30"})
    return HttpResponse("OK", content_type="text/plain")


def _takes_notifications(name: str) -> bool:
    try:
        return bool(gateways.get(name).methods)
    except LookupError:
        return False


def _message(request: HttpRequest) -> Notification:
    method, body = request.method or "", _body(request)
    if not body:
        body = request.META.get("QUERY_STRING", "").encode()
    return Notification(method, request.headers, body, networks.address_of(request))


def _body(request: HttpRequest) -> bytes:
    """Whole, or the first part of one that is too long; Django would refuse that before it could be written down."""
    length = request.META.get("CONTENT_LENGTH", "")
    if length.isdecimal() and int(length[:20]) > BODY_LIMIT:
        return request.read(BODY_LIMIT + 1)
    return request.body  # kept by the request: the view may run again (RetryLostRaces)


def _fault(message: Notification) -> HTTPStatus | None:
    if message.method != "POST":
        return HTTPStatus.METHOD_NOT_ALLOWED
    return HTTPStatus.REQUEST_ENTITY_TOO_LARGE if len(message.body) > BODY_LIMIT else None
