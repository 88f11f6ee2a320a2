"""What a contract says of itself."""

import pytest

from accounts.models import Subscriber
from accounts.tests.factories import ContractFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("kind", "room"), [(Subscriber.Kind.PERSON, "fl. 5"), (Subscriber.Kind.LEGAL_ENTITY, "office 5")]
)
def test_an_address_ends_with_the_flat_of_a_person_and_the_office_of_a_legal_entity(kind, room):
    contract = ContractFactory(flat="5", subscriber__kind=kind)

    address = contract.address

    assert address.endswith(f", {room}")


def test_an_address_without_a_flat_ends_with_the_house():
    contract = ContractFactory(flat="")

    address = contract.address

    assert address.endswith(str(contract.house))
