"""The page of a statement and its files."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import limits
from accounts.tests.factories import UserFactory
from billing import statements, typesetting
from billing.models import EntryKind, LedgerEntry
from billing.tests.factories import put

pytestmark = pytest.mark.django_db

URL, CSV, PDF = (reverse(f"billing:{name}") for name in ("statement", "statement_csv", "statement_pdf"))
YEAR = {"since": "2025-01-01", "until": "2025-06-30"}


@pytest.fixture
def user(client):
    user = UserFactory()
    client.force_login(user, backend="accounts.backends.SubscriberBackend")
    return user


def add_entries(user, count, kind=EntryKind.TOP_UP):
    start = datetime(2025, 1, 1, tzinfo=UTC)
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            account_id=user.contract_id, kind=kind, amount=n + 1, key=f"{kind}:{n}", at=start + timedelta(minutes=n)
        )
        for n in range(count)
    )


def text(response) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return content.decode()


def queries(client, url, query) -> int:
    with CaptureQueriesContext(connection) as captured:
        text(client.get(url, query))
    return len(captured)


@pytest.mark.parametrize("url", [URL, CSV])
def test_a_page_asks_at_most_six_questions_however_many_entries_there_are(client, user, url):
    client.get(url, YEAR)  # the first view of a session also writes when it was seen
    add_entries(user, 10)
    few = queries(client, url, YEAR)
    add_entries(user, 1_000, EntryKind.CHARGE)

    many = queries(client, url, YEAR)

    assert many == few <= 6


def test_without_days_it_is_the_month_before(client, user):
    page = client.get(URL)

    assert page.context["statement"].period == statements.last_month(timezone.localdate())
    assert [chosen for _name, _query, chosen in page.context["presets"]].count(True) == 1


def test_a_period_under_way_ends_today(client, user):
    page = client.get(URL, {"since": timezone.localdate().isoformat(), "until": "2099-01-01"})

    assert page.status_code == 200
    assert page.context["statement"].period.until == timezone.localdate()


@pytest.mark.parametrize("url", [URL, CSV, PDF])
@pytest.mark.parametrize(
    "query",
    [
        {"since": "2026-01-01"},
        {"since": "", "until": ""},
        {"since": "yesterday", "until": "2026-01-31"},
        {"since": "2026-02-30", "until": "2026-03-31"},
        {"since": "0001-01-01", "until": "2026-01-31"},
        {"since": "2026-02-01", "until": "2026-01-31"},
        {"since": "2020-01-01", "until": "2025-01-01"},
        {"since": "2099-01-01", "until": "2099-01-31"},
        {"since": "x" * 10_000, "until": "💥"},
    ],
)
def test_days_that_make_no_sense_are_explained(client, user, url, query):
    page = client.get(url, query)

    assert page.status_code == 422
    assert "text/html" in page["Content-Type"]
    assert page.context["form"].errors
    assert page.context["statement"] is None


def test_too_many_years_are_named(client, user):
    page = client.get(URL, {"since": "2020-01-01", "until": "2026-01-01"})

    assert page.context["form"].errors["until"] == ["A statement is for 5 years at most."]


def test_pages_follow_each_other_without_gap_or_repeat(client, user):
    add_entries(user, 250)

    pages = [client.get(URL, YEAR | {"page": number}).context["entries"] for number in (1, 2, 3)]

    assert [len(page) for page in pages] == [100, 100, 50]
    assert [int(entry.amount) for page in pages for entry in page] == list(range(1, 251))
    assert pages[2][-1].balance_after == sum(range(1, 251))


@pytest.mark.parametrize(("asked", "shown"), [("0", 1), ("-1", 1), ("x", 1), ("²", 1), ("99", 3), ("9" * 400, 1)])
def test_a_page_that_is_none_is_brought_to_the_nearest(client, user, asked, shown):
    add_entries(user, 250)

    assert client.get(URL, YEAR | {"page": asked}).context["page"] == shown


def test_the_table_is_taken_away_under_a_name_that_says_what_it_is(client, user):
    answer = client.get(CSV, YEAR)

    name = quote(f"Statement {user.contract.number}, 2025-01-01 – 2025-06-30.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f"attachment; filename*=utf-8''{name}"


def test_the_table_holds_all_lines(client, user):
    add_entries(user, 1_234)

    assert text(client.get(CSV, YEAR)).count("\r\n") == 1_234 + 3


def test_the_paper_is_a_pdf(client, user):
    put(user.contract_id, 500, now=datetime(2025, 3, 1, tzinfo=UTC))

    answer = client.get(PDF, YEAR)

    assert answer["Content-Type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")


def test_a_paper_that_would_be_too_long_is_refused_and_its_button_says_the_same(client, user, settings):
    settings.STATEMENT_PDF_LINES = 5
    add_entries(user, 6)

    page, refused = client.get(URL, YEAR), client.get(PDF, YEAR)

    assert refused.status_code == 422
    assert page.context["no_pdf"] == refused.context["no_pdf"] != ""
    assert "up to 5 operations, and here are 6" in refused.content.decode()
    assert PDF not in page.content.decode()
    assert client.get(CSV, YEAR).status_code == 200


def test_papers_have_a_limit(client, user):
    for _ in range(typesetting.PDFS.ceiling - 1):
        limits.take(typesetting.PDFS, str(user.contract_id), now=timezone.now())

    answers = [client.get(PDF, YEAR).status_code for _ in range(2)]

    assert answers == [200, 429]


def test_a_paper_that_takes_too_long_is_given_up_with_words(client, user, monkeypatch):
    monkeypatch.setattr(typesetting, "PATIENCE", 0.001)

    answer = client.get(PDF, YEAR)

    assert answer.status_code == 503
    assert "takes too long just now" in answer.content.decode()


@pytest.mark.parametrize("url", [URL, CSV, PDF])
def test_nothing_of_it_is_ever_cached(client, user, url):
    assert "no-store" in client.get(url, YEAR)["Cache-Control"]


@pytest.mark.parametrize("name", ["contract", "account", "contract_id", "number"])
def test_another_contract_cannot_be_asked_for(client, user, name):
    other = UserFactory()
    put(other.contract_id, 4321, now=datetime(2025, 3, 1, tzinfo=UTC))
    foreign = {name: other.contract_id}

    page, table = client.get(URL, YEAR | foreign), client.get(CSV, YEAR | foreign)

    assert page.context["statement"].count == 0
    assert "4321" not in text(table)


def test_the_page_of_operations_leads_to_the_statement_of_its_filter(client, user):
    page = client.get(reverse("billing:ledger"), YEAR)

    assert f"{CSV}?since=2025-01-01&amp;until=2025-06-30" in page.content.decode()
