"""A receipt for each payment and refund: registered long ago, on its way to the tax service, or left to staff."""

from collections.abc import Collection
from datetime import datetime, timedelta
from random import Random

from billing.models import Payment, Receipt, Refund
from billing.receipts import GIVEN_UP
from mark_portal.demo import numbers

BATCH = 4_000
State = Receipt.State
# How many online payments ago, and what the cash register said.
FAILED = ((9, "Касса: смена открыта дольше 24 часов"), (23, "Касса: закончилась лента"), (41, GIVEN_UP))


def fill(payments: Collection[Payment], refunds: Collection[Refund], now: datetime, rng: Random) -> list[Receipt]:
    """In the order of time; the two newest wait while the demo is looked at, its workers register them later."""
    credited = sorted(payments, key=lambda payment: (payment.finished_at, payment.pk))
    receipts = [_receipt(payment, rng) for payment in credited]
    online = [receipt for receipt in receipts if receipt.state == State.REGISTERED]
    for ago, error in FAILED:
        _unregister(online[-ago], State.FAILED, error=error)
    _unregister(online[-1], State.SENT, next_try_at=now + timedelta(minutes=25))
    _unregister(online[-2], State.WAITING, next_try_at=now + timedelta(minutes=40))
    receipts += [_return(refund, rng) for refund in refunds if refund.state == Refund.State.SUCCEEDED]
    return Receipt.objects.bulk_create(sorted(receipts, key=lambda receipt: receipt.created_at), batch_size=BATCH)


def _receipt(payment: Payment, rng: Random) -> Receipt:
    receipt = Receipt(
        payment=payment,
        operation=numbers.uuid(rng),
        amount=payment.amount,
        contact=payment.contact,
        created_at=payment.finished_at or payment.created_at,
        state=State.BY_AGENT,
    )
    return receipt if payment.method == Payment.Method.TERMINAL else _register(receipt, rng)


def _return(refund: Refund, rng: Random) -> Receipt:
    receipt = _receipt(refund.payment, rng)
    receipt.refund, receipt.kind, receipt.amount = refund, Receipt.Kind.RETURN, refund.amount
    receipt.created_at = refund.finished_at or refund.created_at
    return _register(receipt, rng)


def _register(receipt: Receipt, rng: Random) -> Receipt:
    """With fiscal numbers of a drive that does not exist."""
    at: datetime = receipt.created_at
    receipt.state, receipt.attempts, receipt.gateway_id = State.REGISTERED, 2, str(receipt.operation)
    receipt.registered_at = at + timedelta(seconds=rng.randint(35, 90))
    receipt.fiscal_drive, receipt.fiscal_document = f"9960440300{at:%y}0001", str(rng.randint(1_000, 199_999))
    receipt.fiscal_sign = f"{rng.randrange(10**10):010d}"
    return receipt


def _unregister(receipt: Receipt, state: State, *, error: str = "", next_try_at: datetime | None = None) -> None:
    receipt.state, receipt.error, receipt.next_try_at, receipt.attempts = state, error, next_try_at, 6
    receipt.registered_at, receipt.gateway_id = None, receipt.gateway_id if state == State.SENT else ""
    receipt.fiscal_drive = receipt.fiscal_document = receipt.fiscal_sign = ""
