"""The payments behind the ledger's top-ups, as crediting leaves them, and the demo bank's memory of them."""

from collections.abc import Iterable
from datetime import timedelta
from random import Random
from uuid import UUID

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from accounts.models import Contract
from billing import autopay_run, shares
from billing.models import BankPayment, EntryKind, Payment, PaymentMethod
from mark_portal.demo import numbers
from mark_portal.demo.extras import TERMINAL
from mark_portal.demo.plans import Plan
from mark_portal.demo.stories import Line, card_of

BATCH = 4_000
SANDBOX = "sandbox"
SECOND = timedelta(seconds=1)
Method, State = Payment.Method, Payment.State
# What a line says → gateway and method. What the cash desk takes, and what comes by invoice, is no payment of ours.
MEANS = {
    "Банковская карта": (SANDBOX, Method.CARD),
    "СБП": (SANDBOX, Method.SBP),
    TERMINAL: ("osmp", Method.TERMINAL),
    "Сбербанк": ("sber", Method.TERMINAL),
}
Cards = dict[tuple[int, str], PaymentMethod]


def fill(
    told: Iterable[tuple[Contract, Plan, Line]], unpaid: list[Payment], cards: Cards, rng: Random
) -> dict[int, Payment]:
    """Keep these and the `unpaid` ones in the order of time. Returns the credited ones by the `id` of their lines."""
    paid = {
        id(line): (contract, plan, _payment(contract, line, cards, rng))
        for contract, plan, line in told
        if line.kind == EntryKind.TOP_UP and (line.title in MEANS or (contract.pk, line.title) in cards)
    }
    credited = {line: payment for line, (_contract, _plan, payment) in paid.items()}
    rows = sorted([*credited.values(), *unpaid], key=lambda payment: payment.created_at)
    Payment.objects.bulk_create(rows, batch_size=BATCH)
    known = [
        bank_payment(contract, payment, card=card_of(plan))
        for contract, plan, payment in paid.values()
        if _is_ours(payment)
    ]
    BankPayment.objects.bulk_create(known, batch_size=BATCH)
    return credited


def _is_ours(payment: Payment) -> bool:
    return payment.gateway == SANDBOX


def contact_of(contract: Contract) -> str:
    return contract.subscriber.email or str(contract.subscriber.phone)


def _payment(contract: Contract, line: Line, cards: Cards, rng: Random) -> Payment:
    saved = cards.get((contract.pk, line.title))
    gateway, method = (SANDBOX, Method.SAVED) if saved else MEANS[line.title]
    is_terminal = method == Method.TERMINAL
    waited = {Method.TERMINAL: 0, Method.SAVED: 2}.get(method) or rng.randint(40, 180)
    return Payment(
        operation=automatic_operation(contract, line) if saved else numbers.uuid(rng),
        account_id=contract.pk,
        gateway=gateway,
        gateway_id=f"{line.at:%y%m%d%H%M%S}{rng.randrange(10**6):06d}" if is_terminal else str(numbers.uuid(rng)),
        method=method,
        is_automatic=bool(saved),
        saved_method=saved,
        amount=line.amount,
        state=State.SUCCEEDED,
        contact="" if is_terminal else contact_of(contract),
        created_at=line.at if is_terminal else line.at - waited * SECOND,
        paid_at=line.at - rng.randint(2, 20) * SECOND if method != Method.SAVED else line.at,
        finished_at=line.at,
    )


def automatic_operation(contract: Contract, line: Line) -> UUID:
    return autopay_run.operation_of(contract.pk, shares.first_of_month(timezone.localdate(line.at), 1))


def bank_payment(contract: Contract, payment: Payment, *, card: str) -> BankPayment:
    page = reverse("billing:payment", kwargs={"operation": payment.operation})
    statuses = {State.SUCCEEDED: BankPayment.Status.SUCCEEDED, State.CANCELLED: BankPayment.Status.CANCELLED}
    return BankPayment(
        number=UUID(payment.gateway_id),
        idempotence_key=payment.operation,
        amount=payment.amount,
        reference=str(payment.operation),
        contract_number=contract.number,
        method=payment.method,
        return_url="" if payment.saved_method else f"{settings.SITE_URL}{page}",
        status=statuses.get(State(payment.state), BankPayment.Status.WAITING),
        failure=payment.failure,
        card="" if payment.method == Method.SBP or not payment.finished_at else card,
        created_at=payment.created_at,
        paid_at=payment.paid_at,
    )
