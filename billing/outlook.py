"""Until which date the money lasts, what is charged next, and what the service needs now.

What a contract is charged, this month and in those to come, is the seller's to say (billing/seller.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Case, CharField, Exists, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast, Coalesce, Concat
from django.utils import timezone

from accounts.models import Contract
from billing import parts, seller
from billing.models import Account, LedgerEntry, PromisedPayment
from billing.seller import Months
from billing.shares import first_of_month as first_of_month

HORIZON_MONTHS = 60
NOTHING = Decimal(0)


@dataclass(frozen=True)
class Outlook:
    """The months to come; sums in rubles. `fee` is that of the next charge, or the one in force where none is to come.

    Months are paid from the balance and the credit that the contract allows.
    """

    balance: Decimal
    fee: Decimal | None
    paid_until: date | None
    next_charge_on: date | None
    is_beyond_horizon: bool = False
    lacks: Decimal = NOTHING  # what a service that is off for debt needs to return
    credit: Decimal = NOTHING

    @property
    def next_charge(self) -> Decimal | None:
        return self.fee if self.next_charge_on else None

    @property
    def missing(self) -> Decimal:
        """What must come before the next charge, or before the service returns; zero when it is there."""
        if not self.next_charge_on:
            return self.lacks
        return max((self.fee or NOTHING) - self.balance - self.credit, NOTHING)


def of(
    contract: Contract,
    balance: Decimal,
    months: Months,
    *,
    today: date,
    credit: Decimal = NOTHING,
    due: Decimal = NOTHING,
    lacks: Decimal = NOTHING,
) -> Outlook:
    """Seen from `today`. Months are prepaid: that of today is charged already, but for the `due`."""
    charges = [*([(today, due)] if due else []), *_charges(months, today)]
    if contract.state != Contract.State.ACTIVE or not charges:
        return Outlook(balance, months.fee(today), None, None, lacks=lacks, credit=credit)
    unpaid_on = _first_unpaid(charges, balance + credit)
    end = first_of_month(today, HORIZON_MONTHS + 1)
    return Outlook(
        balance,
        fee=charges[0][1],
        paid_until=(unpaid_on or end) - timedelta(days=1),
        next_charge_on=charges[0][0],
        is_beyond_horizon=unpaid_on is None,
        credit=credit,
    )


def _charges(months: Months, today: date) -> Iterator[tuple[date, Decimal]]:
    """The firsts to come, as far as we look, on which something is charged."""
    for ahead in range(1, HORIZON_MONTHS + 1):
        first = first_of_month(today, ahead)
        fee = months.fee(first)
        if fee:
            yield first, fee


def _first_unpaid(charges: list[tuple[date, Decimal]], money: Decimal) -> date | None:
    for first, fee in charges:
        money -= fee
        if money < 0:
            return first
    return None


@dataclass(frozen=True)
class Standing:
    """An account at a moment: its money, and what its service costs. Sums in rubles."""

    account: Account
    today: date
    months: Months
    is_month_charged: bool
    promised: Decimal  # lent by the open promise
    promised_until: datetime | None

    @property
    def contract(self) -> Contract:
        return self.account.contract

    @property
    def fee(self) -> Decimal | None:
        """The whole monthly fee in force today; None where nothing is sold by the month."""
        return self.months.fee(self.today)

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
        return NOTHING if self.is_month_charged else parts.rest(self.months.parts(self.today), self.today)

    def lines(self, day: date) -> list[parts.Line]:
        """The charge of the days of a month from `day` on."""
        return parts.month_lines(self.account.pk, self.months.parts(day), day)

    @property
    def outlook(self) -> Outlook:
        return self.after(NOTHING)

    def after(self, amount: Decimal) -> Outlook:
        """The outlook once a sum has come."""
        return of(
            self.contract,
            self.account.balance + amount,
            self.months,
            today=self.today,
            credit=self.account.credit_limit,
            due=self.due,
            lacks=max(self.due - self.money - amount, NOTHING),
        )


def stand(contract_id: int, *, now: datetime) -> Standing:
    """One query. Decide on it only under the account's lock."""
    for standing in each(Account.objects.filter(pk=contract_id), now=now):
        return standing
    raise Account.DoesNotExist(contract_id)


def each(accounts: QuerySet[Account], *, now: datetime) -> Iterator[Standing]:
    """The standings of accounts, in one query."""
    found = _with_month_and_promise(accounts.select_related("contract__subscriber"), now=now)
    rows: Any = found.annotate(months=seller.registered().months(_today(now)))
    for account in rows.iterator():
        yield Standing(
            account,
            _today(now),
            months=Months.read(account.months),
            is_month_charged=account.is_month_charged,
            promised=account.promised or NOTHING,
            promised_until=account.promised_until,
        )


def standing(*, now: datetime) -> QuerySet[Any]:
    """Accounts with `money` and `due` of their standing, so that a query can compare them."""
    accounts: QuerySet[Any] = _with_month_and_promise(Account.objects.all(), now=now).annotate(
        money=F("balance") + F("credit_limit") + Coalesce(F("promised"), NOTHING),
        due=Case(When(is_month_charged=True, then=NOTHING), default=seller.registered().rest(_today(now))),
    )
    return accounts


def _with_month_and_promise(accounts: QuerySet[Account], *, now: datetime) -> QuerySet[Any]:
    month = Value(f":{_today(now):%Y-%m}")
    key = Concat(Value("month:"), Cast(OuterRef("pk"), CharField()), month)
    lent = PromisedPayment.objects.filter(account=OuterRef("pk"), state=PromisedPayment.State.OPEN, due_at__gt=now)
    return accounts.annotate(
        is_month_charged=Exists(LedgerEntry.objects.filter(key=key)),
        promised=Subquery(lent.values("amount")[:1]),
        promised_until=Subquery(lent.values("due_at")[:1]),
    )


def _today(now: datetime) -> date:
    return timezone.localdate(now)
