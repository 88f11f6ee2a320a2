"""What a notice says: `templates/notices/<kind>.txt`, in the reader's language.

The first line is the title, the rest the text; a last line that begins with / is the address of what it is about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import structlog
from django.template import Context, engines
from django.utils.text import capfirst

from notifications.models import Notice, Topic

log = structlog.get_logger(__name__)

ICONS = {
    Topic.TRAFFIC: "chart",
    Topic.MONTH: "calendar",
    Topic.OUTAGE: "plug",
    Topic.MONEY: "wallet",
    Topic.TARIFF: "tag",
    Topic.SUPPORT: "chat",
    Topic.SECURITY: "lock",
}
A_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
A_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}.*")


@dataclass(frozen=True)
class Words:
    title: str
    text: str
    link: str
    icon: str


def of(notice: Notice) -> Words:
    icon = ICONS.get(Topic(notice.topic), "bell") if notice.topic in Topic.values else "bell"
    try:
        lines = _rendered(notice).strip().splitlines()
    # Any fault: an inbox must not be lost for one notice whose words are gone or want a fact that it does not have.
    except Exception:
        log.exception("notice_without_words", kind=notice.kind, notice=notice.pk)
        return Words(str(capfirst(notice.get_topic_display())), "", "", icon)
    title, *text = lines
    link = text.pop().strip() if text and text[-1].startswith("/") else ""
    return Words(title.strip(), "\n".join(text).strip(), link, icon)


def _rendered(notice: Notice) -> str:
    # Plain text: whoever puts it into a page escapes it there.
    template = engines["django"].engine.get_template(f"notices/{notice.kind}.txt")  # type: ignore[attr-defined]
    return str(template.render(Context(facts(notice), autoescape=False)))


def facts(notice: Notice) -> dict[str, Any]:
    """As the filters `day`, `moment` and `rubles` take them: JSON has no dates, only their ISO text."""
    return {name: _dated(value) for name, value in notice.facts.items()}


def _dated(value: Any) -> Any:
    if isinstance(value, list):
        return [_dated(item) for item in value]
    if isinstance(value, dict):
        return {name: _dated(item) for name, item in value.items()}
    if not isinstance(value, str):
        return value
    try:
        if A_DAY.fullmatch(value):
            return date.fromisoformat(value)
        return datetime.fromisoformat(value) if A_MOMENT.fullmatch(value) else value
    except ValueError:
        return value
