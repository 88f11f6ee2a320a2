"""Until which date the money lasts, what is charged next, and what the service needs now.

Until tariffs exist, the fee to come is the last monthly fee in the ledger; `with_fee` is the one place that knows it.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Case, CharField, Exists, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast, Coalesce, Concat, Round
from django.utils import timezone

from accounts.models import Contract
from billing import shares
from billing.models import Account, EntryKind, LedgerEntry, PromisedPayment
from billing.shares import first_of_month as first_of_month

HORIZON_MONTHS = 60
NOTHING = Decimal(0)


@dataclass(frozen=True)
class Outlook:
    """The months to come, seen from `today`; sums in rubles."""

    balance: Decimal
    fee: Decimal | None
    paid_until: date | None
    next_charge_on: date | None
    is_beyond_horizon: bool = False
    lacks: Decimal = NOTHING  # what a service that is off for debt needs to return

    @property
    def next_charge(self) -> Decimal | None:
        return self.fee if self.next_charge_on else None

    @property
    def missing(self) -> Decimal:
        """What must come before the next month can be charged, or before the service returns; zero when it is there."""
        return max((self.fee or NOTHING) - self.balance, NOTHING) if self.next_charge_on else self.lacks


def of(contract: Contract, balance: Decimal, fee: Decimal | None, *, today: date, lacks: Decimal = NOTHING) -> Outlook:
    """`fee` is the monthly fee in force, None where nothing is charged by the month."""
    if contract.state == Contract.State.SUSPENDED_FOR_DEBT:
        return Outlook(balance, fee, None, None, lacks=lacks)
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


@dataclass(frozen=True)
class Standing:
    """An account at a moment: its money, and what its service costs. Sums in rubles."""

    account: Account
    today: date
    fee: Decimal | None
    fee_title: str
    is_month_charged: bool
    promised: Decimal  # lent by the open promise
    promised_until: datetime | None

    @property
    def contract(self) -> Contract:
        return self.account.contract

    @property
    def own(self) -> Decimal:
        """The subscriber's own money: with the credit that the contract allows, without a promise."""
        return self.account.balance + self.account.credit_limit

    @property
    def money(self) -> Decimal:
        return self.own + self.promised

    @property
    def due(self) -> Decimal:
        """What the days from today to the end of the month cost, unless the month is charged already."""
        return NOTHING if self.is_month_charged or not self.fee else shares.rest(self.fee, self.today)

    @property
    def outlook(self) -> Outlook:
        return self.after(NOTHING)

    def after(self, amount: Decimal) -> Outlook:
        """The outlook once a sum has come."""
        lacks = max(self.due - self.money - amount, NOTHING)
        return of(self.contract, self.account.balance + amount, self.fee, today=self.today, lacks=lacks)


def stand(contract_id: int, *, now: datetime) -> Standing:
    """One query. Decide on it only under the account's lock."""
    accounts = _with_month_and_promise(now=now).select_related("contract__subscriber")
    account: Any = accounts.get(pk=contract_id)
    return Standing(
        account,
        timezone.localdate(now),
        fee=account.fee_posted,
        fee_title=account.fee_title or "",
        is_month_charged=account.is_month_charged,
        promised=account.promised or NOTHING,
        promised_until=account.promised_until,
    )


def standing(*, now: datetime) -> QuerySet[Any]:
    """Accounts with `money` and `due` of their standing, so that a query can compare them."""
    today = timezone.localdate(now)
    length = monthrange(today.year, today.month)[1]
    share = Round(Coalesce(F("fee_posted"), NOTHING) * (length - today.day + 1) / length, precision=2)
    accounts: QuerySet[Any] = _with_month_and_promise(now=now).annotate(
        money=F("balance") + F("credit_limit") + Coalesce(F("promised"), NOTHING),
        due=Case(When(is_month_charged=True, then=NOTHING), default=share),
    )
    return accounts


def _with_month_and_promise(*, now: datetime) -> QuerySet[Any]:
    month = Value(f":{timezone.localdate(now):%Y-%m}")
    key = Concat(Value("month:"), Cast(OuterRef("pk"), CharField()), month)
    lent = PromisedPayment.objects.filter(account=OuterRef("pk"), state=PromisedPayment.State.OPEN, due_at__gt=now)
    return with_fee(Account.objects.all()).annotate(
        is_month_charged=Exists(LedgerEntry.objects.filter(key=key)),
        promised=Subquery(lent.values("amount")[:1]),
        promised_until=Subquery(lent.values("due_at")[:1]),
    )


def account_with_fee(contract_id: int) -> tuple[Account, Decimal | None]:
    """The account, and its monthly fee as a positive sum (None without one), in one query."""
    account: Any = with_fee(Account.objects.all()).get(pk=contract_id)
    return account, account.fee_posted


def with_fee(accounts: QuerySet[Account]) -> QuerySet[Account]:
    """Accounts with the last full monthly fee in their ledger: `fee_posted`, a positive sum, and its `fee_title`.

    A full fee is posted on the 1st; what is posted on another day is a month charged by days.
    """
    full = LedgerEntry.objects.filter(account=OuterRef("pk"), kind=EntryKind.MONTH, amount__lt=0, at__day=1)
    last = full.order_by("-at", "-pk")
    return accounts.annotate(
        fee_posted=-Subquery(last.values("amount")[:1]), fee_title=Subquery(last.values("title")[:1])
    )
