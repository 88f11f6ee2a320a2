"""Error pages in the portal's look; they say what to do next and never fail themselves."""

import sys

from django.core.exceptions import BadRequest
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

DATABASE_IS_GONE = (OperationalError, InterfaceError)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    # Django's own reasons (a wrong Host, a broken upload) are written for engineers.
    reason = str(exception) if isinstance(exception, BadRequest) else ""
    return render(request, "400.html", {"reason": reason}, status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", {"reason": str(exception)}, status=403)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403.html", {"is_csrf": True}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def busy(request: HttpRequest) -> HttpResponse:
    """Another operation holds the account and did not let go in time."""
    response = render(request, "503.html", status=503)
    response["Retry-After"] = "5"
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    """Drawn without the request: what failed, a user or a session, may be just what a usual page asks for."""
    if isinstance(sys.exception(), DATABASE_IS_GONE):
        return _unavailable(request)
    return HttpResponse(render_to_string("500.html"), status=500)


def _unavailable(request: HttpRequest) -> HttpResponse:
    response = HttpResponse(render_to_string("unavailable.html"), status=503)
    response["Retry-After"] = "5"
    if request.method == "GET":
        response["Refresh"] = "5"
    return response
