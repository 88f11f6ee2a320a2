"""Crediting: a payment becomes money once, on the gateway's confirmed word."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from uuid import uuid4

from django.db import transaction

from billing import autopay, gateways, ledger, receipts, saved_methods
from billing.gateways import PaymentState, Status
from billing.models import Account, EntryKind, Payment
from notifications import live, outbox
from notifications.models import Topic

CURRENCY = "RUB"


class Mismatch(Exception):
    """The gateway's word is about something else than our payment. The message says what differs, for staff."""


@transaction.atomic
def learn(payment_id: int, state: PaymentState, *, now: datetime) -> Payment:
    """Take the gateway's re-read word. Credits at most once, however often and from wherever it is called.

    A payment given up by us is credited all the same when the gateway says that it was paid. Raises Mismatch when
    sum, currency, shop, contract or our name for it differ; then nothing changes.
    """
    payment = lock(payment_id)
    if payment.state == Payment.State.SUCCEEDED:
        return payment
    _refuse_mismatch(payment, state)
    if state.status == Status.SUCCEEDED:
        return _succeed(payment, state, now=now)
    if state.status == Status.CANCELLED:
        return cancel(payment, failure=state.failure or "declined", number=state.gateway_id, now=now)
    if payment.state == Payment.State.NEW:
        payment.state = Payment.State.PENDING
        payment.gateway_id, payment.pay_url, payment.qr = state.gateway_id, state.pay_url, state.qr
        payment.save(update_fields=["state", "gateway_id", "pay_url", "qr"])
        live.publish(payment.account_id, "payment")
    return payment


def lock(payment_id: int) -> Payment:
    """The payment under the lock of its account; the order is always account, then payment."""
    account_id = Payment.objects.values_list("account_id", flat=True).get(pk=payment_id)
    account = Account.objects.lock(account_id)
    payment = Payment.objects.select_for_update(no_key=True).get(pk=payment_id)
    payment.account = account
    return payment


def take(
    contract_id: int, *, gateway: str, number: str, amount: Decimal, paid_at: datetime, title: str, now: datetime
) -> Payment:
    """Credit a payment that a terminal has taken already; call it in a transaction, under the account's lock."""
    payment = Payment.objects.create(
        operation=uuid4(),
        account_id=contract_id,
        gateway=gateway,
        gateway_id=number,
        method=Payment.Method.TERMINAL,
        amount=amount,
        state=Payment.State.SUCCEEDED,
        created_at=now,
        paid_at=paid_at,
        finished_at=now,
    )
    _credit(payment, title=title, now=now)
    return payment


def cancel(payment: Payment, *, failure: str, now: datetime, number: str = "") -> Payment:
    """Close a locked payment as not paid; `failure` is a key of gateways.FAILURES, `number` the gateway's."""
    if payment.is_under_way:
        payment.state, payment.failure, payment.finished_at = Payment.State.CANCELLED, failure, now
        payment.gateway_id, payment.next_check_at = payment.gateway_id or number, None
        payment.save(update_fields=["state", "failure", "gateway_id", "finished_at", "next_check_at"])
        autopay.heed(payment, now=now)
        live.publish(payment.account_id, "payment")
    return payment


def _refuse_mismatch(payment: Payment, state: PaymentState) -> None:
    expected = {
        "number": (payment.gateway_id or state.gateway_id, state.gateway_id),
        "name": (str(payment.operation), state.reference),
        "shop": (gateways.get(payment.gateway).shop, state.shop),
        "contract": (payment.account.contract.number, state.contract_number),
        "sum": (payment.amount, state.amount),
        "currency": (CURRENCY, state.currency),
    }
    for what, (ours, theirs) in expected.items():
        if ours != theirs:
            raise Mismatch(f"{what}: ours is {ours}, the gateway's {theirs}")


def _succeed(payment: Payment, state: PaymentState, *, now: datetime) -> Payment:
    payment.state, payment.failure, payment.next_check_at = Payment.State.SUCCEEDED, "", None
    payment.gateway_id, payment.paid_at, payment.finished_at = state.gateway_id, state.paid_at or now, now
    payment.save(update_fields=["state", "failure", "gateway_id", "paid_at", "finished_at", "next_check_at"])
    if payment.wants_saving and state.saved:
        saved_methods.keep(payment.account, payment.gateway, state.saved, now=now)
    _credit(payment, title=payment.paid_by, now=now)
    autopay.heed(payment, now=now)
    return payment


def _credit(payment: Payment, *, title: str, now: datetime) -> None:
    ledger.post(payment.account_id, kind=EntryKind.TOP_UP, amount=payment.amount, key=payment.key, title=title, now=now)
    receipts.create(payment, now=now)
    kind = "autopay_paid" if payment.is_automatic else "payment_credited"
    outbox.tell(payment.account_id, Topic.MONEY, kind, about=payment.key, now=now, sum=str(payment.amount))
    live.publish(payment.account_id, "payment")
