"""Telling a subscriber a fact."""

from datetime import datetime
from typing import Any

from notifications import live
from notifications.models import Notice, Topic


def tell(contract_id: int, topic: Topic, kind: str, *, about: str, now: datetime, **facts: Any) -> Notice:
    """Write a notice into the inbox, in the caller's transaction. The same fact is told once.

    `kind` names the words, `templates/notices/<kind>.txt` (notifications/words.py says how it is laid out), `about`
    the fact (`payment:17`); `facts` is what the words need, as JSON: sums as strings of rubles, times in ISO format.
    """
    notice, is_new = Notice.objects.get_or_create(
        contract_id=contract_id, kind=kind, about=about, defaults={"topic": topic, "facts": facts, "at": now}
    )
    if is_new:
        live.publish(contract_id, "notices")
    return notice
