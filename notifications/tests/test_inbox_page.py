"""The page of notices."""

from datetime import timedelta

import pytest

from accounts.tests.factories import UserFactory
from notifications import inbox, words
from notifications.models import Notice, Topic
from notifications.tests.factories import NOON, NoticeFactory

pytestmark = pytest.mark.django_db
PAGE, READ = "/cabinet/notices/", "/cabinet/notices/read/"


@pytest.fixture(autouse=True)
def _noon(time_machine):
    """A day of another year is written with its year."""
    time_machine.move_to(NOON, tick=False)


@pytest.fixture
def contract(client):
    user = UserFactory()
    client.force_login(user, backend="accounts.backends.SubscriberBackend")
    return user.contract


def text(client, url=PAGE):
    return client.get(url).content.decode().replace("\N{NO-BREAK SPACE}", " ")


def test_a_notice_says_what_happened_when_and_where_to_look(client, contract):
    NoticeFactory(contract=contract)

    page = text(client)

    assert "Credited: 500.00 ₽" in page
    assert "20 November, 12:00" in page
    assert 'href="/cabinet/billing/"' in page


def test_an_empty_inbox_says_what_will_come(client, contract):
    assert "Here we tell you about top-ups" in text(client)


def test_opening_the_page_marks_nothing_read(client, contract):
    NoticeFactory(contract=contract)

    client.get(PAGE)

    assert inbox.unread_count(contract.pk) == 1


def test_the_mark_counts_the_unread_on_every_page_of_the_cabinet(client, contract):
    NoticeFactory.create_batch(3, contract=contract)

    assert '<b class="bell__number">3</b>' in text(client, "/cabinet/profile/")


def test_without_unread_notices_there_is_no_number(client, contract):
    NoticeFactory(contract=contract, read_at=NOON)

    assert "bell__number" not in text(client)


def test_an_open_page_asks_for_the_number_alone(client, contract):
    NoticeFactory(contract=contract)

    part = text(client, f"{PAGE}?part=count")

    assert ">1</b>" in part
    assert "<html" not in part


def test_the_old_version_counts_in_words(client, contract):
    NoticeFactory(contract=contract)
    client.cookies["pages"] = "old"

    assert "Notices (1)" in text(client)


def test_all_are_read_by_one_button(client, contract):
    notices = NoticeFactory.create_batch(inbox.PAGE_ROWS + 5, contract=contract)

    response = client.post(READ, {"until": notices[-1].pk})

    assert (response.status_code, response.url) == (302, PAGE)
    assert inbox.unread_count(contract.pk) == 0


def test_the_script_reads_what_stands_on_the_page(client, contract):
    NoticeFactory.create_batch(inbox.PAGE_ROWS + 5, contract=contract)
    shown = [notice.pk for notice in client.get(PAGE).context["unread"]]

    client.post(READ, {"notice": shown})

    assert set(Notice.objects.exclude(read_at=None).values_list("pk", flat=True)) == set(shown)


@pytest.mark.parametrize("data", [{"notice": "x"}, {"notice": ["1", "9" * 30]}, {"until": "-1"}, {"until": "１"}])
def test_what_is_no_number_is_refused(client, contract, data):
    NoticeFactory(contract=contract)

    assert client.post(READ, data).status_code == 400
    assert inbox.unread_count(contract.pk) == 1


def test_reading_needs_post(client, contract):
    assert client.get(READ).status_code == 405


def test_older_notices_are_on_the_next_page(client, contract):
    oldest = NoticeFactory(contract=contract, facts={"sum": "7.00"}, at=NOON - timedelta(days=1))
    NoticeFactory.create_batch(inbox.PAGE_ROWS, contract=contract)
    first = client.get(PAGE)

    second = client.get(f"{PAGE}?{first.context['older']}")

    assert [notice for notice, _words in second.context["told"]] == [oldest]
    assert second.context["older"] == ""


def test_a_topic_is_kept_from_page_to_page(client, contract):
    NoticeFactory.create_batch(inbox.PAGE_ROWS + 1, contract=contract)
    NoticeFactory(contract=contract, topic=Topic.OUTAGE, at=NOON + timedelta(hours=1))

    first = client.get(f"{PAGE}?topic=money")

    assert "topic=money" in first.context["older"]
    assert {notice.topic for notice, _words in first.context["told"]} == {"money"}


@pytest.mark.parametrize("query", ["topic=nonsense", "after=x", "after=-5", "after=99999999999999999999"])
def test_a_wrong_filter_is_refused_and_the_newest_are_shown(client, contract, query):
    NoticeFactory(contract=contract)

    response = client.get(f"{PAGE}?{query}")

    assert response.status_code == 422
    assert len(response.context["told"]) == 1


def test_a_notice_whose_words_are_gone_does_not_hide_the_others(client, contract):
    NoticeFactory(contract=contract, kind="gone")
    NoticeFactory(contract=contract)

    assert "Credited: 500.00 ₽" in text(client)


def test_what_a_notice_tells_is_escaped(client, contract, monkeypatch):
    NoticeFactory(contract=contract)
    monkeypatch.setattr(words, "_rendered", lambda _notice: '<script>a()</script>\n<b>\n/cabinet/?"><b>')

    page = text(client)

    assert "&lt;script&gt;a()&lt;/script&gt;" in page
    assert not any(raw in page for raw in ("<script>a()", "<p><b>", '"><b>'))


def test_the_page_asks_as_many_queries_for_many_notices_as_for_one(client, contract, django_assert_num_queries):
    NoticeFactory(contract=contract)
    client.get(PAGE)
    with django_assert_num_queries(4):
        client.get(PAGE)
    NoticeFactory.create_batch(inbox.PAGE_ROWS * 2, contract=contract)

    with django_assert_num_queries(4):
        client.get(PAGE)
