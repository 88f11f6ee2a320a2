"""The live stream: a uvicorn process beside the pages; nginx sends it /live/ (the demo: mark_portal/demo_asgi.py)."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mark_portal.settings")
django.setup()

from notifications.stream import LiveStream  # noqa: E402  needs the applications

application = LiveStream()
