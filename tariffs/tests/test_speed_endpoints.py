"""What the speed test measures against, under a real uvicorn: bytes, limits, abuse; and what it leaves alone."""

import contextlib
import http.client
import json
import socket
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from django.utils.translation import get_language

from accounts.tests.factories import UserFactory
from mark_portal import live_asgi
from mark_portal.demo_asgi import one_address
from mark_portal.wsgi import application as pages
from notifications import live
from notifications.stream import LiveStream
from notifications.tests.conftest import own_valkey, started_valkey  # noqa: F401  fixtures
from notifications.tests.serving import PATIENCE, Browser, cookie_of, serving, wait_until
from tariffs import speed_endpoints
from tariffs.speed_endpoints import SpeedEndpoints
from tariffs.speed_limits import MB, Bounds, household_of

DOWN, UP, PING = "/speed/down", "/speed/up", "/speed/ping"


class Line(SpeedEndpoints):
    """The endpoints as a whole application, for uvicorn to start and stop."""

    async def __call__(self, scope, receive, send):
        if scope["type"] != "lifespan":
            return await super().__call__(scope, receive, send)
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        return await send({"type": "lifespan.shutdown.complete"})

    def end_streams(self):
        pass


@pytest.fixture
def line():
    """A function that serves the endpoints within bounds and gives the application and its port."""
    stack = contextlib.ExitStack()

    def serve(**bounds):
        application = Line(Bounds(**bounds))
        return application, stack.enter_context(serving(application))

    with stack:
        yield serve


@pytest.fixture
def port(line):
    return line()[1]


def ask(port, path, *, method="GET", body=None, **headers):
    """The answer, with its whole body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    answer.content = answer.read()
    connection.close()
    return answer


def raw(port, text):
    """A socket that has sent this much of a request."""
    sender = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    sender.sendall(text.encode())
    return sender


def status_of(sender):
    return int(sender.recv(4096).split(b" ", 2)[1])


def post(size, *, port, more=""):
    return raw(port, f"POST {UP} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {size}\r\n{more}\r\n")


def get(size, *, port):
    return raw(port, f"GET {DOWN}?bytes={size} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")


# --- What is measured against


def test_a_ping_is_an_empty_answer(port):
    answer = ask(port, PING)

    assert (answer.status, answer.content) == (200, b"")


@pytest.mark.parametrize("size", [1, 1000, 256 * 1024, 256 * 1024 + 1, 3_000_000])
def test_as_many_bytes_come_as_were_asked_for(port, size):
    answer = ask(port, f"{DOWN}?bytes={size}")

    assert answer.status == 200
    assert int(answer.headers["Content-Length"]) == len(answer.content) == size


def test_without_a_number_ten_megabytes_come(port):
    assert len(ask(port, DOWN).content) == 10 * MB


def test_what_comes_cannot_be_compressed(port):
    noise = ask(port, f"{DOWN}?bytes=500000").content

    assert len(zlib.compress(noise, 9)) > len(noise)


def test_nothing_of_it_is_stored_changed_or_shared(port):
    headers = ask(port, f"{DOWN}?bytes=10", Accept_Encoding="gzip, br").headers

    assert headers["Cache-Control"] == "no-store, no-transform"
    assert headers["Content-Encoding"] is None
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Access-Control-Allow-Origin"] is None
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("size", [0, 1, 100_000, 5_000_000])
def test_what_is_sent_is_counted(port, size):
    answer = ask(port, UP, method="POST", body=b"\0" * size)

    told = json.loads(answer.content)
    assert told["bytes"] == size
    assert 0 <= told["seconds"] < PATIENCE
    assert told["at"].startswith("20")


def test_a_connection_serves_many_transfers(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    for _ in range(3):
        connection.request("POST", UP, body=b"x" * 70_000)
        assert connection.getresponse().read().startswith(b'{"bytes": 70000')
        connection.request("GET", f"{DOWN}?bytes=70000")
        assert len(connection.getresponse().read()) == 70_000


# --- What is refused


@pytest.mark.parametrize(
    "number", ["", "x", "-1", "0", "1.5", "1e6", "NaN", "٣", "%00", "%ff", "9" * 400, "100000001", "1&bytes=2"]
)
def test_a_number_that_is_none_is_refused_with_words(port, number):
    answer = ask(port, f"{DOWN}?bytes={quote(number, safe='%&=')}")

    assert (answer.status, answer.content.decode()) == (400, "«bytes» is a number from 1 to 100000000.")


def test_it_is_refused_in_the_language_of_the_pages(port, settings, monkeypatch):
    settings.LANGUAGE_CODE = "ru"
    monkeypatch.setattr(speed_endpoints, "_", lambda text: f"{get_language()}: {text}")

    said = [ask(port, f"{DOWN}?bytes=x", Cookie=f"django_language={code}").content[:3] for code in ("en", "xx")]

    assert said == [b"en:", b"ru:"]


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        (DOWN, "POST", "GET"),
        (DOWN, "HEAD", "GET"),
        (PING, "OPTIONS", "GET"),
        (UP, "GET", "POST"),
        (UP, "PUT", "POST"),
        (UP, "OPTIONS", "POST"),
    ],
)
def test_another_method_is_refused(port, path, method, allowed):
    answer = ask(port, path, method=method)

    assert (answer.status, answer.headers["Allow"]) == (405, allowed)


def test_another_address_is_not_ours(port):
    assert ask(port, "/speed/").status == 404


def test_a_part_of_it_cannot_be_asked_for(port):
    answer = ask(port, f"{DOWN}?bytes=1000", Range="bytes=0-9")

    assert (answer.status, len(answer.content)) == (200, 1000)


def test_a_length_too_big_is_refused_before_a_byte_is_read(port):
    with post(10**11, port=port) as sender:
        assert status_of(sender) == 413


@pytest.mark.parametrize("length", ["-1", "1 000", "x"])
def test_a_length_that_is_no_number_is_refused(port, length):
    with post(length, port=port) as sender:
        assert status_of(sender) in (400, 413)


def test_without_a_length_nothing_is_taken(port):
    head = f"POST {UP} HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    with raw(port, head) as sender:
        assert status_of(sender) == 411


@pytest.mark.parametrize("path", [PING, DOWN])
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Host": "evil.example"},
    ],
)
def test_a_page_of_a_foreign_site_is_refused(port, path, headers):
    assert ask(port, path, **headers).status in (400, 403)


def test_our_own_page_is_welcome(port):
    assert ask(port, PING, Origin=f"http://127.0.0.1:{port}", Sec_Fetch_Site="same-origin").status == 200


# --- Limits


def test_one_address_has_so_many_places(line):
    application, port = line(each_address=2)
    with get(50 * MB, port=port), get(50 * MB, port=port):
        wait_until(lambda: application.places.taken == 2)

        refused = ask(port, f"{DOWN}?bytes=1")

    assert refused.status == 429
    assert refused.headers["Retry-After"] == "5"
    assert "from your address" in refused.content.decode()
    wait_until(lambda: application.places.taken == 0)
    assert ask(port, f"{DOWN}?bytes=1").status == 200


def test_all_together_have_so_many_places(line, settings):
    settings.TRUSTED_PROXIES = 1
    application, port = line(everybody=1)
    with get(50 * MB, port=port):
        wait_until(lambda: application.places.taken == 1)

        refused = ask(port, f"{DOWN}?bytes=1", X_Forwarded_For="198.51.100.7")

    assert (refused.status, refused.headers["Retry-After"]) == (503, "10")


def test_the_address_is_the_one_that_our_proxy_saw(line, settings):
    settings.TRUSTED_PROXIES = 1
    _, port = line(bytes_an_hour=1000)

    def status(address):
        return ask(port, f"{DOWN}?bytes=600", X_Forwarded_For=f"10.9.9.9, {address}").status

    assert [status("198.51.100.7"), status("198.51.100.7"), status("198.51.100.8")] == [200, 429, 200]


def test_who_is_refused_in_the_middle_of_sending_hears_why(line, monkeypatch):
    monkeypatch.setattr(speed_endpoints, "LINGER_SECONDS", PATIENCE)
    _, port = line(each_address=0)

    answer = ask(port, UP, method="POST", body=b"x" * 5_000_000)

    assert answer.status == 429


def test_an_address_may_move_so_much_in_an_hour(line):
    _, port = line(bytes_an_hour=1000)

    statuses = [ask(port, f"{DOWN}?bytes={size}").status for size in (600, 600, 400, 1)]

    assert statuses == [200, 429, 200, 429]


def test_what_was_not_moved_is_not_counted(line):
    application, port = line(bytes_an_hour=60 * MB)
    with get(60 * MB, port=port):
        wait_until(lambda: application.places.taken)
    wait_until(lambda: not application.places.taken)

    assert ask(port, f"{DOWN}?bytes=1000000").status == 200


def test_the_places_are_many_for_many_transfers_at_once(line):
    application, port = line()
    with ThreadPoolExecutor(12) as together:
        answers = list(together.map(lambda _: ask(port, f"{DOWN}?bytes=2000000"), range(12)))

    assert {answer.status for answer in answers} == {200}
    wait_until(lambda: application.places.taken == 0)


def test_a_reader_that_does_not_read_loses_its_place(line):
    application, port = line(patience=1)
    with get(100 * MB, port=port):
        wait_until(lambda: application.places.taken == 1)

        wait_until(lambda: application.places.taken == 0)


def test_a_reader_that_is_too_slow_loses_its_place(line):
    application, port = line(seconds_most=0.5)
    with get(100 * MB, port=port) as sender:
        wait_until(lambda: application.places.taken == 1)

        began = time.monotonic()
        while application.places.taken:
            assert time.monotonic() - began < PATIENCE
            sender.recv(1000)
            time.sleep(0.01)


@pytest.mark.parametrize("bounds", [{"patience": 1}, {"seconds_most": 1}])
def test_a_sender_that_does_not_send_is_sent_away(line, bounds):
    application, port = line(**bounds)
    with post(1000, port=port) as sender:
        sender.sendall(b"x" * 10)

        assert status_of(sender) == 408
        assert application.places.taken == 0


def test_a_sender_that_left_is_forgotten(line):
    application, port = line()
    with post(1000, port=port):
        wait_until(lambda: application.places.taken == 1)

    wait_until(lambda: application.places.taken == 0)


def test_a_household_of_the_new_internet_is_one_address():
    assert household_of("2001:db8:1:2::5") == household_of("2001:db8:1:2:ffff::9") != household_of("2001:db8:1:3::5")
    assert household_of("::ffff:198.51.100.7") == "198.51.100.7" != household_of("198.51.100.8")


# --- What it leaves alone


@pytest.fixture
def portal(own_valkey, monkeypatch):  # noqa: F811
    """Pages, stream and transfers under one address, as in the demo; its port."""
    stream = LiveStream()
    monkeypatch.setattr(live_asgi, "live", stream)
    application = one_address(pages=pages, live=live_asgi.application)
    application.end_streams = stream.end_streams
    with serving(application) as port:
        wait_until(lambda: stream.is_listening)
        yield port


@pytest.fixture
def busy(portal):
    """Transfers that neither end nor go on: each would hold a worker if it were a view."""
    transfers = [get(100 * MB, port=portal) for _ in range(6)] + [post(100 * MB, port=portal) for _ in range(6)]
    wait_until(lambda: live_asgi.speed.places.taken == 12)
    yield
    for transfer in transfers:
        transfer.close()
    wait_until(lambda: live_asgi.speed.places.taken == 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("busy")
def test_the_one_thread_of_pages_answers_while_many_measure(portal):
    assert [ask(portal, "/login/", Host="testserver").status for _ in range(3)] == [200, 200, 200]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("busy")
def test_the_live_pages_hear_while_many_measure(portal):
    user = UserFactory()
    with Browser(portal, cookie_of(user)) as browser:
        live.publish(user.contract_id, "balance")

        assert "balance" in browser.events()


def test_nothing_of_it_starts_a_thread(port):
    before = threading.active_count()
    with contextlib.ExitStack() as open_sockets:
        for _ in range(12):
            open_sockets.enter_context(get(100 * MB, port=port))

        assert ask(port, PING).status == 200
        assert threading.active_count() <= before
