"""A trivial Django page behind each kind of server that bench/front.py compares."""

import asyncio
import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.template import engines
from django.urls import path

PAGE = (
    "<!doctype html><title>{{ title }}</title><ul>{% for row in rows %}<li>{{ row }}: {{ title }}</li>{% endfor %}</ul>"
)

settings.configure(
    SECRET_KEY="bench",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    LOGGING_CONFIG=None,
)
django.setup()
template = engines["django"].from_string(PAGE)


def page(request):
    return HttpResponse(template.render({"title": "«Марк»", "rows": range(50)}, request))


urlpatterns = [path("", page)]
wsgi = get_wsgi_application()


async def live(scope, receive, send):
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        return await send({"type": "lifespan.shutdown.complete"})
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    for number in range(1_000_000):
        await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
        await asyncio.sleep(1)
    return None


if os.environ.get("BENCH_ASGI"):
    from mark_portal.demo_asgi import one_address

    asgi = one_address(pages=wsgi, live=live)
