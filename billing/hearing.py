"""Hearing a gateway's notification: it is only a hint, the truth is re-read from the gateway."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from billing import gateway_messages, gateways, payments
from billing.gateways import Forged, Gateway, Notification, PaymentState, Refused, Unknown
from billing.models import GatewayMessage, Payment

Verdict = GatewayMessage.Verdict


class NotOurs(Exception):
    """A payment of the gateway's that bears no name of ours: the shop may be used by somebody else, too."""


def hear(gateway_name: str, notification: Notification, *, now: datetime) -> Verdict:
    """Take a notification and write it down. REFUSED is a genuine one from which nothing follows.

    Raises Forged; raises Unknown when the gateway must say it again, because it could not be asked now; raises
    LookupError for a gateway that is not switched on. Call it outside a transaction.
    """
    gateway = gateways.get(gateway_name)
    payment = None
    try:
        number = gateway.verify(notification)
        payment = Payment.objects.filter(gateway=gateway_name, gateway_id=number).first()
        if payment and payment.state == Payment.State.SUCCEEDED:
            verdict, failure = Verdict.REPEATED, None
        else:
            state = gateway.read(number)
            payment = payment or _named(gateway, state)
            verdict, failure = _learn(payment, state, now=now), None
    except (Forged, Unknown, NotOurs, Refused, payments.Mismatch) as error:
        verdict, failure = Verdict.REFUSED, error
    reason = f"{type(failure).__name__}: {failure}" if failure else ""
    gateway_messages.record(gateway_name, notification, verdict=verdict, now=now, payment=payment, reason=reason)
    if isinstance(failure, Forged | Unknown):
        raise failure
    return verdict


def _named(gateway: Gateway, state: PaymentState) -> Payment:
    """Ours by the name we gave it: the notification was quicker than the answer to our own request."""
    try:
        payment = Payment.objects.filter(gateway=gateway.name, operation=UUID(state.reference)).first()
    except ValueError:
        payment = None
    if payment is None:
        raise NotOurs(f"no payment of ours is named {state.reference}")
    return payment


def _learn(payment: Payment, state: PaymentState, *, now: datetime) -> Verdict:
    try:
        learned = payments.learn(payment.pk, state, now=now)
    except payments.Mismatch as error:
        # A second payment under the same name must not close the first one.
        if payment.gateway_id in ("", state.gateway_id):
            payments.disbelieve(payment, error, now=now)
        raise
    return Verdict.ACCEPTED if learned.state != payment.state else Verdict.REPEATED
