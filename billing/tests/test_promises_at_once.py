"""Fifty requests for a promised payment at the same moment, two hundred times, on real connections."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import connections

from accounts.models import Contract, House, Subscriber
from accounts.tests.factories import HouseFactory, SubscriberFactory
from billing import promises
from billing.models import EntryKind, LedgerEntry, PromisedPayment
from billing.promises import PromiseRefused
from billing.tests.factories import NOON
from notifications.models import Notice

REQUESTS, ROUNDS = 50, 200

pytestmark = pytest.mark.django_db(transaction=True)


def debtors(house: House, subscriber: Subscriber) -> list[int]:
    rows = Contract.objects.bulk_create(
        Contract(
            number=f"{700_000 + number}",
            city=house.street.city,
            house=house,
            subscriber=subscriber,
            state=Contract.State.SUSPENDED_FOR_DEBT,
            started_on=date(2024, 3, 1),
        )
        for number in range(ROUNDS)
    )
    LedgerEntry.objects.bulk_create(
        LedgerEntry(account_id=row.pk, kind=EntryKind.CHARGE, amount=-70, key=f"debt:{row.pk}", at=NOON) for row in rows
    )
    return [row.pk for row in rows]


def test_of_fifty_requests_at_once_one_is_granted_two_hundred_times():
    """Half of them are impatient clicks on one button, half come from pages of their own."""
    contracts = debtors(HouseFactory(), SubscriberFactory())
    clicks = {contract: uuid4() for contract in contracts}
    start = Barrier(REQUESTS)

    def ask(contract: int, requester: int) -> int | str:
        operation = clicks[contract] if requester % 2 else uuid4()
        try:
            return promises.grant(contract, operation=operation, now=NOON).pk
        except PromiseRefused as refusal:
            return "already" if "already" in str(refusal) else str(refusal)

    def request(requester: int) -> list[int | str]:
        try:
            answers = []
            for contract in contracts:
                start.wait(timeout=60)
                answers.append(ask(contract, requester))
            return answers
        finally:
            connections.close_all()

    with ThreadPoolExecutor(REQUESTS) as pool:
        rounds = [Counter(answers) for answers in zip(*pool.map(request, range(REQUESTS)), strict=True)]

    granted = PromisedPayment.objects.values_list("account", "pk")
    assert sorted(account for account, _pk in granted) == contracts
    assert Notice.objects.count() == ROUNDS
    for (_account, pk), answers in zip(granted.order_by("account"), rounds, strict=True):
        # The winner's own button was pressed once or by all of its half.
        assert answers in ({pk: 1, "already": REQUESTS - 1}, {pk: REQUESTS // 2, "already": REQUESTS // 2})
