"""Rows of money at YooKassa, for tests."""

from decimal import Decimal

from billing.gateways.yookassa import gateway
from billing.models import Payment, Refund
from billing.tests.factories import NOON, PaymentFactory, RefundFactory

BACK = "http://testserver/cabinet/billing/top-up/1/"


def new(**fields) -> Payment:
    return PaymentFactory(gateway="yookassa", gateway_id="", state=Payment.State.NEW, **fields)


def paid(shop, **fields) -> Payment:
    """A payment that its payer has paid, as the portal knows it then; nothing is credited yet."""
    payment = new(**fields)
    payment.gateway_id = gateway.start(payment, return_url=BACK).gateway_id
    shop.pay(payment.gateway_id)
    payment.state, payment.paid_at, payment.finished_at = Payment.State.SUCCEEDED, NOON, NOON
    payment.save()
    return payment


def refund_of(payment: Payment, amount: int | str) -> Refund:
    return RefundFactory(payment=payment, amount=Decimal(amount), state=Refund.State.SENDING)
