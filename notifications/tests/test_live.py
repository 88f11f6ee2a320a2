"""Telling the open pages: after the commit, once, and never at the cost of the page that tells."""

import time

import pytest
import redis
from django.db import transaction

from notifications import live

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def heard(own_valkey):
    """A function that returns what has been published since the test began, as (channel, event)."""
    with own_valkey.client() as client, client.pubsub(ignore_subscribe_messages=True) as subscription:
        subscription.psubscribe(live.EVERY_CHANNEL)
        assert subscription.get_message(timeout=5) is None  # the word that the subscription stands

        def collect():
            client.publish("live:0", "end")
            messages = []
            while (message := subscription.get_message(timeout=5)) is None or message["data"] != b"end":
                messages += [message]
            return [(message["channel"].decode(), message["data"].decode()) for message in messages if message]

        yield collect


def test_an_event_is_told_at_once_outside_a_transaction(heard):
    live.publish(7, "balance")

    assert heard() == [("live:7", "balance")]


def test_an_event_is_told_when_the_transaction_commits(heard):
    with transaction.atomic():
        live.publish(7, "balance")
        before = heard()

    assert before == []
    assert heard() == [("live:7", "balance")]


def test_nothing_is_told_of_what_did_not_happen(heard):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        live.publish(7, "balance")
        raise ZeroDivisionError

    assert heard() == []


def test_the_same_event_is_told_once_for_a_transaction(heard):
    with transaction.atomic():
        for _ in range(3):
            live.publish(7, "balance")
        live.publish(7, "chat")
        live.publish(8, "balance")

    assert heard() == [("live:7", "balance"), ("live:7", "chat"), ("live:8", "balance")]


def test_the_next_transaction_tells_again(heard):
    for _ in range(2):
        with transaction.atomic():
            live.publish(7, "balance")

    assert heard() == [("live:7", "balance")] * 2


def test_an_event_in_a_savepoint_that_was_undone_does_not_hide_the_same_one_outside(heard):
    with transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            live.publish(7, "balance")
            raise ZeroDivisionError
        live.publish(7, "balance")

    assert heard() == [("live:7", "balance")]


@pytest.mark.parametrize("name", ["", "two words", "line\nbreak", "resync", "bye", "x" * 41])
def test_a_name_that_the_stream_cannot_carry_is_refused(name):
    with pytest.raises(ValueError, match="cannot name an event"):
        live.publish(7, name)


def test_a_hung_redis_costs_one_short_wait_and_then_none(own_valkey, monkeypatch):
    live.publish(7, "balance")
    tries = []
    publish = redis.Redis.publish
    monkeypatch.setattr(redis.Redis, "publish", lambda *args: tries.append(args) or publish(*args))
    started = time.monotonic()

    with own_valkey.hung():
        for _ in range(50):
            live.publish(7, "balance")

    assert len(tries) == 1
    assert time.monotonic() - started < 10  # the one wait; without a timeout it would not end


def test_the_one_wait_leaves_time_for_the_page():
    assert live.PATIENCE_SECONDS <= 0.2


def test_a_dead_redis_does_not_fail_the_page(own_valkey):
    own_valkey.stop()

    with transaction.atomic():
        live.publish(7, "balance")


def test_after_its_rest_a_returned_redis_is_used_again(heard, own_valkey, monkeypatch):
    monkeypatch.setattr(live, "REST_SECONDS", 0.0)
    with own_valkey.hung():
        live.publish(7, "lost")

    live.publish(7, "balance")

    assert ("live:7", "balance") in heard()


@pytest.mark.parametrize(
    ("channel", "contract_id"), [("live:7", 7), ("live:", None), ("live:x", None), ("other", None)]
)
def test_a_channel_tells_its_contract(channel, contract_id):
    assert live.contract_of(channel) == contract_id
