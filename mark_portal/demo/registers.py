"""A terminal network's register of yesterday, with each difference that there can be."""

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial

from accounts.models import Contract, User
from billing import registries
from billing.models import Payment
from billing.registry_files import Row
from mark_portal.demo import days
from mark_portal.demo.steps import Step

NETWORK = "osmp"
NOBODYS = "999999"


def steps(contracts: list[Contract], by: User, now: datetime) -> list[Step]:
    """Uploaded some minutes ago."""
    midnight = days.moment(now.astimezone(days.ZONE).date(), 0)
    day = midnight.date() - timedelta(1)
    upload = partial(
        registries.accept,
        gateway=NETWORK,
        day=day,
        file_name=f"osmp-{day:%Y-%m-%d}.csv",
        rows=_rows(day, contracts),
        by=by,
    )
    at = max(now - timedelta(minutes=25), min(midnight + timedelta(minutes=1), now))
    return [Step(at, partial(upload, now=at))]


def _rows(day: date, contracts: list[Contract]) -> list[Row]:
    """What the network says: of the three newest payments one is another contract's, one is bigger, one it has not."""
    start, end = days.moment(day, 0), datetime.combine(day, time.max, tzinfo=days.ZONE)
    ours = Payment.objects.filter(gateway=NETWORK, paid_at__range=(start, end)).order_by("paid_at")
    *agreed, moved, bigger, _unknown_there = [_row(payment) for payment in ours.select_related("account__contract")]
    noon = days.moment(day, 12, 40)
    return [
        *agreed,
        replace(moved, contract_number=contracts[7].number),
        replace(bigger, amount=bigger.amount + 50),
        Row(f"{noon:%y%m%d%H%M%S}000001", contracts[11].number, Decimal(350), noon),
        Row(f"{noon:%y%m%d%H%M%S}000002", NOBODYS, Decimal(200), noon + timedelta(minutes=3)),
    ]


def _row(payment: Payment) -> Row:
    return Row(
        payment.gateway_id, payment.account.contract.number, payment.amount, payment.paid_at or payment.created_at
    )
