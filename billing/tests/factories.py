"""Rows of money for tests; each sets only what matters to it."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from accounts.models import Contract
from accounts.tests.factories import ContractFactory, StaffFactory
from billing import charges, ledger, parts
from billing.models import Account, Autopay, EntryKind, Payment, PaymentMethod, PromisedPayment, Receipt, Refund
from billing.seller import Months

NOON = datetime(2026, 11, 20, 8, tzinfo=UTC)  # noon in Izhevsk
MONTH_BEGAN = NOON.replace(day=1)


def account_of(contract: Contract | None = None, *, balance: Decimal | int | str = 0, **fields) -> Account:
    """An account with so much money; `fields` are columns of the account."""
    contract = contract or ContractFactory()
    if Decimal(balance):
        put(contract.pk, balance)
    Account.objects.filter(pk=contract.pk).update(**fields)
    return Account.objects.select_related("contract").get(pk=contract.pk)


def put(contract_id: int, amount: Decimal | int | str, *, kind=EntryKind.ADJUSTMENT, now=NOON, title="test"):
    """One entry under a key of its own."""
    return ledger.post(contract_id, kind=kind, amount=Decimal(amount), key=f"test:{uuid4()}", now=now, title=title)


def charge_month(contract_id: int, fee: Decimal | int | str, *, now=MONTH_BEGAN, title="test") -> None:
    """The fee of the month, charged from the day of `now` on."""
    day = timezone.localdate(now)
    charges.post(contract_id, parts.month_lines(contract_id, Months.same(Decimal(fee), title).parts(day), day), now=now)


class AccountOf(factory.declarations.BaseDeclaration):
    """The account that a trigger opened with a new contract."""

    def evaluate(self, instance, step, extra):
        return account_of()


class PaymentMethodFactory(DjangoModelFactory):
    class Meta:
        model = PaymentMethod

    account = AccountOf()
    gateway = "sandbox"
    gateway_id = factory.LazyFunction(lambda: str(uuid4()))
    title = "Мир •• 4477"
    saved_at = NOON - timedelta(days=40)


class PaymentFactory(DjangoModelFactory):
    """Under way at the sandbox."""

    class Meta:
        model = Payment

    operation = factory.LazyFunction(uuid4)
    account = AccountOf()
    gateway = "sandbox"
    gateway_id = factory.LazyFunction(lambda: str(uuid4()))
    method = Payment.Method.CARD
    amount = Decimal(500)
    state = Payment.State.PENDING
    contact = "ivanova@example.ru"
    created_at = NOON
    paid_at = factory.Maybe("is_paid", NOON, None)
    finished_at = factory.Maybe("is_finished", NOON, None)

    class Params:
        is_paid = factory.LazyAttribute(lambda row: row.state == Payment.State.SUCCEEDED)
        is_finished = factory.LazyAttribute(lambda row: row.state in (Payment.State.SUCCEEDED, Payment.State.CANCELLED))


class ReceiptFactory(DjangoModelFactory):
    class Meta:
        model = Receipt

    payment = factory.SubFactory(PaymentFactory, state=Payment.State.SUCCEEDED)
    operation = factory.LazyFunction(uuid4)
    amount = factory.SelfAttribute("payment.amount")
    contact = factory.SelfAttribute("payment.contact")
    created_at = NOON


class PromisedPaymentFactory(DjangoModelFactory):
    class Meta:
        model = PromisedPayment

    operation = factory.LazyFunction(uuid4)
    account = AccountOf()
    amount = Decimal(500)
    granted_at = NOON
    due_at = NOON + timedelta(days=3, hours=12)
    closed_at = factory.Maybe("is_closed", NOON, None)
    terms = factory.LazyFunction(dict)

    class Params:
        is_closed = factory.LazyAttribute(lambda row: row.state != PromisedPayment.State.OPEN)

    state = PromisedPayment.State.OPEN


class AutopayFactory(DjangoModelFactory):
    class Meta:
        model = Autopay

    method = factory.SubFactory(PaymentMethodFactory)
    account = factory.SelfAttribute("method.account")
    limit = Decimal(2000)
    contact = "ivanova@example.ru"
    consent = "I agree."
    consented_at = NOON - timedelta(days=40)


class RefundFactory(DjangoModelFactory):
    """Waits for a second signature."""

    class Meta:
        model = Refund

    operation = factory.LazyFunction(uuid4)
    payment = factory.SubFactory(PaymentFactory, state=Payment.State.SUCCEEDED)
    amount = Decimal(100)
    reason = "paid twice"
    author = factory.SubFactory(StaffFactory)
    created_at = NOON
