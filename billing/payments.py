"""Payments: opened by a subscriber, begun at the gateway, asked about until they end. Crediting is next door."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import limits
from accounts.models import Contract
from billing import contacts, gateway_messages, gateways, ledger
from billing.crediting import Mismatch, cancel, learn, lock, take
from billing.gateways import Gateway, PaymentState, Refused, Unknown
from billing.models import Account, Payment, PaymentMethod
from billing.templatetags.money import rubles

__all__ = [
    "Mismatch",
    "PaymentRefused",
    "cancel",
    "follow",
    "learn",
    "lock",
    "of",
    "open_payment",
    "recheck_hanging",
    "refusal",
    "reread",
    "start",
    "take",
    "with_contract",
]

OPENED = limits.Allowance("payments-opened", ceiling=20, window=timedelta(hours=1))
ASKED = limits.Allowance("payments-asked", ceiling=60, window=timedelta(minutes=10))
# How long a gateway keeps an idempotence key: asked with it later, it might begin a second payment.
KEY_LIVES = timedelta(hours=24)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(hours=1)
A_ROUND = 40  # payments asked about in one run of the task

log = structlog.get_logger(__name__)


class PaymentRefused(Exception):
    """The message is for the subscriber; `field` names what in the form is wrong, empty for the whole."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def of(contract_id: int) -> QuerySet[Payment]:
    """A subscriber's payments, newest first, with their receipts to show."""
    rows = Payment.objects.filter(account=contract_id).order_by("-created_at", "-pk")
    return rows.select_related("saved_method").prefetch_related("receipts")


# --- Opening


def refusal(contract: Contract) -> str:
    """Why no payment can be opened for the contract at all; empty when it can. The page asks before it draws a form."""
    if contract.is_terminated:
        return _("The contract is terminated, its account takes no payments.")
    return ""


def open_payment(
    contract_id: int,
    *,
    operation: UUID,
    amount: Decimal,
    gateway: str,
    method: Payment.Method,
    contact: str,
    now: datetime,
    wants_saving: bool = False,
    saved_method: PaymentMethod | None = None,
    is_automatic: bool = False,
) -> Payment:
    """Write down a payment to come, in rubles; no gateway is asked yet. The same operation is the same payment.

    Raises PaymentRefused. Call it outside a transaction.
    """
    opened = _opened(contract_id, operation)
    if opened:
        return opened
    _refuse_amount(amount)
    _refuse_method(contract_id, gateway, method, saved_method)
    contact = _fit(contact)
    if not is_automatic:
        _reserve(contract_id, now=now)
    with transaction.atomic():
        account = Account.objects.lock(contract_id)
        if refused := refusal(account.contract):
            raise PaymentRefused(refused)
        # Of two clicks at once the second has waited at the lock, and finds what the first one wrote.
        return _opened(contract_id, operation) or Payment.objects.create(
            operation=operation,
            account=account,
            gateway=gateway,
            method=method,
            amount=amount,
            contact=contact,
            wants_saving=wants_saving,
            saved_method=saved_method,
            is_automatic=is_automatic,
            created_at=now,
            next_check_at=now + FIRST_PAUSE,
        )


def _opened(contract_id: int, operation: UUID) -> Payment | None:
    payment = Payment.objects.filter(operation=operation).first()
    if payment and payment.account_id != contract_id:
        raise PaymentRefused(_("This form belongs to another payment. Please open the page again."))
    return payment


def _refuse_amount(amount: Decimal) -> None:
    least, most = Decimal(settings.TOP_UP_LEAST), Decimal(settings.TOP_UP_MOST)
    if amount.is_finite() and not least <= amount <= most:
        limits_of_sum = {"least": rubles(least), "most": rubles(most)}
        raise PaymentRefused(_("From %(least)s to %(most)s at a time.") % limits_of_sum, field="amount")
    if not amount.is_finite() or amount != amount.quantize(ledger.KOPECK):
        raise PaymentRefused(_("Enter a sum in rubles and whole kopecks."), field="amount")


def _refuse_method(contract_id: int, gateway: str, method: Payment.Method, saved: PaymentMethod | None) -> None:
    offered = {each.name: each.methods for each in gateways.offered()}
    if gateway not in offered:
        raise PaymentRefused(_("This way to pay is not available now."), field="method")
    if (method == Payment.Method.SAVED) != (saved is not None):
        raise PaymentRefused(_("Choose a saved card, or another way to pay."), field="method")
    if saved is None and method not in offered[gateway]:
        raise PaymentRefused(_("This way to pay is not available now."), field="method")
    if saved and not _is_usable(saved, contract_id, gateway):
        raise PaymentRefused(_("This card is not saved any more. Choose another way to pay."), field="method")


def _is_usable(saved: PaymentMethod, contract_id: int, gateway: str) -> bool:
    usable = PaymentMethod.objects.usable()
    return usable.filter(pk=saved.pk, account_id=contract_id, gateway=gateway).exists()


def _fit(contact: str) -> str:
    try:
        return contacts.normal(contact)
    except contacts.UnfitContact as error:
        raise PaymentRefused(str(error), field="contact") from error


def _reserve(contract_id: int, *, now: datetime) -> None:
    try:
        limits.take(OPENED, str(contract_id), now=now)
    except limits.LimitReached as reached:
        minutes = max(1, round((reached.until - now).total_seconds() / 60))
        message = _("Too many payments were begun in this hour. Please try again in %(minutes)s min.")
        raise PaymentRefused(message % {"minutes": minutes}) from reached


# --- Asking the gateway: never in a transaction


def start(payment_id: int, *, now: datetime) -> Payment:
    """Begin an opened payment at its gateway, or charge its saved card; begun already, it stays as it is.

    A gateway that does not answer leaves it NEW, and it is asked again under the same key.
    """
    payment = with_contract(payment_id)
    return follow(payment, now=now) if payment.state == Payment.State.NEW else payment


def reread(payment_id: int, *, now: datetime) -> Payment:
    """Ask for the gateway's word and take it; within an allowance, so that a page reloaded does not flood a gateway."""
    payment = with_contract(payment_id)
    if payment.is_under_way:
        try:
            limits.take(ASKED, str(payment.account_id), now=now)
        except limits.LimitReached:
            return payment
    return follow(payment, now=now)


def recheck_hanging(*, now: datetime) -> int:
    """Ask about payments whose time to be asked about has come. Returns how many were.

    A gateway that does not answer is left alone for the rest of the round.
    """
    silent: set[str] = set()
    for count in range(A_ROUND):
        payment = _claim(silent, now=now)
        if payment is None:
            return count
        follow(payment, now=now, on_silence=silent.add)
    return A_ROUND


@transaction.atomic
def _claim(silent: set[str], *, now: datetime) -> Payment | None:
    """The next due payment, its next time set: no other worker asks as well, nor this one at once after a crash."""
    due = Payment.objects.under_way().filter(next_check_at__lte=now).exclude(gateway__in=silent)
    rows = due.select_for_update(no_key=True, skip_locked=True, of=("self",)).select_related("account__contract")
    payment = rows.select_related("saved_method").order_by("next_check_at").first()
    if payment:
        payment.checks += 1
        payment.next_check_at = now + _pause(payment.checks)
        payment.save(update_fields=["checks", "next_check_at"])
    return payment


def _pause(checks: int) -> timedelta:
    return min(FIRST_PAUSE * (1 << min(checks, 10)), LONGEST_PAUSE)


def follow(payment: Payment, *, now: datetime, on_silence: Callable[[str], None] | None = None) -> Payment:
    """Begin it, or ask how it goes, whichever is next; `on_silence` is told the name of a gateway without an answer."""
    if payment.state == Payment.State.NEW:
        if now >= payment.created_at + KEY_LIVES:
            return _give_up(payment, "unavailable", now=now)
        return _ask(payment, lambda: _begin(payment), now=now, on_silence=on_silence)
    if payment.state == Payment.State.PENDING:
        return _ask(payment, lambda: _gateway_of(payment).read(payment.gateway_id), now=now, on_silence=on_silence)
    return payment


def with_contract(payment_id: int) -> Payment:
    """With all that asking a gateway about it reads."""
    return Payment.objects.select_related("account__contract", "saved_method").get(pk=payment_id)


def _begin(payment: Payment) -> PaymentState:
    gateway = _gateway_of(payment)
    if payment.saved_method:
        return gateway.charge(payment, payment.saved_method)
    page = reverse("billing:payment", kwargs={"operation": payment.operation})
    return gateway.start(payment, return_url=f"{settings.SITE_URL}{page}")


def _gateway_of(payment: Payment) -> Gateway:
    try:
        return gateways.get(payment.gateway)
    except LookupError as error:
        raise Unknown("it was switched off after the payment was opened") from error


def _ask(
    payment: Payment,
    question: Callable[[], PaymentState],
    *,
    now: datetime,
    on_silence: Callable[[str], None] | None = None,
) -> Payment:
    try:
        return learn(payment.pk, question(), now=now)
    except Unknown as error:
        log.warning("gateway_silent", gateway=payment.gateway, payment=payment.pk, error=str(error))
        if on_silence:
            on_silence(payment.gateway)
        return payment
    except Refused as error:
        log.warning("gateway_refused", gateway=payment.gateway, payment=payment.pk, error=str(error))
        return _refused(payment, now=now)
    except Mismatch as error:
        gateway_messages.record_own_question(payment, reason=f"Mismatch: {error}", now=now)
        return disbelieve(payment, error, now=now)


def _refused(payment: Payment, *, now: datetime) -> Payment:
    """A payment the gateway did not begin is over; one it denies knowing is asked about until its key is dead."""
    if payment.state == Payment.State.NEW:
        return _give_up(payment, "refused", now=now)
    if now >= payment.created_at + KEY_LIVES:
        return _give_up(payment, "expired", now=now)
    return payment


def disbelieve(payment: Payment, error: Mismatch, *, now: datetime) -> Payment:
    """The gateway's word is about something else: nothing is credited, and it is not asked for ever. Staff are told."""
    log.error("gateway_mismatch", gateway=payment.gateway, payment=payment.pk, error=str(error))
    return _give_up(payment, "mismatch", now=now)


@transaction.atomic
def _give_up(payment: Payment, failure: str, *, now: datetime) -> Payment:
    """Cancel it, unless somebody else has learned more about it since we asked."""
    found = lock(payment.pk)
    return cancel(found, failure=failure, now=now) if found.state == payment.state else found
