"""Fiscal receipts (54-ФЗ)."""

from datetime import datetime
from uuid import uuid4

from billing.models import Payment, Receipt, Refund


def create(payment: Payment, *, now: datetime) -> Receipt:
    """The receipt that a payment must have, in the transaction that credits it; sent afterwards by a task.

    A terminal gives its own receipt on paper, as the payment agent's law (103-ФЗ) has it.
    """
    is_agents = payment.method == Payment.Method.TERMINAL
    return Receipt.objects.create(
        payment=payment,
        operation=uuid4(),
        amount=payment.amount,
        contact=payment.contact,
        created_at=now,
        state=Receipt.State.BY_AGENT if is_agents else Receipt.State.WAITING,
        next_try_at=None if is_agents else now,
    )


def create_return(refund: Refund, *, now: datetime) -> Receipt:
    """The receipt of money given back, in the transaction that learns of it; sent afterwards by a task."""
    return Receipt.objects.create(
        payment=refund.payment,
        refund=refund,
        kind=Receipt.Kind.RETURN,
        operation=uuid4(),
        amount=refund.amount,
        contact=refund.payment.contact,
        created_at=now,
        next_try_at=now,
    )
