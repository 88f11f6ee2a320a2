"""What gateways told us in the last weeks, and what others told us in their name."""

from datetime import datetime, timedelta
from random import Random

from django.utils import timezone

from billing.gateways.sandbox import notices
from billing.models import BankPayment, GatewayMessage, Payment
from mark_portal.demo import days, numbers

Verdict = GatewayMessage.Verdict
SINCE = timedelta(days=35)
NETWORKS = {"sandbox": "127.0.0.1", "osmp": "192.0.2.14", "sber": "192.0.2.90"}
STRANGER = "203.0.113.77"


def fill(now: datetime, rng: Random) -> int:
    since = days.moment(now.astimezone(days.ZONE).date(), 0) - SINCE
    recent = Payment.objects.filter(state=Payment.State.SUCCEEDED, finished_at__gte=since, saved_method=None)
    payments = list(recent.select_related("account__contract").order_by("finished_at"))
    at_the_bank = BankPayment.objects.in_bulk(
        [payment.gateway_id for payment in payments if payment.gateway == "sandbox"]
    )
    banks = {str(number): row for number, row in at_the_bank.items()}
    rows = [_accepted(payment, banks) for payment in payments]
    rows += [_repeated(row) for row in rows[5:-1:9]]
    rows += _refused(payments, now, rng)
    return len(GatewayMessage.objects.bulk_create(sorted(rows, key=lambda row: row.at)))


def _accepted(payment: Payment, banks: dict[str, BankPayment]) -> GatewayMessage:
    return _message(payment, payment.finished_at or payment.created_at, _body(payment, banks), Verdict.ACCEPTED)


def _body(payment: Payment, banks: dict[str, BankPayment]) -> str:
    at = timezone.localtime(payment.paid_at)
    number, account = payment.gateway_id, payment.account.contract.number
    if payment.gateway == "osmp":
        return f"command=pay&txn_id={number}&account={account}&sum={payment.amount}&txn_date={at:%Y%m%d%H%M%S}"
    if payment.gateway == "sber":
        when = f"{at:%d.%m.%Y_%H:%M:%S}"
        return f"ACTION=payment&ACCOUNT={account}&AMOUNT={payment.amount}&PAY_ID={number}&PAY_DATE={when}"
    return notices.message(banks[number], now=payment.finished_at or at).decode()


def _message(payment: Payment, at: datetime, body: str, verdict: Verdict) -> GatewayMessage:
    return GatewayMessage(
        gateway=payment.gateway,
        at=at,
        network_address=NETWORKS[payment.gateway],
        method="POST" if payment.gateway == "sandbox" else "GET",
        body=body,
        payment=payment,
        verdict=verdict,
    )


def _repeated(first: GatewayMessage) -> GatewayMessage:
    payment = first.payment
    assert payment
    return _message(payment, first.at + timedelta(seconds=20), first.body, Verdict.REPEATED)


def _refused(payments: list[Payment], now: datetime, rng: Random) -> list[GatewayMessage]:
    """Forged: not signed, signed by guess, by GET, from a network that is no terminal's."""
    online = next(payment for payment in payments if payment.gateway == "sandbox")
    json = f'{{"event": "payment.succeeded", "payment": {{"number": "{online.gateway_id}", "amount": "5000.00"}}}}'
    pay = f"command=pay&txn_id={rng.randrange(10**9)}&account=100001&sum=5000&txn_date={now:%Y%m%d%H%M%S}"
    told = [
        ("sandbox", "POST", json, "Forged: not signed", timedelta(days=2, hours=3)),
        ("sandbox", "POST", json, "Forged: the signature is wrong", timedelta(days=2, hours=2, minutes=58)),
        ("sandbox", "GET", f"number={numbers.uuid(rng)}", "Method Not Allowed", timedelta(days=1, hours=7)),
        ("osmp", "GET", pay, "7: stranger, another network", timedelta(minutes=50)),
    ]
    return [
        GatewayMessage(
            gateway=gateway,
            at=now - ago,
            network_address=STRANGER,
            method=method,
            body=body,
            verdict=Verdict.REFUSED,
            reason=reason,
        )
        for gateway, method, body, reason, ago in told
    ]
