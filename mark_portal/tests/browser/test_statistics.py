"""Statistics in Chromium and in w3m: accessible, as wide as a phone, with drawings and tables."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.local_time import midnight
from accounts.tests.factories import UserFactory
from billing import ledger
from billing.models import EntryKind
from mark_portal.tests.browser.test_every_page import OVERFLOW, violations
from mark_portal.tests.browser.test_text_browser import read, session  # noqa: F401  fixtures
from tariffs.models import TrafficDay
from tariffs.tests.factories import served
from tariffs.usage import GIGABYTE

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("stored")]

URL = "/cabinet/statistics/"
PERIODS = ["period=week", "period=month", "period=year", "period=all", "period=review"]
RUSSIAN = {"django_language": "ru"}


@pytest.fixture
def user():
    """Two years of traffic and fees, and most of the month's volume used."""
    today = timezone.localdate()
    user = UserFactory(contract__started_on=date(today.year - 2, 1, 15))
    served(contract=user.contract, volume_gb=3_000, floor_speed=2)
    days = [today - timedelta(days=n) for n in range(700)]
    TrafficDay.objects.bulk_create(
        TrafficDay(contract=user.contract, day=day, down=(60 + 37 * day.day % 50) * GIGABYTE, up=9 * GIGABYTE)
        for day in days
    )
    for day in (day for day in days if day.day == 1):
        for kind, amount, key in ((EntryKind.MONTH, -650, ""), (EntryKind.DISCOUNT, 65, ":offer:1")):
            key = f"{uuid4()}{key}"
            ledger.post(user.contract_id, kind=kind, amount=Decimal(amount), key=key, title="x", now=midnight(day))
    return user


@pytest.mark.parametrize("query", PERIODS)
def test_every_period_is_accessible_and_as_wide_as_a_phone(visit, user, query):
    page = visit(f"{URL}?{query}", user=user, cookies=RUSSIAN)
    for summary in page.locator("main details > summary").all():
        summary.click()

    assert violations(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate(OVERFLOW) == []


def test_the_old_version_reads_as_text(read, session, user):  # noqa: F811
    text = read(f"{URL}?period=year", sessionid=session)

    assert "Received" in text
    assert "TB" in text
    assert "January" in text
    assert "585.00 ₽" in text
