"""Payments of the demo subscriber that brought nothing: one that the bank declined, and one under way."""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from accounts.models import Contract
from billing import crediting
from billing.gateways.sandbox import bank
from billing.models import BankPayment, EntryKind, Payment
from mark_portal.demo import days, numbers
from mark_portal.demo.payments import SANDBOX, bank_payment, contact_of
from mark_portal.demo.stories import Story


def declined(contract: Contract, story: Story, rng: Random) -> Payment:
    """Not written yet: ten minutes before the last top-up there was not enough money on the card."""
    paid = [line for line in story.lines if line.kind == EntryKind.TOP_UP][-1]
    at = paid.at - timedelta(minutes=10)
    return Payment(
        operation=numbers.uuid(rng),
        account_id=contract.pk,
        gateway=SANDBOX,
        gateway_id=str(numbers.uuid(rng)),
        method=Payment.Method.CARD,
        amount=paid.amount,
        state=Payment.State.CANCELLED,
        failure="insufficient_funds",
        contact=contact_of(contract),
        created_at=at,
        finished_at=at + timedelta(minutes=2),
    )


def remember(contracts: dict[int, Contract], payments: list[Payment]) -> None:
    """At the demo's bank."""
    BankPayment.objects.bulk_create(
        bank_payment(contracts[payment.account_id], payment, card="0002") for payment in payments
    )


def begin(contract: Contract, now: datetime, rng: Random) -> None:
    """Three minutes ago, and the bank's page is still open.

    The bank waits until tomorrow night, longer than a real one, or nobody would find the payment the next morning.
    """
    at = now - timedelta(minutes=3)
    payment = Payment.objects.create(
        operation=numbers.uuid(rng),
        account_id=contract.pk,
        gateway=SANDBOX,
        method=Payment.Method.CARD,
        amount=Decimal(300),
        contact=contact_of(contract),
        created_at=at,
        next_check_at=now + timedelta(minutes=1),
    )
    payment.gateway_id = str(numbers.uuid(rng))
    row = bank_payment(contract, payment, card="")
    row.created_at = days.moment(now.astimezone(days.ZONE).date() + timedelta(2), 0)
    row.save(force_insert=True)
    crediting.learn(payment.pk, bank.read(payment.gateway_id, now=at), now=at)
