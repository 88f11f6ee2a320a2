"""Counting tries."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts import limits
from accounts.models import Limit
from accounts.tests.at_once import at_once

NOON = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
THREE = limits.Allowance("test", ceiling=3, window=timedelta(minutes=10))
RESTARTING = limits.Allowance("test", ceiling=3, window=timedelta(minutes=10), restarts=True)


@pytest.mark.django_db
def test_each_try_leaves_one_less():
    left = [limits.take(THREE, "somebody", now=NOON) for _try in range(3)]

    assert left == [2, 1, 0]


@pytest.mark.django_db
def test_the_try_after_the_last_is_refused_until_the_window_ends():
    for _try in range(3):
        limits.take(THREE, "somebody", now=NOON)

    with pytest.raises(limits.LimitReached) as refusal:
        limits.take(THREE, "somebody", now=NOON + timedelta(minutes=5))

    assert refusal.value.until == NOON + timedelta(minutes=10)


@pytest.mark.django_db
def test_a_new_window_counts_anew():
    for _try in range(3):
        limits.take(THREE, "somebody", now=NOON)

    assert limits.take(THREE, "somebody", now=NOON + timedelta(minutes=10)) == 2


@pytest.mark.django_db
def test_a_restarting_window_runs_from_the_last_try():
    for minutes in (0, 4, 8):
        limits.take(RESTARTING, "somebody", now=NOON + timedelta(minutes=minutes))

    with pytest.raises(limits.LimitReached) as refusal:
        limits.take(RESTARTING, "somebody", now=NOON + timedelta(minutes=17))

    assert refusal.value.until == NOON + timedelta(minutes=18)


@pytest.mark.django_db
def test_a_try_given_back_can_be_used_again():
    for _try in range(3):
        limits.take(THREE, "somebody", now=NOON)

    limits.give_back(THREE, "somebody")

    assert limits.take(THREE, "somebody", now=NOON) == 0


@pytest.mark.django_db
def test_somebody_else_is_counted_apart():
    for _try in range(3):
        limits.take(THREE, "somebody", now=NOON)

    assert limits.take(THREE, "somebody else", now=NOON) == 2


@pytest.mark.django_db
def test_a_very_long_subject_is_counted_too():
    limits.take(THREE, "x" * 500, now=NOON)

    assert limits.take(THREE, "x" * 500, now=NOON) == 1


@pytest.mark.django_db
def test_expired_counts_are_forgotten():
    limits.take(THREE, "early", now=NOON)
    limits.take(THREE, "late", now=NOON + timedelta(minutes=9))

    limits.forget_expired(now=NOON + timedelta(minutes=10))

    assert list(Limit.objects.values_list("subject", flat=True)) == ["late"]


@pytest.mark.django_db(transaction=True)
def test_fifty_tries_at_once_get_no_more_than_the_ceiling():
    answers = at_once(50, lambda _number: limits.take(THREE, "somebody", now=NOON))

    assert sorted(answer for answer in answers if isinstance(answer, int)) == [0, 1, 2]
