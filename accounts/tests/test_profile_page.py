"""The subscriber's profile: contract, password, sessions."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Session
from accounts.tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db

PROFILE = reverse("accounts:profile")
END = reverse("accounts:end_session")


@pytest.fixture
def user():
    return UserFactory()


def signed_in(user, agent="Firefox") -> Client:
    client = Client(headers={"User-Agent": agent})
    client.post("/login/", {"city": "izhevsk", "login": user.login, "password": PASSWORD})
    return client


def change(client, *, current=PASSWORD, new="new-password-77", again=None):
    return client.post(PROFILE, {"current": current, "new": new, "again": again or new})


def test_the_sessions_are_listed_with_where_they_are_from(user):
    here, _there = signed_in(user, "Firefox"), signed_in(user, "Old phone")

    page = here.get(PROFILE)

    assert [session.user_agent for session in page.context["sessions"]] == ["Old phone", "Firefox"]
    assert "127.0.0.1" in page.content.decode()


def test_a_session_can_be_ended(user):
    here, there = signed_in(user), signed_in(user, "Old phone")
    handle = Session.objects.get(user_agent="Old phone").handle

    here.post(END, {"session": handle})

    assert there.get("/cabinet/").status_code == 302
    assert here.get("/cabinet/").status_code == 200


def test_all_the_others_can_be_ended_at_once(user):
    here, others = signed_in(user), [signed_in(user) for _number in range(2)]

    here.post(END, {"session": "others"})

    assert [other.get("/cabinet/").status_code for other in others] == [302, 302]
    assert here.get("/cabinet/").status_code == 200


def test_somebody_elses_session_cannot_be_ended(user):
    here, stranger = signed_in(user), signed_in(UserFactory())
    handle = Session.objects.exclude(user=user).get().handle

    here.post(END, {"session": handle})

    assert stranger.get("/cabinet/").status_code == 200


def test_session_keys_are_not_on_the_page(user):
    client = signed_in(user)

    page = client.get(PROFILE).content.decode()

    assert client.session.session_key not in page


def test_a_new_password_works_and_keeps_only_this_session(user):
    here, there = signed_in(user), signed_in(user)

    response = change(here)

    user.refresh_from_db()
    assert response.status_code == 302
    assert user.check_password("new-password-77")
    assert (here.get("/cabinet/").status_code, there.get("/cabinet/").status_code) == (200, 302)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"current": "wrong-password"}, "not your current password"),
        ({"new": "short"}, "too short"),
        ({"new": "1234567890123"}, "entirely numeric"),
        ({"again": "another-password-1"}, "differ"),
        ({"current": "x" * 100_000}, "at most 128"),
        ({"new": "password1234"}, "too common"),
    ],
)
def test_a_refused_change_says_why(user, changes, message):
    response = change(signed_in(user), **changes)

    user.refresh_from_db()
    assert response.status_code == 422
    assert message in response.content.decode()
    assert user.check_password(PASSWORD)
