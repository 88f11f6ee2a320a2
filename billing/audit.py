"""The proof that the ledger and the balances agree."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import F, Sum
from django.db.models.functions import Coalesce

from billing.models import Account

SHOWN = 100


@dataclass(frozen=True)
class Difference:
    number: str
    balance: Decimal
    entries: Decimal


def differences() -> list[Difference]:
    """Accounts whose balance is not the sum of their entries: one statement, the first hundred."""
    summed = Account.objects.annotate(entries_sum=Coalesce(Sum("entries__amount"), Decimal(0)))
    wrong = summed.exclude(balance=F("entries_sum")).order_by("pk")[:SHOWN]
    return [Difference(*row) for row in wrong.values_list("contract__number", "balance", "entries_sum")]


def accounts_checked() -> int:
    return Account.objects.count()
