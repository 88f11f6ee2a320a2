"""The filters and tags that draw the portal's face."""

import pytest
from django.template import Context, Template
from django.test import RequestFactory

from mark_portal.templatetags import look

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile Safari/604.1"
YANDEX = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 YaBrowser/24.12 Mobile Safari/537.36"


def test_an_icon_is_only_a_picture():
    assert look.icon(Context(), "phone") == (
        '<svg class="icon" aria-hidden="true"><use href="/static/img/icons.svg#phone"/></svg>'
    )


def test_the_old_version_has_no_icons():
    assert look.icon(Context({"is_bare": True}), "phone") == ""


def test_a_phone_becomes_the_address_of_a_call():
    assert look.tel("+7 (3412) 918-111") == "tel:+73412918111"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (CHROME, "Chrome, Windows"),
        (IPHONE, "Safari, iPhone"),
        (YANDEX, "Яндекс, Android"),
        ("w3m/0.5.3", "w3m"),
        ("", "Unknown browser"),
    ],
)
def test_a_device_is_named_in_two_words(user_agent, name):
    assert look.device(user_agent) == name


@pytest.mark.parametrize(
    ("path", "tag", "marked"),
    [
        ("/cabinet/", "{% current '/cabinet/' %}", True),
        ("/cabinet/billing/", "{% current '/cabinet/' %}", False),
        ("/cabinet/billing/autopay/", "{% current '/cabinet/billing/' below=True %}", True),
    ],
)
def test_navigation_marks_the_open_page(path, tag, marked):
    drawn = Template("{% load look %}" + tag).render(Context({"request": RequestFactory().get(path)}))

    assert drawn == (' aria-current="page"' if marked else "")
