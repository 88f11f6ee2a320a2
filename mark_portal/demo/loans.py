"""Promised payments: taken in the evening of a day, quoted by the portal's own terms, kept, broken or still open."""

from copy import copy
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from accounts.models import Contract
from billing import promise_terms
from billing.models import Account, PromisedPayment
from billing.outlook import Standing
from billing.promise_terms import Terms
from billing.seller import Months
from mark_portal.demo import days, numbers

if TYPE_CHECKING:
    from mark_portal.demo.stories import Story

State = PromisedPayment.State
CLOSED_BY_TASK = timedelta(seconds=14)


@dataclass(frozen=True)
class Loan:
    """A promised payment of a plan: for a month that is not paid, or before it begins."""

    on: date
    month: int
    fate: State
    paid_on: date | None = None

    @property
    def at(self) -> datetime:
        return days.moment(self.on, 18, 30)

    @property
    def is_ahead(self) -> bool:
        return days.month_of(self.on) < self.month


@dataclass(frozen=True)
class Lent:
    """What a story knows of its loan: the balance before it, the fee in force, and when the money came."""

    loan: Loan
    balance: Decimal
    fee: Decimal
    title: str
    paid_at: datetime | None = None


def fill(contracts: list[Contract], stories: "list[Story]", rng: Random) -> list[PromisedPayment]:
    lent = [(contract, story) for contract, story in zip(contracts, stories, strict=True) if story.lent]
    rows = [_promise(contract, story.lent, rng) for contract, story in lent if story.lent]
    return PromisedPayment.objects.bulk_create(sorted(rows, key=lambda row: row.granted_at))


def terms_of(contract: Contract, lent: Lent) -> Terms:
    """As they were quoted that evening."""
    contract = copy(contract)
    contract.state = Contract.State.ACTIVE if lent.loan.is_ahead else Contract.State.SUSPENDED_FOR_DEBT
    standing = Standing(
        Account(contract=contract, balance=lent.balance.quantize(days.KOPECK)),
        lent.loan.on,
        months=Months.same(lent.fee.quantize(days.KOPECK), lent.title),
        is_month_charged=lent.loan.is_ahead,
        promised=Decimal(0),
        promised_until=None,
    )
    return promise_terms.quote(standing, [], now=lent.loan.at)


def _promise(contract: Contract, lent: Lent, rng: Random) -> PromisedPayment:
    terms = terms_of(contract, lent)
    terms.refuse_if_locked()
    closed_at = {State.KEPT: lent.paid_at, State.BROKEN: terms.due_at + CLOSED_BY_TASK}.get(lent.loan.fate)
    return PromisedPayment(
        operation=numbers.uuid(rng),
        account_id=contract.pk,
        amount=terms.amount,
        granted_at=lent.loan.at,
        due_at=terms.due_at,
        state=lent.loan.fate,
        closed_at=closed_at,
        repaid_at=lent.paid_at if lent.loan.fate == State.BROKEN else None,
        terms=terms.as_json(),
    )
