"""The ledger of all contracts, in one chronological insert, and the corrections behind some of its lines."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from random import Random
from uuid import UUID

from accounts import journal
from accounts.models import Contract, User
from billing.models import Account, Adjustment, EntryKind, LedgerEntry, Payment, Refund
from mark_portal.demo import cards, days, loans, messages, notices, payments, receipts, refunds, registers, unpaid
from mark_portal.demo.extras import NOT_GIVEN_BACK
from mark_portal.demo.services import Keys
from mark_portal.demo.steps import Step
from mark_portal.demo.stories import OFFICE, OPENING, Line, Story

Fact = Adjustment | Payment | Refund  # what a line stands for
BATCH = 4_000
SECOND_SIGNED_AFTER = timedelta(hours=3)
WAITING = (
    (Decimal(7500), "Возврат за месяц без связи по претензии № 12"),
    (Decimal(-5600), "Платёж ошибочно зачислен дважды"),
    (Decimal(9200), "Скидка по дополнительному соглашению № 3"),
)
REJECTED = ((Decimal(12000), "Возврат по устной просьбе"), (Decimal(-6100), "Стоимость оборудования без акта"))


def fill(
    contracts: list[Contract], stories: list[Story], staff: dict[str, User], keys: Keys, now: datetime, rng: Random
) -> tuple[dict[str, int], list[Step]]:
    told = [(contract, line) for contract, story in zip(contracts, stories, strict=True) for line in story.lines]
    told.sort(key=lambda item: (item[1].at, item[0].pk))  # lines of one moment keep their order within the contract
    posted = [(contract, line, _posted(contract, line, staff, rng)) for contract, line in told if _is_correction(line)]
    undecided = _undecided([contract for contract in contracts if contract.subscriber.is_legal_entity], staff, now, rng)
    adjustments = sorted([row for *_of, row in posted] + undecided, key=lambda row: row.created_at)
    Adjustment.objects.bulk_create(adjustments)
    paid = _pay(contracts, stories, told, now, rng)
    given = refunds.fill(told, paid, staff, rng)
    receipts.fill(paid.values(), {refund.pk: refund for refund in given.values()}.values(), now, rng)
    facts = {id(line): adjustment for _contract, line, adjustment in posted} | paid | given
    entries = list(_entries(told, facts, keys))
    LedgerEntry.objects.bulk_create(entries, batch_size=BATCH)
    steps = [step for row in adjustments for step in _steps(row)]
    steps += refunds.steps(given, paid, staff, now, rng) + registers.steps(contracts, staff["accountant"], now)
    lent = loans.fill(contracts, stories, rng)
    _agree(contracts, stories)
    counts = {
        "entries": len(entries),
        "payments": Payment.objects.count(),
        "promises": len(lent),
        "gateway messages": messages.fill(now, rng),
        "notices": notices.fill(contracts, stories, now),
        **Counter(f"adjustments {row.state}" for row in adjustments),
    }
    return counts, steps


def _pay(
    contracts: list[Contract], stories: list[Story], told: list[tuple[Contract, Line]], now: datetime, rng: Random
) -> dict[int, Payment]:
    """Every payment, with its card and the bank's memory of it; by the `id` of its line."""
    saved, declined = cards.fill(contracts, stories, now, rng)
    declined.append(unpaid.declined(contracts[0], stories[0], rng))
    plans = {contract.pk: story.plan for contract, story in zip(contracts, stories, strict=True)}
    paid = payments.fill([(contract, plans[contract.pk], line) for contract, line in told], declined, saved, rng)
    unpaid.remember({contract.pk: contract for contract in contracts}, declined)
    unpaid.begin(contracts[0], now, rng)
    return paid


def _agree(contracts: list[Contract], stories: list[Story]) -> None:
    """What the contracts of some legal entities allow."""
    for contract, story in zip(contracts, stories, strict=True):
        plan = story.plan
        if plan.credit_limit or plan.allows_promises:
            Account.objects.filter(pk=contract.pk).update(
                credit_limit=plan.credit_limit, allows_promises=plan.allows_promises
            )


def _is_correction(line: Line) -> bool:
    return line.kind == EntryKind.ADJUSTMENT and line.title != OPENING


def _entries(told: list[tuple[Contract, Line]], facts: dict[int, Fact], keys: Keys) -> Iterator[LedgerEntry]:
    numbers = {kind: count(1) for kind in EntryKind}
    for contract, line in told:
        fact = facts.get(id(line))
        yield LedgerEntry(
            account_id=contract.pk,
            kind=line.kind,
            amount=line.amount,
            key=_key_of(fact, line) if fact else _key(contract, line, keys, numbers[line.kind]),
            at=line.at,
            title=line.title,
            author=_author_of(fact, line),
        )


def _key_of(fact: Fact, line: Line) -> str:
    if isinstance(fact, Adjustment):
        return f"adjustment:{fact.pk}"
    return f"{fact.key}:returned" if line.title == NOT_GIVEN_BACK else fact.key


def _author_of(fact: Fact | None, line: Line) -> User | None:
    if fact is None or isinstance(fact, Payment) or line.title == NOT_GIVEN_BACK:
        return None
    return fact.second or fact.author


def _key(contract: Contract, line: Line, keys: Keys, numbers: "count[int]") -> str:
    if line.kind in (EntryKind.MONTH, EntryKind.DISCOUNT):
        part = f":{keys[contract.number, line.code]}" if line.code else ""
        return f"month:{contract.pk}:{line.at:%Y-%m}{part}"
    if line.code:
        return keys[contract.number, line.code]
    if line.kind == EntryKind.ADJUSTMENT:
        return f"opening:{contract.pk}"
    if line.kind == EntryKind.TOP_UP:
        return f"{'office' if line.title == OFFICE else 'invoice'}:demo:{next(numbers)}"
    # Not `refund:`, which names money given back to a payer.
    return f"{'recalculated' if line.kind == EntryKind.REFUND else line.kind.value}:demo:{next(numbers)}"


def _adjustment(
    contract: Contract, amount: Decimal, reason: str, author: User, created_at: datetime, rng: Random
) -> Adjustment:
    return Adjustment(
        account_id=contract.pk,
        operation=UUID(int=rng.getrandbits(128), version=4),
        amount=amount,
        reason=reason,
        author=author,
        created_at=created_at,
    )


def _posted(contract: Contract, line: Line, staff: dict[str, User], rng: Random) -> Adjustment:
    row = _adjustment(contract, line.amount, line.title, staff["accountant"], line.at, rng)
    row.state, row.decided_at = Adjustment.State.POSTED, line.at
    if row.needs_second:
        row.created_at, row.second = line.at - SECOND_SIGNED_AFTER, staff["supervisor"]
    return row


def _undecided(legal: list[Contract], staff: dict[str, User], now: datetime, rng: Random) -> list[Adjustment]:
    """Those that wait for a second signature, the oldest since a week ago, and those that did not get it."""
    today = now.astimezone(days.ZONE).date()
    in_force = [contract for contract in legal if not contract.is_terminated]
    places = iter(rng.sample(in_force, len(WAITING) + len(REJECTED)))
    rows = []
    for number, (amount, reason) in enumerate(WAITING, 1):
        at = days.moment(today - timedelta(number * 2), 11, 40)
        rows.append(_adjustment(next(places), amount, reason, staff["accountant"], at, rng))
    for number, (amount, reason) in enumerate(REJECTED, 1):
        at = days.moment(today - timedelta(number * 40), 15, 5)
        row = _adjustment(next(places), amount, reason, staff["accountant"], at, rng)
        row.state, row.second, row.decided_at = Adjustment.State.REJECTED, staff["supervisor"], at + timedelta(hours=20)
        rows.append(row)
    return rows


def _steps(row: Adjustment) -> Iterator[Step]:
    """What the journal says about it."""
    particulars = {"contract": str(row.account), "amount": str(row.amount), "reason": row.reason}

    def step(at: datetime, actor: User, action: str) -> Step:
        return Step(at, lambda: journal.record(actor, action, row, changes=particulars, now=at))

    yield step(row.created_at, row.author, "adjustment_proposed" if row.needs_second else "adjustment_posted")
    if row.second and row.decided_at:
        action = "adjustment_approved" if row.state == Adjustment.State.POSTED else "adjustment_rejected"
        yield step(row.decided_at, row.second, action)
