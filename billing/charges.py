"""Posting a month's fee: once for a contract and a month, whole or for its remaining days."""

from datetime import date, datetime
from decimal import Decimal

from billing import ledger, shares
from billing.models import EntryKind, LedgerEntry


def post_month(contract_id: int, *, fee: Decimal, since: date, title: str, now: datetime) -> LedgerEntry | None:
    """Charge the days of a month from `since` on; from the 1st it is the whole `fee`. None for less than a kopeck.

    The month is charged once: posting the same again changes nothing, other days of it raise `ledger.KeyTaken`.
    """
    amount = shares.rest(fee, since)
    if not amount:
        return None
    key = shares.month_key(contract_id, since)
    return ledger.post(contract_id, kind=EntryKind.MONTH, amount=-amount, key=key, title=title, now=now)
