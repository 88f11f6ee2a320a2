"""Autopay: the consent to charge a saved card by itself, what it will take, and how it ends.

The charging is in `autopay_run`. Here is no import of `payments`, which calls `heed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import Contract, User
from billing import contacts, parts, shares
from billing.models import Account, Autopay, Payment, PaymentMethod
from billing.outlook import Standing
from billing.shares import KOPECK
from billing.templatetags.money import rubles
from notifications import outbox
from notifications.models import Topic

# The bank will never again let us charge the card: the payer has withdrawn the permission there.
GONE_FOR_GOOD = "method_revoked"
IN_SERVICE = (Contract.State.ACTIVE, Contract.State.SUSPENDED_FOR_DEBT)


class AutopayRefused(Exception):
    """The message says to the subscriber why autopay cannot be switched on so."""


@dataclass(frozen=True)
class Plan:
    """What autopay will take before the next monthly charge, seen from today; zero when the money is there."""

    charge_on: date
    amount: Decimal

    @property
    def takes_on(self) -> date:
        return self.charge_on - timedelta(days=1)


def plan(standing: Standing) -> Plan:
    """Sums in rubles."""
    charge_on = shares.first_of_month(standing.today, 1)
    missing = _missing(standing, charge_on)
    return Plan(charge_on, max(missing, Decimal(settings.TOP_UP_LEAST)) if missing else Decimal(0))


def _missing(standing: Standing, charge_on: date) -> Decimal:
    """Of the subscriber's own money for the month to come; a promise has to be paid as well, it is no money."""
    fee = standing.months.fee(charge_on)
    if not fee or standing.contract.state not in IN_SERVICE:
        return Decimal(0)
    if standing.contract.state == Contract.State.SUSPENDED_FOR_DEBT:
        # The money switches the service on at once, so that the rest of that day is charged as well.
        last_day = charge_on - timedelta(days=1)
        fee += parts.rest(standing.months.parts(last_day), last_day)
    return max(fee - standing.own, Decimal(0))


def consent_words() -> str:
    """What the subscriber agrees to, in the language of the page; the card and the limit stand beside it."""
    return _(
        "I agree that «Марк» charges the card chosen above without asking me each time: one day before each monthly "
        "charge, the sum that is missing on my account for the month (%(least)s or more), and never more than the "
        "limit set above. If more is missing, nothing is charged and I am told. I can switch autopay off or remove "
        "the card at any time on the page «Autopay» of the cabinet, or by phone %(phone)s."
    ) % {"least": rubles(settings.TOP_UP_LEAST), "phone": settings.TECHNICAL_PHONE.replace(" ", "\u00a0")}


def refusal(contract: Contract) -> str:
    """Why autopay cannot be switched on at all; empty when it can."""
    return _("The contract has ended.") if contract.is_terminated else ""


@transaction.atomic
def turn_on(contract_id: int, *, method_id: int, limit: Decimal, contact: str, consent: str, now: datetime) -> Autopay:
    """Switch on, or change the card, the limit and the contact; `consent` is the very words agreed to.

    The same again changes nothing. Raises AutopayRefused.
    """
    account = Account.objects.lock(contract_id)
    method = PaymentMethod.objects.usable().filter(account=account, pk=method_id).first()
    _refuse(account, method, limit, consent)
    contact = _fit(contact)
    agreed = {"method": method, "limit": limit, "contact": contact}
    running = Autopay.objects.filter(account=account, is_on=True, **agreed).first()
    if running:
        return running
    autopay, _is_new = Autopay.objects.update_or_create(
        account=account,
        defaults={
            **agreed,
            "consent": f"{consent}\n\n{method} · {rubles(limit)} · {contact}",
            "consented_at": now,
            "is_on": True,
            "failures": 0,
            "stopped_at": None,
            "stopped": "",
        },
    )
    _tell(contract_id, "autopay_on", autopay.consented_at, now=now, card=str(method), limit=str(limit))
    return autopay


def _refuse(account: Account, method: PaymentMethod | None, limit: Decimal, consent: str) -> None:
    if reason := refusal(account.contract):
        raise AutopayRefused(reason)
    if method is None:
        raise AutopayRefused(_("There is no such saved card any more. Choose another one."))
    if not settings.TOP_UP_LEAST <= limit <= settings.TOP_UP_MOST or limit != limit.quantize(KOPECK):
        raise AutopayRefused(
            _("The limit is a sum from %(least)s to %(most)s.")
            % {"least": rubles(settings.TOP_UP_LEAST), "most": rubles(settings.TOP_UP_MOST)}
        )
    if not consent:
        raise AutopayRefused(_("Without your consent the card cannot be charged."))


def _fit(contact: str) -> str:
    try:
        return contacts.normal(contact)
    except contacts.UnfitContact as error:
        raise AutopayRefused(str(error)) from error


@transaction.atomic
def turn_off(contract_id: int, *, now: datetime, by: User | None = None) -> bool:
    """By the subscriber's wish, said here or to a member of staff; False if it was off.

    A payment already on its way to the bank still arrives.
    """
    account = Account.objects.lock(contract_id)
    was_on = stop(contract_id, Autopay.Stopped.BY_WISH, now=now)
    if was_on:
        _tell(contract_id, "autopay_off", now, now=now)
    if was_on and by:
        journal.record(by, "autopay_switched_off", account, changes={"contract": str(account)}, now=now)
    return was_on


def stop(contract_id: int, why: Autopay.Stopped, *, now: datetime) -> bool:
    """Switch off under the account's lock; False if it was off."""
    running = Autopay.objects.filter(account=contract_id, is_on=True)
    return bool(running.update(is_on=False, stopped_at=now, stopped=why))


def heed(payment: Payment, *, now: datetime) -> None:
    """Count an automatic payment that has just been closed; call it under the account's lock.

    A success forgets the failures, AUTOPAY_FAILURES of them in a row switch autopay off. A failure of a card that is
    no longer the autopay's is told, but not counted.
    """
    if not payment.is_automatic:
        return
    autopay = Autopay.objects.filter(account=payment.account_id, method=payment.saved_method_id).first()
    if payment.state == Payment.State.SUCCEEDED:
        if autopay and autopay.failures:
            autopay.failures = 0
            autopay.save(update_fields=["failures"])
        return
    why = _count_failure(autopay, payment, now=now) if autopay and autopay.is_on else None
    facts = {"sum": str(payment.amount), "card": str(payment.saved_method or ""), "failure": payment.failure}
    kind = "autopay_stopped" if why else "autopay_failed"
    outbox.tell(payment.account_id, Topic.MONEY, kind, about=payment.key, now=now, why=why or "", **facts)


def _count_failure(autopay: Autopay, payment: Payment, *, now: datetime) -> Autopay.Stopped | None:
    """The reason when this failure was one too many."""
    autopay.failures += 1
    autopay.save(update_fields=["failures"])
    why = None
    if payment.failure == GONE_FOR_GOOD:
        PaymentMethod.objects.usable().filter(pk=autopay.method_id).update(forgotten_at=now)
        why = Autopay.Stopped.CARD_GONE
    elif autopay.failures >= settings.AUTOPAY_FAILURES:
        why = Autopay.Stopped.FAILURES
    if why:
        stop(autopay.pk, why, now=now)
    return why


def _tell(contract_id: int, kind: str, since: datetime, *, now: datetime, **facts: str) -> None:
    outbox.tell(contract_id, Topic.MONEY, kind, about=f"autopay:{since.isoformat()}", now=now, **facts)
