"""Payment terminals: a network that has the money already tells us whose it is. The dialects are in `gateways/`.

A payment is known by the network's own number for it: whatever is repeated, and however many come at once, one number
is one payment and one credit. Suspended contracts take money, terminated ones do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models import Contract
from billing import crediting, ledger
from billing.models import Account, EntryKind, LedgerEntry, Payment
from notifications import live, outbox
from notifications.models import Topic

TITLES = {"osmp": _("Payment terminal"), "sber": _("Sberbank")}
REVERSED = "reversed"  # a key of gateways.FAILURES


class Refusal(StrEnum):
    """Why not; each dialect has a code of its own for it."""

    LATER = "later"
    STRANGER = "stranger"
    BAD_REQUEST = "bad request"
    BAD_ACCOUNT = "bad account"
    BAD_NUMBER = "bad number"
    BAD_SUM = "bad sum"
    BAD_DATE = "bad date"
    NO_CONTRACT = "no contract"
    TERMINATED = "terminated"
    TOO_SMALL = "too small"
    TOO_BIG = "too big"
    OTHER_DATA = "other data"
    NO_PAYMENT = "no payment"
    REVERSED = "reversed"
    TOO_LATE = "too late"
    SPENT = "spent"
    INTERNAL = "internal"


WORDS = {
    Refusal.LATER: _("Try again later."),
    Refusal.STRANGER: _("You are not allowed to ask."),
    Refusal.BAD_REQUEST: _("The request cannot be understood."),
    Refusal.BAD_ACCOUNT: _("The contract number is six to twelve digits."),
    Refusal.BAD_NUMBER: _("The number of the payment is one to twenty digits."),
    Refusal.BAD_SUM: _("The sum is written in rubles with a dot: 500 or 500.00."),
    Refusal.BAD_DATE: _("The date and time of the payment are wrong."),
    Refusal.NO_CONTRACT: _("There is no such contract."),
    Refusal.TERMINATED: _("The contract is terminated."),
    Refusal.TOO_SMALL: _("The sum is too small."),
    Refusal.TOO_BIG: _("The sum is too big."),
    Refusal.OTHER_DATA: _("A payment with this number but other data has been taken."),
    Refusal.NO_PAYMENT: _("There is no such payment."),
    Refusal.REVERSED: _("This payment was cancelled."),
    Refusal.TOO_LATE: _("A payment can be cancelled on its own day only."),
    Refusal.SPENT: _("The money is spent: the payment cannot be cancelled."),
    Refusal.INTERNAL: _("Our fault: the request was not carried out."),
}


class TerminalRefused(Exception):
    """The message is for the one who stands at the terminal."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__(str(WORDS[reason]))
        self.reason = reason


@dataclass(frozen=True)
class Taken:
    payment: Payment
    is_new: bool


def find(number: str) -> Contract:
    """The contract with its address, ready to be paid. Raises TerminalRefused."""
    contract = Contract.objects.with_address().filter(number=number).first()
    if contract is None:
        raise TerminalRefused(Refusal.NO_CONTRACT)
    if contract.is_terminated:
        raise TerminalRefused(Refusal.TERMINATED)
    return contract


def refuse_beyond_limits(amount: Decimal) -> None:
    """Raises TerminalRefused."""
    if amount < settings.TOP_UP_LEAST:
        raise TerminalRefused(Refusal.TOO_SMALL)
    if amount > settings.TOP_UP_MOST:
        raise TerminalRefused(Refusal.TOO_BIG)


@transaction.atomic
def pay(contract_number: str, *, gateway: str, number: str, amount: Decimal, paid_at: datetime, now: datetime) -> Taken:
    """Credit a payment under the network's `number` for it; the same once more returns the first.

    Raises TerminalRefused, also when the number belongs to a payment of another sum or contract.
    """
    if known := _known(gateway, number):
        return _repeated(known, contract_number, amount)
    contract = find(contract_number)
    refuse_beyond_limits(amount)
    if Account.objects.lock(contract.pk).contract.is_terminated:
        raise TerminalRefused(Refusal.TERMINATED)
    if known := _known(gateway, number):
        return _repeated(known, contract_number, amount)
    title = str(TITLES[gateway])
    try:
        with transaction.atomic():
            payment = crediting.take(
                contract.pk, gateway=gateway, number=number, amount=amount, paid_at=paid_at, title=title, now=now
            )
    except IntegrityError:
        # Under the lock of another account the same number has just become another payment.
        if (known := _known(gateway, number)) is None:
            raise
        return _repeated(known, contract_number, amount)
    return Taken(payment, is_new=True)


def payment_of(gateway: str, number: str) -> Payment:
    """By the network's number. Raises TerminalRefused."""
    payment = _known(gateway, number)
    if payment is None:
        raise TerminalRefused(Refusal.NO_PAYMENT)
    return payment


@transaction.atomic
def cancel(payment_id: int, *, gateway: str, now: datetime) -> Taken:
    """Take a payment back on the day it was credited, as long as the money is there; once more changes nothing.

    Raises TerminalRefused.
    """
    if not Payment.objects.filter(pk=payment_id, gateway=gateway).exists():
        raise TerminalRefused(Refusal.NO_PAYMENT)
    payment = crediting.lock(payment_id)
    if payment.state == Payment.State.CANCELLED:
        return Taken(payment, is_new=False)
    key = f"{payment.key}:cancelled"
    # Cancelled once and credited again by the register: the register has the last word.
    is_settled = LedgerEntry.objects.filter(key=key).exists()
    if is_settled or timezone.localdate(payment.created_at) != timezone.localdate(now):
        raise TerminalRefused(Refusal.TOO_LATE)
    if payment.account.balance < payment.amount:
        raise TerminalRefused(Refusal.SPENT)
    title = str(_("The terminal cancelled the payment"))
    ledger.post(payment.account_id, kind=EntryKind.PAYOUT, amount=-payment.amount, key=key, title=title, now=now)
    close_as_reversed(payment, now=now)
    return Taken(payment, is_new=True)


def close_as_reversed(payment: Payment, *, now: datetime) -> None:
    """Say on a locked payment, and to the subscriber, that an entry has taken its money back."""
    payment.state, payment.failure, payment.finished_at = Payment.State.CANCELLED, REVERSED, now
    payment.save(update_fields=["state", "failure", "finished_at"])
    outbox.tell(
        payment.account_id, Topic.MONEY, "payment_reversed", about=payment.key, now=now, sum=str(payment.amount)
    )
    live.publish(payment.account_id, "payment")


def _known(gateway: str, number: str) -> Payment | None:
    return Payment.objects.select_related("account__contract").filter(gateway=gateway, gateway_id=number).first()


def _repeated(payment: Payment, contract_number: str, amount: Decimal) -> Taken:
    if (payment.account.contract.number, payment.amount) != (contract_number, amount):
        raise TerminalRefused(Refusal.OTHER_DATA)
    if payment.state != Payment.State.SUCCEEDED:
        raise TerminalRefused(Refusal.REVERSED)
    return Taken(payment, is_new=False)
