"""What uvicorn serves to the browser: the demo's application, with a note of every answer it gave."""

import json
import os
from pathlib import Path

from mark_portal import demo_asgi, health
from notifications import live

PATIENCE = 20.0  # seconds; a busy machine takes longer than a page or a monitor should wait


def build():
    """For `uvicorn --factory`. The notes go into the file that $ANSWERS names, a line an answer."""
    live.PATIENCE_SECONDS = health.DATABASE_PATIENCE = health.REDIS_PATIENCE = PATIENCE
    application = demo_asgi.build()
    notes = Path(os.environ["ANSWERS"]).open("a", buffering=1)  # noqa: SIM115  open as long as the process lives

    async def noted(scope, receive, send):
        if scope["type"] != "http" or scope["path"] == "/live/":
            return await application(scope, receive, send)
        answer = {"path": scope["path"], "method": scope["method"], "bytes": 0}

        async def note(message):
            answer["bytes"] += len(message.get("body", b""))
            if message["type"] == "http.response.start":
                answer["status"] = message["status"]
                answer["bytes"] += sum(len(name) + len(value) + 4 for name, value in message["headers"])
            elif not message.get("more_body"):
                notes.write(json.dumps(answer) + "\n")
            await send(message)

        return await application(scope, receive, note)

    return noted
