"""The terms on which a promised payment would be given at a moment, or why it is not and from when it would be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.local_time import midnight
from accounts.models import Contract
from accounts.templatetags.dates import day as written
from billing import shares
from billing.models import PromisedPayment
from billing.outlook import Standing
from billing.templatetags.money import rubles

STEP = Decimal(10)  # rubles
NOTHING = Decimal(0)


class PromiseRefused(Exception):
    """The message gives the subscriber every reason, each with the date or the sum that lifts it."""


@dataclass(frozen=True)
class Condition:
    code: str
    rule: str  # in plain words
    reason: str = ""  # why it is not met, and from when it would be; empty when it is
    from_when: date | None = None
    from_sum: Decimal | None = None

    @property
    def is_met(self) -> bool:
        return not self.reason


@dataclass(frozen=True)
class Line:
    """A charge to come while the promise is open; `key` is the ledger's."""

    key: str
    on: date
    amount: Decimal
    title: str
    balance_after: Decimal


@dataclass(frozen=True)
class Terms:
    """Sums in rubles. `missing` is what the subscriber has to pay, `amount` the sum lent: that, rounded up."""

    balance: Decimal
    credit_limit: Decimal
    fee: Decimal | None
    missing: Decimal
    amount: Decimal
    days: int
    due_at: datetime
    lines: list[Line]
    conditions: list[Condition]

    @property
    def reasons(self) -> list[Condition]:
        return [condition for condition in self.conditions if not condition.is_met]

    @property
    def is_locked(self) -> bool:
        return bool(self.reasons)

    @property
    def last_day(self) -> date:
        return last_day(self.due_at)

    def refuse_if_locked(self) -> None:
        if self.is_locked:
            raise PromiseRefused(" ".join(condition.reason for condition in self.reasons))

    def as_json(self) -> dict[str, Any]:
        """What was in force, to be kept with the promise; without words, which have a language."""
        return {
            "balance": str(self.balance),
            "credit_limit": str(self.credit_limit),
            "fee": None if self.fee is None else str(self.fee),
            "missing": str(self.missing),
            "days": self.days,
            "lines": [{"key": line.key, "on": str(line.on), "amount": str(line.amount)} for line in self.lines],
            "rules": {
                name: getattr(settings, name)
                for name in (
                    "PROMISE_MOST",
                    "PROMISE_DAYS",
                    "PROMISE_DAYS_MOST",
                    "PROMISE_PAUSE_DAYS",
                    "PROMISE_CONTRACT_AGE_DAYS",
                )
            },
        }


def quote(standing: Standing, promises: Iterable[PromisedPayment], *, now: datetime) -> Terms:
    """`promises` are those of the contract, newest first."""
    days = term_days(standing.contract, standing.today)
    due_at = midnight(standing.today + timedelta(days=days + 1))
    lines = list(_lines(standing, before=due_at))
    missing = max(-sum((line.amount for line in lines), standing.own), NOTHING)
    last = next(iter(promises), None)
    return Terms(
        balance=standing.account.balance,
        credit_limit=standing.account.credit_limit,
        fee=standing.fee,
        missing=missing,
        amount=rounded_up(missing),
        days=days,
        due_at=due_at,
        lines=lines,
        conditions=[
            *_of_contract(standing),
            *_of_last(last, standing),
            _something_is_missing(missing, standing),
            _not_too_much(missing),
        ],
    )


def rounded_up(amount: Decimal) -> Decimal:
    return (amount / STEP).to_integral_value(ROUND_CEILING) * STEP


def term_days(contract: Contract, today: date) -> int:
    """Full days after the day of the promise; it ends at the midnight that ends the last of them."""
    years = max(contract.tenure(today)[0], 0)
    return min(int(settings.PROMISE_DAYS) + years, int(settings.PROMISE_DAYS_MOST))


def last_day(due_at: datetime) -> date:
    return timezone.localdate(due_at) - timedelta(days=1)


def _lines(standing: Standing, *, before: datetime) -> Iterator[Line]:
    """The charges that fall into the term: the rest of this month, if it is not paid yet, and the next month."""
    balance = standing.account.balance
    for on, since in _charges(standing):
        if on < timezone.localdate(before):
            for line in standing.lines(since):
                balance += line.amount
                yield Line(line.key, on, line.amount, line.title, balance)


def _charges(standing: Standing) -> Iterator[tuple[date, date]]:
    """When a month is charged, and from which of its days on: this one if it is not yet, and the next."""
    is_active = standing.contract.state == Contract.State.ACTIVE
    if not is_active and standing.contract.state != Contract.State.SUSPENDED_FOR_DEBT:
        return
    if not standing.is_month_charged:
        yield standing.today, shares.first_of_month(standing.today) if is_active else standing.today
    following = shares.first_of_month(standing.today, 1)
    yield following, following


def _of_contract(standing: Standing) -> Iterator[Condition]:
    contract, subscriber = standing.contract, standing.contract.subscriber
    yield Condition(
        "in_force",
        _("The contract is in force."),
        _("The contract has ended.") if contract.is_terminated else "",
    )
    rests = contract.state == Contract.State.SUSPENDED_BY_WISH
    yield Condition(
        "not_by_wish",
        _("The service is not paused at your wish."),
        _("The service is paused at your wish; a promised payment is given once it runs again.") if rests else "",
    )
    if subscriber.is_legal_entity:
        reason = _("Your contract does not provide promised payments. Write to %(email)s to have them added.")
        yield Condition(
            "by_contract",
            _("A legal entity has promised payments in its contract."),
            "" if standing.account.allows_promises else reason % {"email": settings.BUSINESS_EMAIL},
        )
    age = settings.PROMISE_CONTRACT_AGE_DAYS
    from_when = contract.started_on + timedelta(days=age)
    yield _dated(
        "old_enough",
        ngettext("The contract is at least %d day old.", "The contract is at least %d days old.", age) % age,
        _("The contract is too young: possible from %(date)s.") if standing.today < from_when else "",
        from_when,
    )


def _of_last(last: PromisedPayment | None, standing: Standing) -> Iterator[Condition]:
    is_open = last is not None and last.state == PromisedPayment.State.OPEN
    yield _dated(
        "none_open",
        _("No promised payment is open."),
        _("A promised payment is open already, until the end of %(date)s.") if last and is_open else "",
        last_day(last.due_at) if last and is_open else None,
    )
    pause = settings.PROMISE_PAUSE_DAYS
    from_when = timezone.localdate(last.granted_at) + timedelta(days=pause) if last else None
    yield _dated(
        "pause_over",
        ngettext("%d day has passed since the last one began.", "%d days have passed since the last one began.", pause)
        % pause,
        _("The last one was not long ago: the next is possible from %(date)s.")
        if from_when and standing.today < from_when
        else "",
        from_when,
    )
    is_unpaid = last is not None and last.state == PromisedPayment.State.BROKEN and last.repaid_at is None
    owed = max(-standing.own, NOTHING) if is_unpaid else NOTHING
    yield Condition(
        "last_one_paid",
        _("The last one was kept, or has been paid since."),
        _("The last one has not been paid: put %(sum)s on the account first.") % {"sum": rubles(owed)} if owed else "",
        from_sum=owed or None,
    )


def _something_is_missing(missing: Decimal, standing: Standing) -> Condition:
    rule = _("Money is missing for what the service costs in these days.")
    if missing:
        return Condition("missing", rule)
    from_when = _first_day_of_need(standing)
    if from_when:
        return _dated(
            "missing", rule, _("Nothing is missing yet: possible from %(date)s, before the next charge."), from_when
        )
    if standing.contract.state == Contract.State.SUSPENDED_FOR_DEBT:
        return Condition("missing", rule, _("Nothing is missing: the service returns by itself within a minute."))
    return Condition("missing", rule, _("Nothing is missing."))


def _first_day_of_need(standing: Standing) -> date | None:
    """When the first charge that the money does not cover comes so near that a promise reaches it."""
    seen = standing.outlook
    if not seen.paid_until or seen.is_beyond_horizon:
        return None
    charge_on = seen.paid_until + timedelta(days=1)
    term = timedelta(days=settings.PROMISE_DAYS_MOST)
    near = (charge_on - term + timedelta(days=ahead) for ahead in range(term.days + 1))
    return next(day for day in near if day + timedelta(days=term_days(standing.contract, day)) >= charge_on)


def _not_too_much(missing: Decimal) -> Condition:
    most = Decimal(settings.PROMISE_MOST) // STEP * STEP
    first = max(missing - most, NOTHING).to_integral_value(ROUND_CEILING)
    reason = _("Too much is missing: put %(sum)s on the account first, and the rest can be promised.")
    return Condition(
        "not_too_much",
        _("At most %(sum)s is missing.") % {"sum": rubles(most)},
        reason % {"sum": rubles(first)} if first else "",
        from_sum=first or None,
    )


def _dated(code: str, rule: str, reason: str, from_when: date | None) -> Condition:
    """`reason` has a place for the date, `%(date)s`."""
    if not reason:
        return Condition(code, rule)
    return Condition(code, rule, reason % {"date": written(from_when)}, from_when=from_when)
