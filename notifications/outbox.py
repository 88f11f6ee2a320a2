"""Telling a subscriber a fact."""

from collections.abc import Mapping
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


def tell_many(facts: Mapping[int, Mapping[str, Any]], topic: Topic, kind: str, *, about: str, now: datetime) -> None:
    """Tell each contract of `facts` its own particulars of one fact, with one INSERT; who was told already is not."""
    notices = [
        Notice(contract_id=contract_id, topic=topic, kind=kind, about=about, facts=dict(particulars), at=now)
        for contract_id, particulars in facts.items()
    ]
    Notice.objects.bulk_create(notices, ignore_conflicts=True)
    live.publish_to_many(list(facts), "notices")
