"""Error pages never fail themselves."""

import pytest
from django.db import InterfaceError, OperationalError
from django.test import Client
from django.urls import path

from mark_portal.urls import *  # noqa: F403
from mark_portal.urls import urlpatterns as real_urls


def failing(error: Exception):
    def view(request):
        raise error

    return view


urlpatterns = [
    path("fails/", failing(ValueError("secret particulars"))),
    path("database-gone/", failing(OperationalError("server closed the connection"))),
    path("connection-gone/", failing(InterfaceError("connection already closed"))),
    *real_urls,
]


@pytest.fixture
def client(settings):
    settings.ROOT_URLCONF = __name__
    return Client(raise_request_exception=False)


def test_a_fault_of_ours_says_sorry_without_particulars_and_without_the_database(client):
    page = client.get("/fails/")

    assert page.status_code == 500
    assert "An error on our side" in page.content.decode()
    assert "secret particulars" not in page.content.decode()


@pytest.mark.parametrize("address", ["/database-gone/", "/connection-gone/"])
def test_without_a_database_the_page_asks_for_patience_and_comes_back_by_itself(client, address):
    page = client.get(address)

    assert (page.status_code, page["Retry-After"], page["Refresh"]) == (503, "5", "5")
    assert "Back in a moment" in page.content.decode()


def test_a_form_is_not_sent_again_by_itself(client):
    assert "Refresh" not in client.post("/database-gone/").headers


@pytest.mark.django_db
def test_an_unknown_address_has_a_page_with_a_way_out(client):
    page = client.get("/nowhere/")

    assert page.status_code == 404
    assert 'href="/"' in page.content.decode()


@pytest.mark.django_db
def test_a_form_without_its_token_is_refused_and_explained():
    page = Client(enforce_csrf_checks=True).post("/balance/", {"number": "100001"})

    assert page.status_code == 403
    assert "cookie" in page.content.decode().lower() or "form" in page.content.decode().lower()
