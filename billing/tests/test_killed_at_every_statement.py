"""A worker dies at any SQL statement of a money verb; whoever tries again comes to the same end.

It dies before the statement, after it (the last one: between the work and its COMMIT), or with its connection: the
backend is really terminated. After the end the verb is called once more, as by somebody who never got the answer.
"""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import OperationalError, connection

from accounts.models import Contract
from accounts.tests.factories import ContractFactory
from billing import audit, gateways, payments, promises
from billing.gateways import PaymentState, Saved, Status
from billing.models import Account, LedgerEntry, Payment, PaymentMethod, PromisedPayment, Receipt
from billing.tests.factories import NOON, PaymentFactory, PromisedPaymentFactory, account_of
from notifications.models import Notice

pytestmark = pytest.mark.django_db(transaction=True)

MOST_STATEMENTS = 80
ROWS = {
    LedgerEntry: ("account", "kind", "amount", "title", "at"),
    Payment: ("account", "state", "amount", "paid_at", "finished_at", "next_check_at"),
    PaymentMethod: ("account", "title", "saved_at"),
    Receipt: ("payment__account", "state", "amount", "contact", "created_at"),
    PromisedPayment: ("account", "amount", "state", "granted_at", "due_at", "closed_at"),
    Notice: ("contract", "kind", "facts", "at"),
}


class Killed(Exception):
    pass


class TopUp:
    """A payment that a card's bank has confirmed; it also keeps a promise and leaves the card behind."""

    def __init__(self) -> None:
        self.contract = ContractFactory(state=Contract.State.SUSPENDED_FOR_DEBT)
        account = account_of(self.contract, balance=-70)
        PromisedPaymentFactory(account=account, amount=70)
        self.payment = PaymentFactory(account=account, wants_saving=True)
        self.word = PaymentState(
            gateway_id=self.payment.gateway_id,
            status=Status.SUCCEEDED,
            amount=Decimal(500),
            currency="RUB",
            shop=gateways.get("sandbox").shop,
            reference=str(self.payment.operation),
            contract_number=self.contract.number,
            paid_at=NOON,
            saved=Saved(str(uuid4()), "Мир •• 4477"),
        )

    def act(self) -> None:
        payments.learn(self.payment.pk, self.word, now=NOON)


class Promise:
    def __init__(self) -> None:
        self.contract, self.operation = ContractFactory(state=Contract.State.SUSPENDED_FOR_DEBT), uuid4()
        account_of(self.contract, balance=-70)

    def act(self) -> None:
        promises.grant(self.contract.pk, operation=self.operation, now=NOON)


def before(execute, *statement):
    raise Killed


def after(execute, *statement):
    execute(*statement)
    raise Killed


def with_its_connection(execute, *statement):
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.connection.info.backend_pid])
    other.close()
    return execute(*statement)


def dies(scene, number: int, die) -> bool:
    """Act, dying at that statement; False when there were not so many."""
    count = 0

    def at_the_statement(execute, *statement):
        nonlocal count
        count += 1
        return (die if count == number else lambda execute, *statement: execute(*statement))(execute, *statement)

    try:
        with connection.execute_wrapper(at_the_statement):
            scene.act()
    except (Killed, OperationalError):
        connection.close()
        return True
    return False


def state(contract) -> dict[str, list[tuple]]:
    """All that the verb may leave behind; the contract's own number is left out."""
    found = {
        model.__name__: sorted(
            repr(row[1:]) for row in model.objects.filter(**{columns[0]: contract.pk}).values_list(*columns)
        )
        for model, columns in ROWS.items()
    }
    return found | {
        "balance": Account.objects.get(pk=contract.pk).balance,
        "service": Contract.objects.get(pk=contract.pk).state,
    }


@pytest.mark.parametrize("die", [before, after, with_its_connection])
@pytest.mark.parametrize("make", [TopUp, Promise])
def test_killed_at_any_statement_and_tried_again_it_ends_the_same(make, die):
    untouched, done = make(), make()
    done.act()
    at_first, at_the_end = state(untouched.contract), state(done.contract)
    assert at_first != at_the_end

    for number in range(1, MOST_STATEMENTS):
        scene = make()
        if not dies(scene, number, die):
            break
        assert state(scene.contract) == at_first, f"killed at statement {number}, something was left behind"
        for _attempt in range(2):
            scene.act()
            assert state(scene.contract) == at_the_end, f"killed at statement {number}, the end differs"

    assert 8 < number < MOST_STATEMENTS - 1
    assert audit.differences() == []
