"""The days of autopay: a warning two days before the monthly charge, the top-up one day before it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from uuid import NAMESPACE_OID, UUID, uuid5

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.local_time import midnight
from billing import autopay, outlook, payments, shares
from billing.autopay import Plan
from billing.models import Account, Autopay, Payment
from notifications import outbox
from notifications.models import Topic

A_ROUND = 50  # cards charged in one run of the task: within its time limit, even by a slow gateway
A_DAY = timedelta(days=1)

log = structlog.get_logger(__name__)


def operation_of(contract_id: int, charge_on: date) -> UUID:
    """Names the one automatic payment before a monthly charge, whoever opens it and however often."""
    return uuid5(NAMESPACE_OID, f"mark:autopay:{contract_id}:{charge_on.isoformat()}")


def run_due(*, now: datetime) -> int:
    """Do what this day asks for, from AUTOPAY_HOUR local time. Returns how many cards were charged.

    A day on which no worker lived until midnight is not made up for: people agreed to one day before the charge.
    """
    local = timezone.localtime(now)
    if local.hour < settings.AUTOPAY_HOUR:
        return 0
    today = local.date()
    charge_on = shares.first_of_month(today, 1)
    if charge_on == today + A_DAY:
        return _charge_all(charge_on, now=now)
    if charge_on == today + 2 * A_DAY:
        _warn_all(now=now)
    return 0


def _charge_all(charge_on: date, *, now: datetime) -> int:
    charged = 0
    for contract_id in _waiting(now=now):
        try:
            payment = _open(contract_id, charge_on, now=now)
        except payments.PaymentRefused as refusal:
            _tell_refused(contract_id, charge_on, str(refusal), now=now)
            continue
        if payment is None:
            continue
        # Whoever dies here leaves a payment that is new; `payments.recheck_hanging` begins it under the same key.
        payments.start(payment.pk, now=now)
        charged += 1
        if charged == A_ROUND:
            break
    return charged


def _waiting(*, now: datetime) -> list[int]:
    """Contracts whose autopay has something to do today, by one look without locks."""
    today = midnight(timezone.localdate(now))
    opened = Payment.objects.filter(account=OuterRef("pk"), is_automatic=True, created_at__gte=today)
    running = Account.objects.filter(~Exists(opened), autopay__is_on=True, contract__state__in=autopay.IN_SERVICE)
    standings = outlook.each(running.order_by("pk"), now=now)
    return [standing.account.pk for standing in standings if autopay.plan(standing).amount]


@transaction.atomic
def _open(contract_id: int, charge_on: date, *, now: datetime) -> Payment | None:
    """The payment to begin, decided under the account's lock; None when there is nothing to do."""
    Account.objects.lock(contract_id)
    operation = operation_of(contract_id, charge_on)
    if Payment.objects.filter(operation=operation).exists():
        return None
    running, due = _due(contract_id, now=now)
    if running is None or not due.amount or _is_over_limit(running, due, now=now):
        return None
    return payments.open_payment(
        contract_id,
        operation=operation,
        amount=due.amount,
        gateway=running.method.gateway,
        method=Payment.Method.SAVED,
        contact=running.contact,
        saved_method=running.method,
        is_automatic=True,
        now=now,
    )


def _due(contract_id: int, *, now: datetime) -> tuple[Autopay | None, Plan]:
    running = Autopay.objects.select_related("method").filter(account=contract_id, is_on=True).first()
    return running, autopay.plan(outlook.stand(contract_id, now=now))


def _is_over_limit(running: Autopay, due: Plan, *, now: datetime) -> bool:
    """More than was agreed: nothing is charged, for a part of the sum would not keep the service. It is told once."""
    if due.amount <= running.limit:
        return False
    _tell(running, "autopay_over_limit", due, now=now, limit=str(running.limit))
    return True


def _tell_refused(contract_id: int, charge_on: date, reason: str, *, now: datetime) -> None:
    """We ourselves cannot charge (the gateway is switched off): the subscriber is warned, and it is no failure."""
    log.error("autopay_refused", contract=contract_id, reason=reason)
    with transaction.atomic():
        running, due = _due(contract_id, now=now)
        if running:
            _tell(running, "autopay_failed", due, now=now, failure="unavailable")


def _warn_all(*, now: datetime) -> None:
    for contract_id in _waiting(now=now):
        with transaction.atomic():
            running, due = _due(contract_id, now=now)
            if running and due.amount and not _is_over_limit(running, due, now=now):
                _tell(running, "autopay_tomorrow", due, now=now)


def _tell(running: Autopay, kind: str, due: Plan, *, now: datetime, **facts: str) -> None:
    about = f"autopay:{due.charge_on.isoformat()}"
    facts |= {"sum": str(due.amount), "card": str(running.method), "charge_on": due.charge_on.isoformat()}
    outbox.tell(running.pk, Topic.MONEY, kind, about=about, now=now, **facts)
