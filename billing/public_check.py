"""The state of an account by contract number alone, for anybody: a sum and a date, nothing else."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from accounts import limits
from accounts.models import Contract
from billing import outlook

BY_NETWORK = limits.Allowance("balance-check", ceiling=10, window=timedelta(minutes=10))
OVERALL = limits.Allowance("balance-check-all", ceiling=600, window=timedelta(minutes=10))


@dataclass(frozen=True)
class Answer:
    """Of the same shape for a number that does not exist: then without a sum and without a date."""

    number: str
    sum: Decimal | None = None
    until: date | None = None


def ask(number: str, *, network: str, now: datetime) -> Answer:
    """Raises LimitReached."""
    limits.take(BY_NETWORK, network, now=now)
    limits.take(OVERALL, "everybody", now=now)
    contract = Contract.objects.in_force().filter(number=number).first()
    if contract is None:
        return Answer(number)
    standing = outlook.stand(contract.pk, now=now)
    return Answer(number, standing.account.balance, standing.outlook.paid_until)
