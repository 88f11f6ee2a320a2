"""Until which date the money lasts, and what is charged next.

Until tariffs exist, the fee to come is the last monthly fee in the ledger.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import OuterRef, Subquery

from accounts.models import Contract
from billing.models import Account, EntryKind, LedgerEntry

HORIZON_MONTHS = 60


@dataclass(frozen=True)
class Outlook:
    """The months to come, seen from `today`; sums in rubles."""

    balance: Decimal
    fee: Decimal | None
    paid_until: date | None
    next_charge_on: date | None
    is_beyond_horizon: bool = False

    @property
    def next_charge(self) -> Decimal | None:
        return self.fee if self.next_charge_on else None

    @property
    def missing(self) -> Decimal:
        """What must come before the next month can be charged; zero when the money is there."""
        return max((self.fee or Decimal(0)) - self.balance, Decimal(0)) if self.next_charge_on else Decimal(0)


def of(contract: Contract, balance: Decimal, fee: Decimal | None, *, today: date) -> Outlook:
    """`fee` is the monthly fee in force, None where nothing is charged by the month."""
    if contract.state != Contract.State.ACTIVE or not fee:
        return Outlook(balance, fee, None, None)
    # The current month is charged already: months are prepaid.
    months = min(max(int(balance // fee), 0), HORIZON_MONTHS)
    return Outlook(
        balance,
        fee,
        paid_until=first_of_month(today, months + 1) - timedelta(days=1),
        next_charge_on=first_of_month(today, 1),
        is_beyond_horizon=months == HORIZON_MONTHS,
    )


def first_of_month(day: date, ahead: int) -> date:
    """The first day of the month that lies so many months ahead."""
    years, month = divmod(day.month - 1 + ahead, 12)
    return date(day.year + years, month + 1, 1)


def account_with_fee(contract_id: int) -> tuple[Account, Decimal | None]:
    """The account, and the last full monthly fee in its ledger as a positive sum (None without one), in one query.

    A full fee is posted on the 1st; what is posted on another day is a month charged by days.
    """
    full = LedgerEntry.objects.filter(account=OuterRef("pk"), kind=EntryKind.MONTH, amount__lt=0, at__day=1)
    last = full.order_by("-at", "-pk")
    account = Account.objects.annotate(fee_posted=-Subquery(last.values("amount")[:1])).get(pk=contract_id)
    return account, account.fee_posted
