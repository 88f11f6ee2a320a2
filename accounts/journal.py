"""Writing and reading the audit journal."""

from datetime import datetime
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts import roles
from accounts.models import City, JournalEntry, User

LINKS_TO_A_CITY = ("contract", "account", "payment", "street")
# Particulars of an action, and fields of a form, that no column is named after.
PARTICULARS = {
    "choice": _("chosen"),
    "contract": _("contract"),
    "difference": _("difference"),
    "fee": _("monthly fee, ₽"),
    "file": _("file"),
    "groups": _("roles"),
    "inn": _("INN"),
    "lines": _("lines"),
    "number": _("number at the terminal"),
    "offer": _("offer"),
    "option": _("option"),
    "ours": _("with us"),
    "passport": _("passport"),
    "password": _("password"),
    "password1": _("password"),
    "quantity": _("quantity"),
    "ranges": _("ranges"),
    "register": _("in the register"),
    "since": pgettext_lazy("of a day", "from"),
    "sessions_ended": _("sessions ended"),
}


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


def changes_of(entry: JournalEntry) -> list[tuple[str, str]]:
    """What changed in the reader's words: a field's name with «old → new», or a particular of the action."""
    model = ContentType.objects.get_for_id(entry.target_type_id).model_class()
    return [_change(model, name, change) for name, change in entry.changes.items()]


def _change(model: type[models.Model] | None, name: str, change: Any) -> tuple[str, str]:
    try:
        field: Any = model._meta.get_field(name) if model else None
    except FieldDoesNotExist:
        field = None
    label = PARTICULARS.get(name) or getattr(field, "verbose_name", None) or name
    choices = dict(getattr(field, "flatchoices", None) or ())
    if name == "groups":
        choices = {role: _t(role) for role in roles.ALL}
    if isinstance(change, list) and len(change) == 2:
        return str(label), " → ".join(_value(side, choices) for side in change)
    return str(label), _value(change, choices)


def _value(value: Any, choices: dict[Any, Any]) -> str:
    if value in (None, "", []):
        return "—"
    if isinstance(value, bool):
        return _t("yes") if value else _t("no")
    if isinstance(value, list):
        return ", ".join(str(choices.get(item, item)) for item in value)
    return str(choices.get(value, value))
