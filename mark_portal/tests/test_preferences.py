"""The language and the old version, remembered in the browser."""

import pytest

from accounts.tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def test_russian_is_the_default_whatever_the_browser_accepts(client, settings):
    settings.LANGUAGE_CODE = "ru"

    page = client.get("/login/", headers={"Accept-Language": "en"})

    assert page["Content-Language"] == "ru"
    assert 'lang="ru"' in page.content.decode()


def test_english_is_remembered(client, settings):
    settings.LANGUAGE_CODE = "ru"

    back = client.get("/language/en/?next=/login/")

    assert back["Location"] == "/login/"
    assert 'lang="en"' in client.get("/login/").content.decode()


def test_the_old_version_has_no_style_and_no_script(client):
    client.get("/version/old/")

    page = client.get("/login/").content.decode()

    assert not any(tag in page for tag in ('<link rel="stylesheet"', "<script", "<svg", "style="))


def test_the_way_back_to_the_new_version(client):
    client.get("/version/old/")
    client.get("/version/new/")

    assert "stylesheet" in client.get("/login/").content.decode()


@pytest.mark.parametrize(
    "path",
    ["/", "/login/", "/balance/", "/connect/", "/contacts/", "/cabinet/", "/cabinet/billing/", "/cabinet/profile/"],
)
def test_every_page_exists_in_the_old_version(client, path):
    client.force_login(UserFactory(), backend="accounts.backends.SubscriberBackend")
    if path == "/login/":
        client.logout()
    client.get("/version/old/")

    page = client.get(path)

    assert page.status_code == 200
    assert not any(tag in page.content.decode() for tag in ("stylesheet", "<script", "<svg"))


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:x"])
def test_nobody_is_sent_to_another_site(client, target):
    assert client.get("/version/old/", {"next": target})["Location"] == "/"


@pytest.mark.parametrize("path", ["/version/ancient/", "/language/de/"])
def test_an_unknown_choice_does_not_exist(client, path):
    assert client.get(path).status_code == 404
