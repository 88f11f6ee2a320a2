"""The service of a contract stopped for debt, and returned."""

from datetime import UTC, datetime

import pytest

from accounts import contracts, journal
from accounts.models import Contract
from accounts.tests.factories import ContractFactory

NOON = datetime(2026, 11, 20, 8, tzinfo=UTC)
State = Contract.State
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("verb", "old", "new"),
    [
        (contracts.suspend_for_debt, State.ACTIVE, State.SUSPENDED_FOR_DEBT),
        (contracts.return_to_service, State.SUSPENDED_FOR_DEBT, State.ACTIVE),
    ],
)
def test_the_state_changes_once_and_the_journal_says_so(verb, old, new):
    contract = ContractFactory(state=old)

    answers = [verb(contract, now=NOON), verb(contract, now=NOON)]

    assert answers == [True, False]
    assert Contract.objects.get().state == contract.state == new
    assert journal.of(contract).get().changes == {"state": [old, new]}


@pytest.mark.parametrize("verb", [contracts.suspend_for_debt, contracts.return_to_service])
def test_a_service_paused_by_wish_is_left_alone(verb):
    contract = ContractFactory(state=State.SUSPENDED_BY_WISH)

    assert not verb(contract, now=NOON)
    assert Contract.objects.get().state == State.SUSPENDED_BY_WISH
