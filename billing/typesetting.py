"""PDF by Typst. What a page says comes as data, never as source, so no name or reason can become a command.

Each paper is laid out in a process of its own: Typst remembers what it laid out, and a dozen long statements would
leave a worker of the pages with hundreds of megabytes. It also ends with its time, whatever it was given.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import datetime, timedelta
from typing import Any

import typst
from django.conf import settings
from django.utils.translation import gettext as _

from accounts import limits

# To lay out a long statement costs as much as many pages.
PDFS = limits.Allowance("pdfs of a contract", settings.PDFS_AN_HOUR, timedelta(hours=1))
PATIENCE = 15  # seconds
# The fonts that come inside the library have Cyrillic and the rouble sign: every machine makes the same pages.
SOURCES = settings.BASE_DIR / "templates" / "billing" / "papers"
TYPESETTER = settings.BASE_DIR / "billing" / "typesetter.py"


class NotMade(Exception):
    """The message is for the subscriber."""


def pdf(name: str, data: dict[str, Any], *, now: datetime, picture: str = "") -> bytes:
    """The paper `name`; `picture` is an SVG that it may show. Raises NotMade when it takes too long."""
    asked = {
        "source": str(SOURCES / f"{name}.typ"),
        "root": str(SOURCES),
        "inputs": _inputs(data, picture),
        "made_at": int(now.timestamp()),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(TYPESETTER)],
            input=json.dumps(asked).encode(),
            env={},  # it needs none of our secrets
            capture_output=True,
            timeout=PATIENCE,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise NotMade(_("The PDF takes too long just now. Try again in a minute, or take fewer days.")) from None
    return done.stdout


def pages(name: str, data: dict[str, Any], *, picture: str = "", ppi: float = 72) -> list[bytes]:
    """The same paper as pictures, a PNG a page: for tests and eyes."""
    made = typst.compile(
        SOURCES / f"{name}.typ",
        root=SOURCES,
        ignore_system_fonts=True,
        sys_inputs=_inputs(data, picture),
        format="png",
        ppi=ppi,
    )
    return made if isinstance(made, list) else [made]


def _inputs(data: dict[str, Any], picture: str) -> dict[str, str]:
    return {"data": json.dumps(data, ensure_ascii=False), "picture": picture}
