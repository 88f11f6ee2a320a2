"""The bridge between the demo's event loop and Django's WSGI application."""

import asyncio
from io import BytesIO

import pytest

from mark_portal.demo_asgi import BATCH, SPEED_TEST, environ_of, one_address
from tariffs import speed_endpoints


class Reader:
    """An ASGI client: sends a body in parts, keeps what it receives, may leave after some parts."""

    def __init__(self, *parts, leaves_after=None):
        self.parts = list(parts) or [b""]
        self.leaves_after = leaves_after
        self.left = asyncio.Event()
        self.messages = []

    async def receive(self):
        if self.parts:
            return {"type": "http.request", "body": self.parts.pop(0), "more_body": bool(self.parts)}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        self.messages.append(message)
        if self.leaves_after is not None and len(self.messages) > self.leaves_after:
            self.left.set()
            await asyncio.sleep(0)

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.messages)


class Parts:
    """A WSGI answer that knows whether it was closed."""

    def __init__(self, parts):
        self.parts = iter(parts)
        self.closed = False

    def __iter__(self):
        return self.parts

    def close(self):
        self.closed = True


def a_scope(path="/cabinet/", **more):
    return {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"a=1",
        "http_version": "1.1",
        "scheme": "http",
        "headers": [],
        "client": ("127.0.0.1", 50000),
        **more,
    }


def ask(pages, reader, scope=None):
    async def live(scope, receive, send):
        await send({"type": "live"})

    asyncio.run(one_address(pages=pages, live=live)(scope or a_scope(), reader.receive, reader.send))


def answering(result):
    def pages(environ, start_response):
        start_response("201 Created", [("X-Name", "value")])
        return result

    return pages


def test_a_page_arrives_whole_with_status_and_headers():
    reader, result = Reader(), Parts([b"one ", b"two"])

    ask(answering(result), reader)

    assert reader.messages == [
        {"type": "http.response.start", "status": 201, "headers": [(b"x-name", b"value")]},
        {"type": "http.response.body", "body": b"one two"},
    ]
    assert result.closed


def test_a_body_in_parts_reaches_the_page_as_one():
    def echo(environ, start_response):
        start_response("200 OK", [])
        return [environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))]

    reader = Reader(b"login=100001", b"&city=izhevsk")

    ask(echo, reader)

    assert reader.body == b"login=100001&city=izhevsk"


def test_a_long_answer_arrives_in_batches():
    reader, result = Reader(), Parts([b"x" * BATCH] * 3 + [b"end"])

    ask(answering(result), reader)

    assert [len(message["body"]) for message in reader.messages[1:]] == [BATCH, BATCH, BATCH, 3]
    assert result.closed


def test_an_endless_answer_ends_when_the_reader_leaves():
    reader, result = Reader(leaves_after=2), Parts(iter(lambda: b"x" * BATCH, None))

    ask(answering(result), reader)

    assert result.closed


def test_a_page_that_fails_while_it_is_read_is_closed_and_raises():
    result = Parts(part / 0 for part in [1])

    with pytest.raises(ZeroDivisionError):
        ask(answering(result), Reader())

    assert result.closed


@pytest.mark.parametrize("scope", [a_scope("/live/"), *map(a_scope, SPEED_TEST), {"type": "lifespan"}])
def test_the_stream_and_the_lifespan_go_to_the_thin_application(scope):
    reader = Reader()

    ask(answering([]), reader, scope)

    assert reader.messages == [{"type": "live"}]


def test_cyrillic_addresses_and_split_cookies_are_as_wsgi_wants_them():
    path = "/поиск/"
    headers = [(b"cookie", b"a=1"), (b"cookie", b"b=2"), (b"content-type", b"text/plain"), (b"x_real_ip", b"1.2.3.4")]

    environ = environ_of(a_scope(path, raw_path=b"/%D0%BF%D0%BE%D0%B8%D1%81%D0%BA/", headers=headers), BytesIO())

    assert environ["PATH_INFO"].encode("latin-1").decode() == path
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert environ["CONTENT_TYPE"] == "text/plain"
    assert "HTTP_X_REAL_IP" not in environ


def test_the_page_of_the_speed_test_is_a_page_and_its_transfers_are_those_of_the_endpoints():
    reader = Reader()

    ask(answering([b"page"]), reader, a_scope("/speed/"))

    assert reader.body == b"page"
    assert set(SPEED_TEST) == speed_endpoints.PATHS
