"""PDF by Typst. What a page says comes as data, never as source, so no name or reason can become a command."""

import json
from datetime import datetime, timedelta
from typing import Any

import typst
from django.conf import settings

from accounts import limits

# To lay out a long statement costs as much as many pages.
PDFS = limits.Allowance("pdfs of a contract", settings.PDFS_AN_HOUR, timedelta(hours=1))
# The fonts that come inside the library have Cyrillic and the rouble sign: every machine makes the same pages.
SOURCES = settings.BASE_DIR / "templates" / "billing" / "papers"


def pdf(name: str, data: dict[str, Any], *, now: datetime, picture: str = "") -> bytes:
    """The paper `name`; `picture` is an SVG that it may show."""
    made: bytes = typst.compile(**_asked(name, data, picture), format="pdf", timestamp=int(now.timestamp()))
    return made


def pages(name: str, data: dict[str, Any], *, picture: str = "", ppi: float = 72) -> list[bytes]:
    """The same paper as pictures, a PNG a page: for tests and eyes."""
    made: bytes | list[bytes] = typst.compile(**_asked(name, data, picture), format="png", ppi=ppi)
    return made if isinstance(made, list) else [made]


def _asked(name: str, data: dict[str, Any], picture: str) -> dict[str, Any]:
    return {
        "input": SOURCES / f"{name}.typ",
        "root": SOURCES,
        "ignore_system_fonts": True,
        "sys_inputs": {"data": json.dumps(data, ensure_ascii=False), "picture": picture},
    }
