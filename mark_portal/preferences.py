"""What a browser has chosen for itself: the language, and the old version of the pages; both live in a cookie."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

from accounts.access import contract_of

YEAR = 365 * 24 * 3600
# Not «version»: the cookie standard keeps that word for itself.
VERSION_COOKIE = "pages"
VERSIONS = ("new", "old")


def language(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Russian unless this browser asked for English; Accept-Language is not asked: half of Izhevsk's say «en»."""

    def handle(request: HttpRequest) -> HttpResponse:
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)
        code = chosen if chosen in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        with translation.override(code):
            request.LANGUAGE_CODE = code
            response = get_response(request)
        response.setdefault("Content-Language", code)
        return response

    return handle


@require_safe
def choose_language(request: HttpRequest, code: str) -> HttpResponse:
    if code not in dict(settings.LANGUAGES):
        raise Http404
    return _remember(request, settings.LANGUAGE_COOKIE_NAME, code)


@require_safe
def choose_version(request: HttpRequest, version: str) -> HttpResponse:
    if version not in VERSIONS:
        raise Http404
    return _remember(request, VERSION_COOKIE, version)


def _remember(request: HttpRequest, cookie: str, value: str) -> HttpResponse:
    response = HttpResponseRedirect(_back(request))
    response.set_cookie(cookie, value, max_age=YEAR, secure=settings.HTTPS, httponly=True, samesite="Lax")
    response["Cache-Control"] = "no-store"
    return response


def _back(request: HttpRequest) -> str:
    target = request.GET.get("next", "")
    if url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        return target
    return reverse("home")


def is_old(request: HttpRequest) -> bool:
    return request.COOKIES.get(VERSION_COOKIE) == "old"


def page(request: HttpRequest) -> dict[str, Any]:
    """What every template knows."""
    old = is_old(request)
    return {
        "base_template": "bare.html" if old else "base.html",
        "is_bare": old,
        # A request that failed early has no user yet; its error page is drawn for a visitor.
        "contract": contract_of(request) if hasattr(request, "user") else None,
        "language_code": translation.get_language(),
        "technical_phone": settings.TECHNICAL_PHONE,
        "sales_phone": settings.SALES_PHONE,
        "business_email": settings.BUSINESS_EMAIL,
        "vk_message_url": settings.VK_MESSAGE_URL,
    }
