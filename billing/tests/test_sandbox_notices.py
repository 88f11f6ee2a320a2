"""The bank's messages: sent over HTTP, repeated until heard, in the end given up."""

import json
from datetime import timedelta
from uuid import UUID

import pytest

from accounts.tests.at_once import at_once
from billing import gateways, payments
from billing.gateways.sandbox import bank, notices
from billing.models import Account, BankPayment, GatewayMessage, Payment
from billing.tests.factories import NOON, PaymentFactory, account_of
from billing.tests.test_opening_payments import open_one

pytestmark = pytest.mark.django_db


class Shop:
    """Who hears the bank's messages, or not."""

    def __init__(self, *, hears=True):
        self.hears, self.heard = hears, []

    def __call__(self, body):
        self.heard.append(json.loads(body))
        return self.hears


def at_the_bank():
    state = gateways.get("sandbox").start(PaymentFactory(), return_url="http://testserver/")
    BankPayment.objects.filter(pk=state.gateway_id).update(created_at=NOON)
    return UUID(state.gateway_id)


def test_a_confirmed_payment_is_told_once():
    number, shop = at_the_bank(), Shop()
    bank.confirm(number, now=NOON)

    counts = [notices.deliver_due(now=NOON + timedelta(minutes=n), post=shop) for n in range(3)]

    assert counts == [1, 0, 0]
    assert [told["payment"]["number"] for told in shop.heard] == [str(number)]
    assert shop.heard[0]["event"] == "payment.succeeded"


def test_a_payment_confirmed_twice_is_told_twice():
    number, shop = at_the_bank(), Shop()
    bank.confirm(number, notices=2, now=NOON)

    counts = [notices.deliver_due(now=NOON + timedelta(minutes=n), post=shop) for n in range(3)]

    assert counts == [1, 1, 0]


def test_a_late_confirmation_is_told_when_it_comes():
    number, shop = at_the_bank(), Shop()
    bank.confirm_late(number, now=NOON)

    counts = [notices.deliver_due(now=NOON + timedelta(seconds=s), post=shop) for s in (29, 31)]

    assert counts == [0, 1]


def test_a_declined_payment_is_told_too():
    number, shop = at_the_bank(), Shop()
    bank.decline(number, failure="declined", now=NOON)

    notices.deliver_due(now=NOON, post=shop)

    assert shop.heard[0]["event"] == "payment.cancelled"


def test_a_shop_that_does_not_hear_is_told_again_ever_more_seldom_and_given_up_after_a_day():
    number, shop, now, pauses = at_the_bank(), Shop(hears=False), NOON, []
    bank.confirm(number, now=NOON)
    while BankPayment.objects.get().notices_left:
        notices.deliver_due(now=now, post=shop)
        due = BankPayment.objects.get().next_notice_at
        pauses.append(due - now)
        now = due

    assert pauses == sorted(pauses)
    assert now - NOON > timedelta(hours=24)
    assert len(shop.heard) < 60


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_tell_each_payment_once():
    shop = Shop()
    for _each in range(10):
        bank.confirm(at_the_bank(), now=NOON)

    at_once(4, lambda _n: notices.deliver_due(now=NOON, post=shop))

    assert len({told["payment"]["number"] for told in shop.heard}) == len(shop.heard) == 10


@pytest.mark.django_db(transaction=True)
def test_over_real_http_a_paid_payment_is_credited(live_server, settings):
    settings.SITE_URL = live_server.url
    payment = payments.start(open_one(account_of().pk).pk, now=NOON)
    bank.confirm(UUID(payment.gateway_id), card="4477", now=NOON)

    heard = notices.deliver_due(now=NOON)

    assert heard == 1
    assert Account.objects.get().balance == 500
    assert Payment.objects.get().state == Payment.State.SUCCEEDED
    assert GatewayMessage.objects.get().verdict == GatewayMessage.Verdict.ACCEPTED


def test_a_shop_that_is_not_there_is_told_later(settings):
    settings.SITE_URL = "http://127.0.0.1:9"
    bank.confirm(at_the_bank(), now=NOON)

    assert notices.deliver_due(now=NOON) == 0
    assert BankPayment.objects.get().notices_left == 1
