"""Notices for tests."""

from datetime import UTC, datetime

import factory
from factory.django import DjangoModelFactory

from accounts.tests.factories import ContractFactory
from notifications.models import Notice, Topic

NOON = datetime(2026, 11, 20, 8, tzinfo=UTC)  # noon in Izhevsk


class NoticeFactory(DjangoModelFactory):
    """Unread, about a payment of 500 ₽."""

    class Meta:
        model = Notice

    contract = factory.SubFactory(ContractFactory)
    topic = Topic.MONEY
    kind = "payment_credited"
    about = factory.Sequence(lambda n: f"payment:{n}")
    facts = {"sum": "500.00"}
    at = NOON
