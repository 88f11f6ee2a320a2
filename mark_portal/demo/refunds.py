"""Money given back to payers: what the ledger's payouts stand for, and what waits for a second signature."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random

from accounts import journal
from accounts.models import Contract, User
from billing import refunds
from billing.models import BankPayment, EntryKind, Payment, Refund
from mark_portal.demo import days, numbers
from mark_portal.demo.extras import OVERPAID
from mark_portal.demo.steps import Step
from mark_portal.demo.stories import Line

State = Refund.State
REFUSED = "Карта получателя закрыта"


def fill(
    told: Iterable[tuple[Contract, Line]], paid: dict[int, Payment], staff: dict[str, User], rng: Random
) -> dict[int, Refund]:
    """By the `id` of their lines. A payout gives back the last payment of its contract and sum; what comes back has
    failed."""
    given: dict[int, Refund] = {}
    last: dict[tuple[int, Decimal], Payment] = {}
    open_ones: dict[int, Refund] = {}
    for contract, line in told:
        if id(line) in paid:
            last[contract.pk, line.amount] = paid[id(line)]
        elif line.kind == EntryKind.PAYOUT and line.amount < 0:
            refund = _refund(last[contract.pk, -line.amount], line, staff["accountant"], rng)
            given[id(line)] = open_ones[contract.pk] = refund
        elif line.kind == EntryKind.PAYOUT:
            refund = given[id(line)] = open_ones[contract.pk]
            refund.state, refund.failure, refund.finished_at, refund.gateway_id = State.FAILED, REFUSED, line.at, ""
    rows = {refund.operation: refund for refund in given.values()}.values()
    Refund.objects.bulk_create(rows)
    for refund in rows:
        if refund.state == State.SUCCEEDED:
            BankPayment.objects.filter(pk=refund.payment.gateway_id).update(
                refunded=refund.amount, refunds={str(refund.operation): str(refund.amount)}
            )
    return given


def _refund(payment: Payment, line: Line, author: User, rng: Random) -> Refund:
    operation = numbers.uuid(rng)
    return Refund(
        operation=operation,
        payment=payment,
        amount=-line.amount,
        reason=line.title,
        state=State.SUCCEEDED,
        author=author,
        created_at=line.at,
        decided_at=line.at,
        attempts=1,
        gateway_id=str(operation),
        finished_at=line.at + timedelta(seconds=25),
    )


def steps(
    given: dict[int, Refund], paid: dict[int, Payment], staff: dict[str, User], now: datetime, rng: Random
) -> list[Step]:
    """What the journal says about them, and a proposal that waits: a figure too many in the sum."""
    rows = dict.fromkeys(given.values())
    overpaid = next(payment for payment in paid.values() if payment.amount == OVERPAID)
    at = days.moment(now.astimezone(days.ZONE).date() - timedelta(2), 10, 50)
    wait = partial(
        refunds.propose,
        overpaid.pk,
        operation=numbers.uuid(rng),
        amount=OVERPAID * 9 / 10,
        reason="Лишняя цифра в сумме: хотел внести 990 ₽",
        author=staff["accountant"],
        now=at,
    )
    return [Step(at, wait), *(step for refund in rows for step in _steps(refund))]


def _steps(refund: Refund) -> list[Step]:
    particulars = {"contract": str(refund.payment.account), "amount": str(refund.amount), "reason": refund.reason}
    end = {State.SUCCEEDED: "refund_succeeded", State.FAILED: "refund_failed"}[State(refund.state)]
    ended = particulars | ({"failure": refund.failure} if refund.failure else {})
    return [
        _step(refund.created_at, refund.author, "refund_ordered", refund, particulars),
        _step(refund.finished_at or refund.created_at, None, end, refund, ended),
    ]


def _step(at: datetime, actor: User | None, action: str, refund: Refund, changes: dict[str, str]) -> Step:
    return Step(at, partial(journal.record, actor, action, refund, changes=changes, now=at))
