"""Staff ask a gateway about one payment, also about one that we have given up."""

from __future__ import annotations

import re
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import User
from billing import gateway_messages, gateways, payments
from billing.gateways import PaymentState, Refused, Status, Unknown
from billing.models import Payment

# What numbers of gateways are made of: typed by a person, it becomes a part of an address.
NUMBER = re.compile(r"[0-9A-Za-z-]{1,64}", re.ASCII)


class InquiryRefused(Exception):
    """The message says to the member of staff why the gateway is not asked."""


def refusal(payment: Payment) -> str:
    """Why the gateway cannot be asked about it; empty when it can. The page asks before it draws the button."""
    if payment.state == Payment.State.SUCCEEDED or payment.method == Payment.Method.TERMINAL:
        return _("The gateway has said its last word about this payment.")
    if payment.gateway not in settings.PAYMENT_GATEWAYS:
        return _("The gateway %s is switched off.") % gateways.name_of(payment.gateway)
    return ""


def ask(payment_id: int, *, by: User, now: datetime, number: str = "") -> str:
    """Ask for the gateway's word, take it, and tell in words for staff what it was. Raises InquiryRefused.

    `number` is what the gateway's own cabinet shows: for a given-up payment whose number we never learned. Call it
    outside a transaction.
    """
    payment = payments.with_contract(payment_id)
    if refused := refusal(payment) or _refuse_number(payment, number):
        raise InquiryRefused(refused)
    told = _follow(payment, now=now) if payment.is_under_way else _look_up(payment, number, now=now)
    _journal(payment, by=by, now=now)
    return told


def wants_number(payment: Payment) -> bool:
    """Whether it was given up before the gateway told its number, so that a person must say it."""
    return not (payment.is_under_way or payment.gateway_id)


def _refuse_number(payment: Payment, number: str) -> str:
    if wants_number(payment) and not NUMBER.fullmatch(number):
        return _("Enter the number of the payment as the gateway's own cabinet shows it.")
    return ""


def _follow(payment: Payment, *, now: datetime) -> str:
    """As the task does, only at once."""
    silent: list[str] = []
    followed = payments.follow(payment, now=now, on_silence=silent.append)
    return _silence() if silent else _("The gateway was asked. The payment: %s.") % followed.get_state_display()


def _look_up(payment: Payment, number: str, *, now: datetime) -> str:
    """A given-up payment stays as it is, unless the gateway says that it was paid after all."""
    try:
        word = gateways.get(payment.gateway).read(payment.gateway_id or number)
        payments.learn(payment.pk, word, now=now)
    except Unknown:
        return _silence()
    except Refused:
        return _("The gateway knows no such payment.")
    except payments.Mismatch as error:
        gateway_messages.record_own_question(payment, reason=f"Mismatch: {error}", now=now)
        return _("The gateway tells of another payment, nothing is credited: %s.") % error
    return _in_words(word)


def _silence() -> str:
    return _("The gateway does not answer now, nothing has changed. Please try again later.")


def _in_words(word: PaymentState) -> str:
    return {
        Status.SUCCEEDED: _("The payment was paid after all: it is credited now."),
        Status.CANCELLED: _("The gateway says that it was not paid."),
        Status.PENDING: _("The gateway still waits for the payer. When it is paid, its notification credits it."),
    }[word.status]


@transaction.atomic
def _journal(payment: Payment, *, by: User, now: datetime) -> None:
    after = Payment.objects.values_list("state", flat=True).get(pk=payment.pk)
    changes = {"contract": str(payment.account), "state": [payment.state, after]}
    journal.record(by, "payment_reread", payment, changes=changes, now=now)
