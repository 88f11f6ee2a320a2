"""What every request passes."""

import psycopg2.errors
import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import RequestFactory

from mark_portal.middleware import RetryLostRaces


class View:
    """Fails with each of the errors in turn, then answers."""

    def __init__(self, *errors: Exception) -> None:
        self.errors, self.calls = list(errors), 0

    def __call__(self, request) -> HttpResponse:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return HttpResponse("done")


def run(view: View, method: str = "post") -> HttpResponse | None:
    request = getattr(RequestFactory(), method)("/")
    return RetryLostRaces(lambda _request: HttpResponse()).process_view(request, view, [], {})


@pytest.fixture(autouse=True)
def _outside_a_transaction(db, monkeypatch):
    monkeypatch.setattr("mark_portal.middleware.connection", NoTransaction())
    monkeypatch.setattr("mark_portal.middleware.time.sleep", lambda _seconds: None)


class NoTransaction:
    in_atomic_block = False


class FakeCode(Exception):
    pgcode: str | None = None


def with_code(code: str) -> OperationalError:
    cause = FakeCode()
    cause.pgcode = code
    error = OperationalError("lost")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("code", ["40001", "40P01", "55P03"])
def test_a_lost_race_is_run_again(code):
    view = View(with_code(code), with_code(code))

    assert run(view).content == b"done"
    assert view.calls == 3


def test_after_three_lost_races_the_page_asks_to_come_back():
    view = View(*[with_code("55P03")] * 3)

    response = run(view)

    assert (response.status_code, response["Retry-After"], view.calls) == (503, "5", 3)


def test_another_fault_is_not_repeated():
    view = View(with_code("57P01"))

    with pytest.raises(OperationalError):
        run(view)

    assert view.calls == 1


def test_reading_is_left_to_the_browser_to_repeat():
    assert run(View(), "get") is None


def test_the_codes_are_postgresqls():
    codes = {psycopg2.errors.lookup(code).__name__ for code in ("40001", "40P01", "55P03")}

    assert codes == {"SerializationFailure", "DeadlockDetected", "LockNotAvailable"}


@pytest.mark.parametrize("path", ["/", "/login/", "/balance/", "/contacts/", "/nowhere/"])
def test_every_answer_carries_the_security_headers(client, path):
    headers = client.get(path).headers

    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
