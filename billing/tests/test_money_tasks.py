"""Tasks of the timetable do their one verb."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.conf import settings
from django.utils import timezone

from billing import payments, tasks
from billing.gateways.sandbox import bank
from billing.models import Account, BankPayment, GatewayMessage, Payment
from billing.tests.factories import account_of
from billing.tests.test_opening_payments import open_one
from mark_portal.celery import app

pytestmark = pytest.mark.django_db


def test_a_hanging_payment_is_asked_about():
    now = timezone.now()
    payment = payments.start(open_one(account_of().pk, now=now).pk, now=now)
    bank.confirm(UUID(payment.gateway_id), now=now)
    Payment.objects.update(next_check_at=now)

    tasks.recheck_payments()

    assert Account.objects.get().balance == 500


def test_the_bank_settles_what_is_late(settings):
    settings.SITE_URL = "http://127.0.0.1:9"
    now = timezone.now()
    payment = payments.start(open_one(account_of().pk, now=now).pk, now=now)
    bank.confirm_late(UUID(payment.gateway_id), now=now - timedelta(minutes=1))

    tasks.deliver_bank_notices()

    assert BankPayment.objects.get().status == "succeeded"


def test_old_messages_are_forgotten():
    old = timezone.now() - timedelta(days=401)
    GatewayMessage.objects.create(gateway="sandbox", at=old, method="POST", verdict="refused")

    tasks.forget_gateway_messages()

    assert not GatewayMessage.objects.exists()


def test_the_timetable_has_them_and_the_bank_only_with_the_sandbox():
    app.finalize()

    names = {entry["task"] for entry in app.conf.beat_schedule.values()}

    assert {"billing.tasks.recheck_payments", "billing.tasks.forget_gateway_messages"} <= names
    assert ("billing.tasks.deliver_bank_notices" in names) == ("sandbox" in settings.PAYMENT_GATEWAYS)
