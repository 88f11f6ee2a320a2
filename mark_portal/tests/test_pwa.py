"""The installable app: its manifest, its service worker and the page shown without a network."""

import json
import re

from django.template.loader import render_to_string
from django.test import Client

from accounts.tests.factories import UserFactory


def test_the_manifest_opens_the_cabinet(client: Client):
    response = client.get("/manifest.webmanifest")

    manifest = json.loads(response.content)
    assert response["Content-Type"].startswith("application/manifest+json")
    assert manifest["start_url"] == "/cabinet/"
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in manifest["icons"]}


def test_the_worker_keeps_the_offline_page_and_its_files_only(client: Client):
    script = client.get("/sw.js").content.decode()

    kept = re.findall(r'"(/[^"]*)"', script)
    assert kept
    assert all(address == "/offline/" or address.startswith("/static/") for address in kept)


def test_the_offline_page_is_nobodys(client: Client, db: None):
    user = UserFactory()
    client.force_login(user, backend="accounts.backends.SubscriberBackend")

    text = client.get("/offline/").content.decode()

    assert user.contract.number not in text


def test_the_page_of_an_error_needs_nothing():
    assert "918-111" in render_to_string("500.html")


def test_a_subscribers_page_registers_the_worker(client: Client, db: None):
    client.force_login(UserFactory(), backend="accounts.backends.SubscriberBackend")

    assert 'data-worker="/sw.js"' in client.get("/cabinet/").content.decode()
