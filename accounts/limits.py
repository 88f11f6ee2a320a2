"""Counting tries in PostgreSQL, one statement a try: parallel ones cannot slip past, and Redis is not needed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.models import Limit


@dataclass(frozen=True)
class Allowance:
    """So many tries (`ceiling`) in so long (`window`); a restarting one counts its window from the last try."""

    scope: str
    ceiling: int
    window: timedelta
    restarts: bool = False


class LimitReached(Exception):
    """The message is for the person; `until` is when the next try is counted again."""

    def __init__(self, allowance: Allowance, until: datetime) -> None:
        super().__init__(_("Too many requests. Please try again a little later."))
        self.allowance, self.until = allowance, until


TAKE = """
INSERT INTO accounts_limit AS held (scope, subject, used, ceiling, resets_at)
VALUES (%(scope)s, %(subject)s, 1, %(ceiling)s, %(resets_at)s)
ON CONFLICT (scope, subject) DO UPDATE SET
    used = CASE WHEN held.resets_at <= %(now)s THEN 1 ELSE held.used + 1 END,
    ceiling = excluded.ceiling,
    resets_at = CASE WHEN held.resets_at <= %(now)s OR %(restarts)s THEN excluded.resets_at ELSE held.resets_at END
WHERE held.resets_at <= %(now)s OR held.used < excluded.ceiling
RETURNING used
"""


def take(allowance: Allowance, subject: str, *, now: datetime) -> int:
    """Reserve one try before the work it pays for. Returns how many are left; raises LimitReached when none was.

    Call it outside a transaction: a reservation that rolls back with the work it guards would guard nothing.
    """
    values: dict[str, str | int | bool | datetime] = {
        "scope": allowance.scope,
        "subject": subject[:120],
        "ceiling": allowance.ceiling,
        "restarts": allowance.restarts,
        "now": now,
        "resets_at": now + allowance.window,
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKE, values)
        row = cursor.fetchone()
    if row is None:
        raise LimitReached(allowance, _end_of(allowance, subject) or now + allowance.window)
    return allowance.ceiling - int(row[0])


def _end_of(allowance: Allowance, subject: str) -> datetime | None:
    held = Limit.objects.filter(scope=allowance.scope, subject=subject[:120])
    return held.values_list("resets_at", flat=True).first()


def give_back(allowance: Allowance, subject: str) -> None:
    """Undo one reservation: the try it was for turned out harmless."""
    Limit.objects.filter(scope=allowance.scope, subject=subject[:120], used__gt=0).update(used=F("used") - 1)


def clear(allowance: Allowance, subject: str) -> None:
    Limit.objects.filter(scope=allowance.scope, subject=subject[:120]).delete()


def forget_expired(*, now: datetime) -> int:
    """Delete counts whose window is over. Returns how many."""
    return Limit.objects.filter(resets_at__lte=now).delete()[0]
