"""What subscribers were told about their money; the newest is not read yet."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from accounts.models import Contract
from billing import promise_terms
from billing.models import Autopay, Payment, PromisedPayment, Refund
from mark_portal.demo import days
from mark_portal.demo.stories import Story
from notifications.models import Notice, Topic

RECENT, OF_THE_FIRST = timedelta(days=35), timedelta(days=400)
UNREAD_OF_THE_FIRST = 3
READ_AFTER = timedelta(minutes=20)


def fill(contracts: list[Contract], stories: list[Story], now: datetime) -> int:
    """Of the last weeks; the demo subscriber's inbox goes back more than a year."""
    first = contracts[0].pk
    told = [
        *_of_payments(first, days.moment(now.astimezone(days.ZONE).date(), 0)),
        *_of_promises(),
        *_of_refunds(),
        *_of_autopay(),
        *_of_debts(contracts, stories),
    ]
    told.sort(key=lambda notice: notice.at)
    _read(told, first)
    return len(Notice.objects.bulk_create(told))


def _notice(contract_id: int, kind: str, about: str, at: datetime, **facts: Any) -> Notice:
    return Notice(contract_id=contract_id, topic=Topic.MONEY, kind=kind, about=about, facts=facts, at=at)


def _read(told: list[Notice], first: int) -> None:
    seen: dict[int, int] = {}
    for notice in reversed(told):
        seen[notice.contract_id] = newer = seen.get(notice.contract_id, 0) + 1
        if newer > (UNREAD_OF_THE_FIRST if notice.contract_id == first else 1):
            notice.read_at = notice.at + READ_AFTER


def _of_payments(first: int, midnight: datetime) -> Iterator[Notice]:
    credited = Payment.objects.filter(state=Payment.State.SUCCEEDED)
    recent = credited.filter(finished_at__gte=midnight - RECENT)
    of_the_first = credited.filter(account=first, finished_at__gte=midnight - OF_THE_FIRST)
    for payment in recent | of_the_first:
        kind = "autopay_paid" if payment.is_automatic else "payment_credited"
        yield _notice(
            payment.account_id, kind, payment.key, payment.finished_at or payment.created_at, sum=str(payment.amount)
        )


def _of_promises() -> Iterator[Notice]:
    for promise in PromisedPayment.objects.all():
        about, lent, until = f"promise:{promise.pk}", str(promise.amount), promise_terms.last_day(promise.due_at)
        pay = promise.terms["missing"]
        yield _notice(
            promise.account_id, "promise_granted", about, promise.granted_at, sum=lent, pay=pay, until=str(until)
        )
        if promise.closed_at:
            owed = {"owed": pay} if promise.state == PromisedPayment.State.BROKEN else {}
            kind = f"promise_{promise.state}"
            yield _notice(promise.account_id, kind, about, promise.closed_at, sum=lent, **owed)


def _of_refunds() -> Iterator[Notice]:
    for refund in Refund.objects.filter(state=Refund.State.SUCCEEDED).select_related("payment"):
        payment = refund.payment
        facts = {"sum": str(refund.amount), "paid_at": (payment.paid_at or payment.created_at).isoformat()}
        yield _notice(payment.account_id, "refund_given", refund.key, refund.finished_at or refund.created_at, **facts)


def _of_autopay() -> Iterator[Notice]:
    for autopay in Autopay.objects.select_related("method"):
        about = f"autopay:{autopay.consented_at.isoformat()}"
        facts = {"card": str(autopay.method), "limit": str(autopay.limit)}
        yield _notice(autopay.pk, "autopay_on", about, autopay.consented_at, **facts)
    failed = Payment.objects.filter(is_automatic=True, state=Payment.State.CANCELLED)
    for payment in failed.select_related("saved_method", "account__autopay"):
        is_last = payment.finished_at == payment.account.autopay.stopped_at
        why = Autopay.Stopped.FAILURES.value if is_last else ""
        facts = {"sum": str(payment.amount), "card": str(payment.saved_method), "failure": payment.failure, "why": why}
        kind = "autopay_stopped" if is_last else "autopay_failed"
        yield _notice(payment.account_id, kind, payment.key, payment.finished_at or payment.created_at, **facts)


def _of_debts(contracts: Iterable[Contract], stories: Iterable[Story]) -> Iterator[Notice]:
    """Those whose month was not paid: the service stopped in its first night. A broken promise is told by itself."""
    for contract, story in zip(contracts, stories, strict=True):
        month = story.plan.unpaid_from
        if contract.state == Contract.State.SUSPENDED_FOR_DEBT and month is not None and not story.lent:
            at = days.moment(days.first_day(month), 0, 10)
            balance = sum(line.amount for line in story.lines if line.at < at)
            missing = story.plan.tariff.fees[-1] - balance
            yield _notice(contract.pk, "service_stopped", f"service:{at.isoformat()}", at, missing=str(missing))
