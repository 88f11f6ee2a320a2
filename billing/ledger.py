"""The only writer of money."""

from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import User
from billing import promises
from billing.models import Account, EntryKind, LedgerEntry
from billing.shares import KOPECK as KOPECK
from notifications import live


class KeyTaken(Exception):
    """The key already names another fact. A fault of the caller, never of the person at the screen."""


@transaction.atomic
def post(
    contract_id: int,
    *,
    kind: EntryKind,
    amount: Decimal,
    key: str,
    now: datetime,
    title: str = "",
    author: User | None = None,
) -> LedgerEntry:
    """Post one signed amount of rubles, whole kopecks, under a key that names the fact; locks the account.

    The same key with the same content changes nothing and returns the first entry; with other content it raises
    KeyTaken. Raises ValueError for zero or parts of a kopeck.
    """
    if not amount or amount != amount.quantize(KOPECK):
        raise ValueError(f"an entry is a non-zero amount in whole kopecks, not {amount}")
    account = Account.objects.lock(contract_id)
    entry, is_new = LedgerEntry.objects.get_or_create(
        key=key,
        defaults={"account": account, "kind": kind, "amount": amount, "at": now, "title": title, "author": author},
    )
    if (entry.account_id, entry.kind, entry.amount) != (account.pk, kind, amount):
        raise KeyTaken(f"{key} is already {entry.kind} {entry.amount} on account {entry.account_id}")
    if is_new:
        _moved(account, amount, now=now)
    return entry


def _moved(account: Account, amount: Decimal, *, now: datetime) -> None:
    before = account.balance
    account.balance += amount  # as the trigger did in the row
    if amount > 0:
        promises.settle(account, before=before, now=now)
    live.publish(account.pk, "balance")
