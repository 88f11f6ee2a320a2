"""/live/: who is let in, what they are told, and what happens when Redis, a session or a client goes away."""

import asyncio
import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from redis.exceptions import ConnectionError as RedisConnectionError

from accounts import sessions
from accounts.models import Contract, Session
from accounts.tests.factories import StaffFactory, UserFactory
from notifications import live, stream, visitors
from notifications.open_pages import UNREAD_LIMIT, OpenPage, OpenPages
from notifications.stream import LiveStream
from notifications.subscription import Subscription
from notifications.tests.serving import PATIENCE, Browser, cookie_of, serving, serving_in_a_process, wait_until
from notifications.visitors import Visitor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def application(own_valkey):
    return LiveStream(recheck_every=0.1, ping_after=1)  # an answer that is later than this is taken for none


@pytest.fixture
def port(application):
    with serving(application) as port:
        wait_until(lambda: application.is_listening)
        yield port


@pytest.fixture
def user():
    return UserFactory()


@pytest.fixture
def cookie(user):
    return cookie_of(user)


# --- What a page is told


def test_a_page_hears_of_its_own_contract_only(port, user, cookie):
    stranger = UserFactory()

    with Browser(port, cookie) as browser:
        live.publish(stranger.contract_id, "balance")
        live.publish(user.contract_id, "chat")

        assert browser.event() == "chat"


def test_every_page_of_a_contract_hears(port, user, cookie):
    with Browser(port, cookie) as phone, Browser(port, cookie) as desk:
        live.publish(user.contract_id, "balance")

        assert [phone.event(), desk.event()] == ["balance", "balance"]


def test_an_event_is_told_as_the_lines_of_an_event_stream(port, user, cookie):
    with Browser(port, cookie) as browser:
        live.publish(user.contract_id, "balance")

        assert [browser.line() for _ in range(4)] == ["", "event: balance", "data: {}", ""]


def test_what_happened_while_the_page_was_drawn_is_told_when_its_stream_opens(port, application, user, cookie):
    live.publish(user.contract_id, "balance")
    wait_until(lambda: application.pages._recent)

    with Browser(port, cookie) as browser:
        assert browser.event() == "balance"


def test_a_quiet_stream_shows_that_it_lives(own_valkey, cookie):
    with serving(LiveStream(heartbeat=(0.02, 0.03))) as port, Browser(port, cookie) as browser:
        browser.line()

        assert browser.line() in (":", "event: resync")
        assert ":" in [browser.line() for _ in range(6)]


def test_an_event_that_nobody_could_read_is_dropped(port, user, cookie, own_valkey):
    with Browser(port, cookie) as browser, own_valkey.client() as client:
        client.publish(live.channel_of(user.contract_id), "balance\n\nevent: forged")
        client.publish("live:nobody", "balance")
        live.publish(user.contract_id, "chat")

        assert browser.event() == "chat"


# --- Who is let in


def test_the_answer_is_not_stored_not_buffered_and_not_shared(port, cookie):
    with Browser(port, cookie) as browser:
        headers = dict(browser.answer.getheaders())

    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-store"
    assert headers["x-accel-buffering"] == "no"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")


@pytest.mark.parametrize("cookie", ["", "sessionid=", "sessionid=unknown", "sessionid=%00", "sessionid=\xff"])
def test_a_visitor_is_not_let_in(port, cookie):
    assert Browser(port, cookie).status == 401


def test_staff_are_sent_away(port):
    assert Browser(port, cookie_of(StaffFactory())).status == 403


def terminate(user):
    Contract.objects.filter(pk=user.contract_id).update(state=Contract.State.TERMINATED, ended_on="2026-03-01")


def lock_out(user):
    type(user).objects.filter(pk=user.pk).update(is_active=False)


def change_password(user):
    user.set_password("quite another one")
    user.save(update_fields=["password"])


def expire(user):
    Session.objects.filter(user=user).update(expire_date=timezone.now() - timedelta(seconds=1))


LOSING_IT = [terminate, lock_out, change_password, expire, sessions.end_all]


@pytest.mark.parametrize("lose", LOSING_IT, ids=lambda lose: lose.__name__)
def test_who_may_not_enter_a_page_may_not_listen(port, user, cookie, lose):
    lose(user)

    assert Browser(port, cookie).status == 401


@pytest.mark.parametrize("lose", LOSING_IT, ids=lambda lose: lose.__name__)
def test_a_stream_ends_when_its_session_lost_its_right(port, user, cookie, lose):
    with Browser(port, cookie) as browser:
        lose(user)

        assert list(browser.events()) == ["bye"]


def test_all_streams_are_checked_by_one_query(django_assert_num_queries):
    who = {visitors.admit(cookie_of(UserFactory()).removeprefix("sessionid=")) for _ in range(5)}

    with django_assert_num_queries(1):
        admitted = visitors.still_admitted(who, now=timezone.now())

    assert admitted == {visitor.session_key for visitor in who}


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT"])
def test_only_get_is_answered(port, cookie, method):
    browser = Browser(port, cookie, method=method)

    assert (browser.status, browser.answer.headers["Allow"]) == (405, "GET")


def test_another_address_is_not_ours(port, cookie):
    assert Browser(port, cookie, path="/live/more/").status == 404


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec_Fetch_Site": "cross-site"}]
)
def test_a_page_of_a_foreign_site_is_refused(port, cookie, headers):
    assert Browser(port, cookie, **headers).status == 403


def test_our_own_origin_is_welcome(port, cookie):
    with Browser(port, cookie, Origin=f"http://127.0.0.1:{port}", Sec_Fetch_Site="same-origin") as browser:
        assert browser.status == 200


def test_a_trusted_origin_is_welcome(port, cookie, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://mark.example"]

    with Browser(port, cookie, Origin="https://mark.example") as browser:
        assert browser.status == 200


def test_a_host_that_is_not_ours_is_refused(port, cookie):
    assert Browser(port, cookie, Host="evil.example").status == 400


def test_without_the_database_a_visitor_is_asked_to_come_later(port, cookie, monkeypatch):
    def admit(_session_key):
        raise OperationalError

    monkeypatch.setattr(visitors, "admit", admit)
    browser = Browser(port, cookie)

    assert browser.status == 503
    assert int(browser.answer.headers["Retry-After"]) >= 5


# --- How many


def test_one_stream_too_many_ends_the_oldest_for_good(own_valkey, cookie):
    with (
        serving(LiveStream(each_user=2)) as port,
        Browser(port, cookie) as first,
        Browser(port, cookie) as second,
        Browser(port, cookie),
    ):
        assert list(first.events())[-1] == "bye"
        assert not second.answer.isclosed()


def test_a_full_process_asks_to_come_later(own_valkey, cookie):
    with serving(LiveStream(all_users=1)) as port, Browser(port, cookie):
        assert Browser(port, cookie).status == 503


def test_clients_hold_no_threads(own_valkey, cookie):
    with serving(LiveStream(each_user=100)) as port:
        before = threading.active_count()
        browsers = [Browser(port, cookie) for _ in range(40)]

        assert threading.active_count() - before <= stream.THREADS

        for browser in browsers:
            browser.connection.close()


def test_a_client_that_left_is_forgotten(port, application, cookie):
    with Browser(port, cookie):
        assert len(application.pages) == 1

    wait_until(lambda: len(application.pages) == 0)
    assert application.pages._of_contract == {}


def test_a_client_that_does_not_read_is_dropped(application, monkeypatch):
    monkeypatch.setattr(stream, "PATIENCE_SECONDS", 0.05)

    async def send_to_nobody(message):
        if message["type"] == "http.response.body":
            await asyncio.sleep(3600)

    with pytest.raises(TimeoutError):
        asyncio.run(application._stream(OpenPage(Visitor("key", 7, 0)), send_to_nobody))


def test_a_page_that_leaves_too_much_unread_is_dropped():
    pages = OpenPages(each_user=8, all_users=8)
    page = OpenPage(Visitor("key", 7, 0))
    pages.add(page)

    for number in range(UNREAD_LIMIT + 1):
        pages.tell(7, f"event_{number}")

    assert page.is_over


def test_an_event_told_often_is_unread_once():
    page = OpenPage(Visitor("key", 7, 0))

    for _ in range(1000):
        page.tell("balance")

    assert asyncio.run(page.next_lines(within=1)) == b"event: balance\ndata: {}\n\n"


# --- Redis goes and comes


def test_after_a_restart_of_redis_every_page_refetches_and_hears_again(port, user, cookie, own_valkey):
    with Browser(port, cookie) as browser:
        own_valkey.stop()
        own_valkey.start()

        assert browser.event() == "resync"

        live.publish(user.contract_id, "balance")
        assert browser.event() == "balance"


def test_a_hung_redis_is_noticed_and_after_it_every_page_refetches(port, application, user, cookie, own_valkey):
    with Browser(port, cookie) as browser:
        with own_valkey.hung():
            wait_until(lambda: not application.is_listening)

        assert browser.event() == "resync"

        live.publish(user.contract_id, "balance")
        assert browser.event() == "balance"


def test_a_dropped_connection_to_redis_is_made_again(port, cookie, own_valkey):
    with Browser(port, cookie) as browser:
        with own_valkey.client() as client:
            client.client_kill_filter(_type="pubsub")

        assert browser.event() == "resync"


def test_a_page_may_open_its_stream_while_redis_is_away(own_valkey, cookie):
    own_valkey.stop()

    with serving(LiveStream()) as port, Browser(port, cookie) as browser:
        own_valkey.start()

        assert browser.event() == "resync"


# --- The process


def test_a_process_told_to_stop_ends_its_streams_and_goes(own_valkey, cookie):
    with serving_in_a_process() as (process, port), Browser(port, cookie) as browser:
        process.terminate()

        assert "bye" not in list(browser.events())
        process.wait(PATIENCE)


def test_a_connection_to_redis_that_breaks_while_it_is_closed_does_not_outlive_the_stop(own_valkey, monkeypatch):
    async def broken_off(self):
        try:
            await asyncio.sleep(PATIENCE)
        finally:
            monkeypatch.undo()
            raise RedisConnectionError

    monkeypatch.setattr(Subscription, "_subscribe_once", broken_off)

    async def start_and_stop():
        application = LiveStream()
        application.start()
        await asyncio.sleep(0)
        work = list(application._work)
        await application.stop()
        return [task.done() for task in work]

    assert asyncio.run(asyncio.wait_for(start_and_stop(), PATIENCE)) == [True, True]


def test_after_the_stop_no_connection_to_the_database_is_left(own_valkey, cookie):
    with serving(LiveStream()) as port, Browser(port, cookie):
        pass

    wait_until(lambda: connections_of_others() == 0)


def connections_of_others():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return cursor.fetchone()[0]
