"""Moving the sealed fields to the newest vault key."""

from django.db import transaction

from accounts import vault
from accounts.models import Subscriber

BATCH = 500
FIELDS = ("passport", "inn")


def reseal_all() -> int:
    """Re-seal, a batch a transaction, what an older key sealed. Returns how many values."""
    count, last = 0, 0
    while keys := list(Subscriber.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        with transaction.atomic():
            rows = Subscriber.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk")
            count += sum(_reseal(row) for row in rows)
        last = keys[-1]
    return count


def _reseal(row: Subscriber) -> int:
    changed = []
    for field in FIELDS:
        sealed = getattr(row, f"{field}_sealed")
        if sealed is not None and not vault.is_current(sealed):
            text = vault.unseal(sealed, bound_to=f"{field}:{row.ref}")
            setattr(row, f"{field}_sealed", vault.seal(text, bound_to=f"{field}:{row.ref}"))
            changed.append(f"{field}_sealed")
    if changed:
        row.save(update_fields=changed)
    return len(changed)
