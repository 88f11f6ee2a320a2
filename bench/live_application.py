"""The stream without its limit for each user, because bench/live.py opens all its pages for one."""

import mark_portal.live_asgi  # noqa: F401  sets Django up
from notifications.stream import LiveStream

application = LiveStream(each_user=100_000)
