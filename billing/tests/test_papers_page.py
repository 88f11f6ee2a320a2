"""The page of invoices and acts."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts import limits
from accounts.models import Subscriber
from accounts.tests.factories import UserFactory
from billing import typesetting
from billing.models import EntryKind, LedgerEntry
from billing.shares import first_of_month
from billing.tests.factories import put

pytestmark = pytest.mark.django_db

URL = reverse("billing:documents")


@pytest.fixture
def user(client):
    user = UserFactory(contract__subscriber__kind=Subscriber.Kind.LEGAL_ENTITY, contract__started_on="2023-01-01")
    client.force_login(user, backend="accounts.backends.SubscriberBackend")
    return user


def paper(name, month) -> str:
    return reverse(f"billing:{name}", kwargs={"month": month})


def months_ago(count):
    return first_of_month(timezone.localdate(), -count)


def charge(user, month):
    put(user.contract_id, -650, kind=EntryKind.MONTH, now=datetime(month.year, month.month, 1, 8, tzinfo=UTC))


def test_each_month_has_its_papers(client, user):
    charge(user, months_ago(1))

    page = client.get(URL)

    assert [(row.invoice, row.act) for row in page.context["months"]] == [(650, None), (650, None), (650, 650)]
    for link in (paper("invoice", months_ago(-1)), paper("invoice", months_ago(1)), paper("act", months_ago(1))):
        assert link in page.content.decode()
        assert client.get(link).content.startswith(b"%PDF-")


def test_a_paper_is_named_in_russian(client, user):
    month = months_ago(1)
    charge(user, month)

    answer = client.get(paper("act", month))

    name = quote(f"Акт {user.contract.number}-{month:%Y%m}.pdf")
    assert answer["Content-Disposition"] == f"attachment; filename*=utf-8''{name}"
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("name", ["invoice", "act"])
def test_a_paper_that_is_not_there_says_why(client, user, name):
    answer = client.get(paper(name, months_ago(3)))

    assert answer.status_code == 404
    assert answer.context["refusal"]
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("name", ["invoice", "act"])
@pytest.mark.parametrize("month", ["2026-13", "2026-00", "1999-01", "2026-1", "9999-12", "2026-01-01", "x"])
def test_a_month_that_is_none_is_not_found(client, user, name, month):
    assert client.get(f"{URL}{month}/{name}.pdf").status_code == 404


@pytest.mark.parametrize("month", ["2000-01", "2099-12"])
def test_the_first_and_the_last_month_that_can_be_written_survive(client, user, month):
    answers = {client.get(f"{URL}{month}/{name}.pdf").status_code for name in ("invoice", "act")}

    assert answers == {404}


def test_persons_have_no_such_pages(client):
    user = UserFactory()
    client.force_login(user, backend="accounts.backends.SubscriberBackend")
    charge(user, months_ago(1))

    pages = [URL, paper("invoice", months_ago(1)), paper("act", months_ago(1))]

    assert [client.get(page).status_code for page in pages] == [404, 404, 404]
    assert URL not in client.get(reverse("billing:statement")).content.decode()


def test_papers_have_a_limit(client, user):
    charge(user, months_ago(1))
    for _ in range(typesetting.PDFS.ceiling - 1):
        limits.take(typesetting.PDFS, str(user.contract_id), now=timezone.now())

    answers = [client.get(paper("act", months_ago(1))).status_code for _ in range(2)]

    assert answers == [200, 429]


def test_the_page_asks_at_most_six_questions_however_many_entries_there_are(client, user):
    client.get(URL)  # the first view of a session also writes when it was seen

    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(URL)
        return len(captured)

    charge(user, months_ago(1))
    few = count()
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            account_id=user.contract_id,
            kind=EntryKind.CHARGE,
            amount=-1,
            key=f"charge:{n}",
            at=datetime.combine(months_ago(n % 30), datetime.min.time(), tzinfo=UTC),
        )
        for n in range(1_000)
    )

    assert count() == few <= 6
