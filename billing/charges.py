"""Charging: lines that a seller has computed become entries; a month is charged once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction

from billing import ledger, shares
from billing.models import LedgerEntry
from billing.parts import Line as Line
from billing.parts import Step as Step
from billing.parts import steps as steps


@transaction.atomic
def post(contract_id: int, lines: Iterable[Line], *, now: datetime) -> list[LedgerEntry]:
    """Post lines in their order. Posting them again changes nothing; other amounts raise `ledger.KeyTaken`."""
    return [
        ledger.post(contract_id, kind=line.kind, amount=line.amount, key=line.key, title=line.title, now=now)
        for line in lines
    ]


def is_month_charged(contract_id: int, day: date) -> bool:
    """Whether the month of `day` has been charged, whole or by days. Decide on it only under the account's lock."""
    return LedgerEntry.objects.filter(key=shares.month_key(contract_id, day)).exists()
