"""What browsers and search engines ask for by themselves: manifest, service worker, offline page, robots.txt."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    response = render(request, "manifest.webmanifest", content_type="application/manifest+json; charset=utf-8")
    response["Cache-Control"] = "public, max-age=86400"
    response["Vary"] = "Cookie"  # the language
    return response


@require_safe
def worker(request: HttpRequest) -> HttpResponse:
    """At the root, because a worker rules only the addresses below its own."""
    response = render(request, "sw.js", content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    return response


@require_safe
def offline(request: HttpRequest) -> HttpResponse:
    """Kept by the worker for everybody who uses this browser, so it is drawn for nobody in particular."""
    return HttpResponse(render_to_string("offline.html"))


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Search engines are welcome on the public pages alone."""
    return HttpResponse("User-agent: *\nDisallow: /cabinet/\nDisallow: /admin/\n", content_type="text/plain")
