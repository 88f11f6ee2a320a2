"""What accounts do by the timetable."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from accounts import credentials, limits
from accounts.models import CredentialSheet, Limit, Session
from accounts.tasks import close_expired
from accounts.tests.factories import StaffFactory, UserFactory

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
TRIES = limits.Allowance("test", ceiling=3, window=HOUR)


def a_session(key, *, ends):
    return Session.objects.create(session_key=key, session_data="", expire_date=ends)


def test_sessions_past_their_time_are_deleted_and_others_stay():
    a_session("over", ends=timezone.now() - HOUR)
    a_session("open", ends=timezone.now() + HOUR)

    close_expired()

    assert list(Session.objects.values_list("session_key", flat=True)) == ["open"]


def test_counts_whose_window_is_over_are_deleted_and_others_stay():
    limits.take(TRIES, "long ago", now=timezone.now() - 2 * HOUR)
    limits.take(TRIES, "just now", now=timezone.now())

    close_expired()

    assert list(Limit.objects.values_list("subject", flat=True)) == ["just now"]


def test_a_password_that_nobody_came_to_see_is_destroyed():
    user, staff = UserFactory(), StaffFactory()
    credentials.issue(user, user.contract, author=staff, now=datetime(2026, 3, 1, tzinfo=UTC))

    close_expired()

    assert not CredentialSheet.objects.exists()


def test_a_password_that_still_waits_stays():
    user, staff = UserFactory(), StaffFactory()
    credentials.issue(user, user.contract, author=staff, now=timezone.now())

    close_expired()

    assert CredentialSheet.objects.exists()
