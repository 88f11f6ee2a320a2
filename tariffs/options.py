"""Options: switched on at once and charged by days, changed, switched off from the 1st, and taken back until then.

What one costs and why it cannot be had, option_terms.py says. Days of one option never overlap: another quantity is
another row.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import Contract, User
from billing import charges
from billing.models import Account
from notifications import live, outbox
from notifications.models import Topic
from tariffs import option_shelf, option_terms
from tariffs.models import OptionUse
from tariffs.option_shelf import Row, Shelf
from tariffs.option_terms import OptionRefused as OptionRefused
from tariffs.option_terms import Quote

BATCH = 500


@transaction.atomic
def order(
    contract_id: int,
    *,
    option_id: int,
    quantity: int,
    choice: str,
    operation: UUID,
    now: datetime,
    seen: Decimal | None = None,
    by: User | None = None,
) -> OptionUse:
    """Switch an option on, or have more of it, at once; have fewer from the 1st; choose otherwise, free and at once.

    `seen` is the total of the lines that were shown. The same operation is done once. Raises OptionRefused with the
    reasons and the dates or sums that lift them.
    """
    contract = Account.objects.lock(contract_id).contract
    if done := OptionUse.objects.filter(operation=operation).first():
        return _of(contract, done)
    shelf, row = _shelf(contract_id, option_id, now)
    quote = option_terms.quote(shelf, row, quantity=quantity, choice=choice)
    quote.refuse_if_locked()
    quote.refuse_unless_seen(seen)
    if row.current is None:
        return _switch_on(contract, quote, operation, now=now, by=by)
    return _change(contract, quote, row, operation, now=now, by=by)


@transaction.atomic
def switch_off(contract_id: int, *, option_id: int, now: datetime, by: User | None = None) -> OptionUse:
    """From the next 1st; nothing is given back. One that is being switched off stays so. Raises OptionRefused."""
    contract = Account.objects.lock(contract_id).contract
    shelf, row = _shelf(contract_id, option_id, now)
    use = _current(row)
    if row.ends_on:
        return use
    _give_up_plan(row, now)
    _end(use, shelf.next_first)
    _journal(contract, "option_switched_off", use, by, now)
    _tell(use, "option_off", now, until=str(shelf.next_first))
    return use


@transaction.atomic
def keep(contract_id: int, *, option_id: int, now: datetime, by: User | None = None) -> OptionUse:
    """Take back a switching off, or fewer of it from the 1st; one that goes on stays so. Raises OptionRefused."""
    contract = Account.objects.lock(contract_id).contract
    _shelf_of_it, row = _shelf(contract_id, option_id, now)
    use = _current(row)
    if use.until is None:
        return use
    _give_up_plan(row, now)
    _end(use, None)
    _journal(contract, "option_kept", use, by, now)
    _tell(use, "option_kept", now)
    return use


def end_due(*, now: datetime) -> int:
    """Close the rows whose last day is over, however long ago; returns how many."""
    ended = 0
    while done := _end_some(now):
        ended += done
    return ended


@transaction.atomic
def _end_some(now: datetime) -> int:
    due = OptionUse.objects.filter(ended_at=None, until__lte=timezone.localdate(now)).order_by("until", "pk")
    rows = list(due.select_for_update(skip_locked=True).values_list("pk", "contract_id")[:BATCH])
    for _use, contract_id in rows:
        live.publish(contract_id, "service")
    return OptionUse.objects.filter(pk__in=[use for use, _contract in rows]).update(ended_at=now)


# --- Steps, under the account's lock


def end_with_tariff(use_ids: Iterable[int], *, since: date, now: datetime) -> None:
    """The tariff from `since` on lacks their service: these rows end with the old one, and so does what was planned."""
    uses = OptionUse.objects.filter(pk__in=list(use_ids))
    for contract_id, option_id in uses.values_list("contract_id", "option_id"):
        planned = OptionUse.objects.filter(contract=contract_id, option=option_id, ended_at=None, since__gt=since)
        planned.update(until=F("since"), ended_at=now)
    uses.update(until=Greatest(F("since"), since), ended_at=now)


def _shelf(contract_id: int, option_id: int, now: datetime) -> tuple[Shelf, Row]:
    shelf = option_shelf.of(contract_id, now=now)
    row = shelf.row(option_id)
    if row is None:
        raise OptionRefused(_("There is no such option. Choose one from the list."))
    return shelf, row


def _current(row: Row) -> OptionUse:
    if row.current is None:
        raise OptionRefused(_("The option is not switched on."))
    return OptionUse.objects.select_related("option").get(pk=row.current.pk)


def _of(contract: Contract, use: OptionUse) -> OptionUse:
    if use.contract_id != contract.pk:
        raise OptionRefused(_("The page has grown old. Please send it again."))
    return use


def _switch_on(contract: Contract, quote: Quote, operation: UUID, *, now: datetime, by: User | None) -> OptionUse:
    _give_up_plan(quote.row, now)
    use = _begin(contract, quote, operation, now)
    charges.post(contract.pk, quote.lines_of(use.pk), now=now)
    _journal(contract, "option_switched_on", use, by, now)
    monthly = quote.row.option.fee * use.quantity
    _tell(use, "option_on", now, monthly=str(monthly), is_free=not monthly)
    return use


def _change(
    contract: Contract, quote: Quote, row: Row, operation: UUID, *, now: datetime, by: User | None
) -> OptionUse:
    use = _current(row)
    if quote.changes_nothing:
        return use
    if row.planned:
        _give_up_plan(row, now)
        _end(use, None)
    if quote.changes_choice:
        use.choice = quote.choice
        use.save(update_fields=["choice"])
    if not quote.is_same:
        _end(use, quote.since, ended_at=now if quote.since == timezone.localdate(now) else None)
        use = _begin(contract, quote, operation, now)
        charges.post(contract.pk, quote.lines_of(use.pk), now=now)
    _journal(contract, "option_changed", use, by, now)
    _tell(use, "option_changed", now, quantity=use.quantity, choice=use.choice, since=str(use.since))
    return use


def _begin(contract: Contract, quote: Quote, operation: UUID, now: datetime) -> OptionUse:
    # Not `create`: another contract may send the same operation at the same moment.
    use, _is_new = OptionUse.objects.get_or_create(
        operation=operation,
        defaults={
            "contract": contract,
            "option_id": quote.row.option.pk,
            "quantity": quote.quantity,
            "choice": quote.choice,
            "since": quote.since,
            "created_at": now,
        },
    )
    return _of(contract, use)


def _end(use: OptionUse, until: date | None, *, ended_at: datetime | None = None) -> None:
    use.until, use.ended_at = until, ended_at
    use.save(update_fields=["until", "ended_at"])


def _give_up_plan(row: Row, now: datetime) -> None:
    """A row to come becomes one of no days: it tells that it was planned, and nobody finds it on any day."""
    if row.planned:
        OptionUse.objects.filter(pk=row.planned.pk).update(until=F("since"), ended_at=now)


def _journal(contract: Contract, action: str, use: OptionUse, by: User | None, now: datetime) -> None:
    if by:
        changes: dict[str, Any] = {"option": use.option.name, "quantity": use.quantity, "choice": use.choice}
        journal.record(by, action, contract, changes={k: v for k, v in changes.items() if v}, now=now)


def _tell(use: OptionUse, kind: str, now: datetime, **facts: Any) -> None:
    facts = {"name": use.option.name, "use": use.pk, **facts}
    outbox.tell(use.contract_id, Topic.TARIFF, kind, about=f"option:{use.pk}:{now.isoformat()}", now=now, **facts)
    live.publish(use.contract_id, "service")
