"""The process of streams, uvicorn beside the pages: the live pages and what the speed test measures against.

nginx sends it their addresses (deploy/nginx.conf); in the demo mark_portal/demo_asgi.py does.
"""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mark_portal.settings")
django.setup()

from notifications.stream import LiveStream  # noqa: E402  needs the applications
from notifications.thin import Message, Receive, Send  # noqa: E402
from tariffs.speed_endpoints import PATHS, SpeedEndpoints  # noqa: E402

live, speed = LiveStream(), SpeedEndpoints()


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """The lifespan, start and stop of the process, is the live stream's business."""
    await (speed if is_of_the_speed_test(scope) else live)(scope, receive, send)


def is_of_the_speed_test(scope: Message) -> bool:
    return scope["type"] == "http" and scope["path"] in PATHS
