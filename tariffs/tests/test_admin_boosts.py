"""Staff read who pressed the turbo button, what it cost and how it ended."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.urls import reverse

from accounts import roles
from accounts.tests.factories import CityFactory, StaffFactory
from billing.tests.factories import NOON
from tariffs.models import Press
from tariffs.tests.factories import TurboPackageFactory, served
from tariffs.tests.test_access import boosted

pytestmark = pytest.mark.django_db

LIST = reverse("admin:tariffs_boost_changelist")


@pytest.fixture
def agent(client):
    user = StaffFactory(role=roles.SUPPORT_AGENT, in_cities=[CityFactory()])
    client.force_login(user, backend="accounts.backends.StaffBackend")
    return user


def pressed():
    boost = boosted(served())
    package = TurboPackageFactory(price=Decimal("45.50"))
    Press.objects.create(operation=uuid4(), boost=boost, package=package, hours=3, price=package.price, at=NOON)
    return boost


def test_the_list_and_the_story_of_a_boost_are_shown(client, agent):
    boost = pressed()

    shown = client.get(LIST).content.decode()
    story = client.get(reverse("admin:tariffs_boost_change", args=[boost.pk])).content.decode()

    assert boost.contract.number in shown
    assert "45.50" in story


def test_the_list_is_flat(client, agent, django_assert_max_num_queries):
    for _ in range(20):
        pressed()
    client.get(LIST)

    with django_assert_max_num_queries(12):
        client.get(LIST)
