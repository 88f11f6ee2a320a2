"""The page of operations in the cabinet."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.tests.factories import UserFactory
from billing.models import EntryKind, LedgerEntry

pytestmark = pytest.mark.django_db

URL = reverse("billing:ledger")
PAGES = ["/cabinet/", "/cabinet/?part=balance", "/cabinet/profile/", URL, "/", "/contacts/", "/connect/", "/balance/"]


@pytest.fixture
def user(client):
    user = UserFactory()
    client.force_login(user, backend="accounts.backends.SubscriberBackend")
    return user


def add_entries(user, count, kind=EntryKind.TOP_UP):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            account_id=user.contract_id, kind=kind, amount=n + 1, key=f"{kind}:{n}", at=start + timedelta(hours=n)
        )
        for n in range(count)
    )


def queries(client, url) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(url)
    return len(captured)


@pytest.mark.parametrize("url", [*PAGES, f"{URL}?kind=topup&since=2026-01-01"])
def test_a_page_asks_at_most_six_questions_however_many_entries_there_are(client, user, url):
    client.get(url)  # the first view of a session also writes when it was seen
    add_entries(user, 10)
    few = queries(client, url)
    add_entries(user, 1_000, EntryKind.CHARGE)

    many = queries(client, url)

    assert many == few <= 6


def test_an_empty_history_says_what_will_appear(client, user):
    page = client.get(URL)

    assert page.status_code == 200
    assert page.context["entries"] == []


def test_the_next_page_keeps_the_filter(client, user):
    add_entries(user, 60)
    add_entries(user, 5, EntryKind.CHARGE)
    first = client.get(URL, {"kind": "topup"})

    second = client.get(f"{URL}?{first.context['older']}")

    assert len(first.context["entries"]) == 50
    assert [entry.kind for entry in second.context["entries"]] == ["topup"] * 10


@pytest.mark.parametrize(
    "query",
    [
        {"kind": "nonsense"},
        {"since": "tomorrow"},
        {"since": "2026-02-30"},
        {"since": "0001-01-01"},
        {"until": "9999-12-31"},
        {"since": "2026-02-01", "until": "2026-01-01"},
        {"kind": "x" * 100_000},
    ],
)
def test_a_filter_that_makes_no_sense_is_explained_and_the_history_stays(client, user, query):
    add_entries(user, 3)

    page = client.get(URL, query)

    assert page.status_code == 422
    assert len(page.context["entries"]) == 3


@pytest.mark.parametrize(
    "cursor", ["x", "💥", "b2xkZXJ8MjAyNi0xMi0wMVQwMDowMDowMCswMDowMHw5OTk5OTk5OTk5OTk5OTk5OTk5OQ=="]
)
def test_a_broken_cursor_shows_the_newest(client, user, cursor):
    add_entries(user, 3)

    assert len(client.get(URL, {"cursor": cursor}).context["entries"]) == 3


def test_the_page_is_never_cached(client, user):
    assert "no-store" in client.get(URL)["Cache-Control"]
