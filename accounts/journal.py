"""Writing and reading the audit journal."""

from datetime import datetime
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import models

from accounts.models import City, JournalEntry, User

LINKS_TO_A_CITY = ("contract", "account", "street")


def record(
    actor: User | None,
    action: str,
    target: models.Model,
    *,
    now: datetime,
    changes: dict[str, Any] | None = None,
    reason: str = "",
    network_address: str | None = None,
) -> JournalEntry:
    """Append one row. Secrets never come here: pass field names, not sealed values."""
    return JournalEntry.objects.create(
        at=now,
        actor=actor,
        action=action,
        target_label=str(target)[:200],
        city=city_of(target),
        changes=changes or {},
        reason=reason,
        network_address=network_address,
        **target_of(target),
    )


def target_of(target: models.Model) -> dict[str, Any]:
    """The filter that finds a record's rows."""
    return {"target_type": ContentType.objects.get_for_model(target), "target_id": str(target.pk)}


def of(target: models.Model) -> models.QuerySet[JournalEntry]:
    return JournalEntry.objects.filter(**target_of(target)).select_related("actor")


def city_of(target: Any) -> City | None:
    """The city whose staff may read the row: the target itself, or what its links lead to."""
    if target is None or isinstance(target, City):
        return target
    city = getattr(target, "city", None)
    if city is not None:
        return city if isinstance(city, City) else None
    return next(filter(None, (city_of(getattr(target, link, None)) for link in LINKS_TO_A_CITY)), None)
