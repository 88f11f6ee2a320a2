"""Corrections by staff: a reason always, a second signature above the limit."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import User
from billing import ledger
from billing.models import Adjustment, EntryKind


class AdjustmentRefused(Exception):
    """The message says why this member of staff cannot do it."""


@transaction.atomic
def propose(
    contract_id: int, *, operation: UUID, amount: Decimal, reason: str, author: User, now: datetime
) -> Adjustment:
    """Correct an account by `amount` rubles: posted at once up to the limit, above it after a second signature.

    Repeating an `operation` returns the first adjustment and does nothing else.
    """
    proposed = Adjustment(account_id=contract_id, amount=amount)
    state = Adjustment.State.WAITING if proposed.needs_second else Adjustment.State.POSTED
    adjustment, is_new = Adjustment.objects.get_or_create(
        operation=operation,
        defaults={
            "account_id": contract_id,
            "amount": amount,
            "reason": reason,
            "author": author,
            "created_at": now,
            "state": state,
            "decided_at": None if proposed.needs_second else now,
        },
    )
    if is_new and state == Adjustment.State.POSTED:
        _post(adjustment, now=now)
    if is_new:
        action = "adjustment_posted" if state == Adjustment.State.POSTED else "adjustment_proposed"
        journal.record(author, action, adjustment, changes=_particulars(adjustment), now=now)
    return adjustment


@transaction.atomic
def approve(adjustment_id: int, *, by: User, now: datetime) -> Adjustment:
    """Put the second signature and post. Raises AdjustmentRefused for one's own or a decided adjustment."""
    adjustment = _decide(adjustment_id, Adjustment.State.POSTED, by=by, now=now)
    _post(adjustment, now=now)
    journal.record(by, "adjustment_approved", adjustment, changes=_particulars(adjustment), now=now)
    return adjustment


@transaction.atomic
def reject(adjustment_id: int, *, by: User, now: datetime) -> Adjustment:
    """Turn it down; nothing is posted. Raises AdjustmentRefused."""
    adjustment = _decide(adjustment_id, Adjustment.State.REJECTED, by=by, now=now)
    journal.record(by, "adjustment_rejected", adjustment, changes=_particulars(adjustment), now=now)
    return adjustment


def _decide(adjustment_id: int, state: Adjustment.State, *, by: User, now: datetime) -> Adjustment:
    waiting = Adjustment.objects.filter(pk=adjustment_id, state=Adjustment.State.WAITING)
    if waiting.filter(author=by).exists():
        raise AdjustmentRefused(_("The second signature must be another person's."))
    if not waiting.update(state=state, second=by, decided_at=now):
        raise AdjustmentRefused(_("This adjustment is decided already."))
    return Adjustment.objects.select_related("account__contract__city").get(pk=adjustment_id)


def _post(adjustment: Adjustment, *, now: datetime) -> None:
    ledger.post(
        adjustment.account_id,
        kind=EntryKind.ADJUSTMENT,
        amount=adjustment.amount,
        key=f"adjustment:{adjustment.pk}",
        title=adjustment.reason,
        author=adjustment.second or adjustment.author,
        now=now,
    )


def _particulars(adjustment: Adjustment) -> dict[str, str]:
    return {"contract": str(adjustment.account), "amount": str(adjustment.amount), "reason": adjustment.reason}
