"""The speed test for everybody; a subscriber's results, saved and to take away."""

from __future__ import annotations

import csv
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts import limits
from accounts.access import SubscriberRequest, contract_of, contract_required
from accounts.models import Contract
from billing import paging, spreadsheets
from billing.paging import Cursor
from tariffs import access, speed_chart, speedtest
from tariffs.forms.speed import SpeedTestForm
from tariffs.models import SpeedTest
from tariffs.speed_endpoints import DOWN
from tariffs.speed_limits import MB
from tariffs.speedtest import ResultRefused

PAGE_ROWS, SHOWN, TABLE_ROWS = 30, 5, 5_000
CONNECTIONS = 4
TOO_MANY = gettext_lazy("You have measured often this hour: this result is right, but it is not kept.")
BY_HAND_MB = 5  # to download by hand: as much as a slow line manages in the time of one transfer


@require_safe
def speed(request: HttpRequest) -> HttpResponse:
    context: dict[str, object] = {
        "seconds": settings.SPEED_TEST_PHASE_SECONDS,
        "most": settings.SPEED_TEST_MB_MOST * MB,
        "connections": CONNECTIONS,
        "by_hand": BY_HAND_MB,
        "by_hand_link": f"{DOWN}?bytes={BY_HAND_MB * MB}",
    }
    contract = contract_of(request)
    if contract:
        context |= {
            "form": SpeedTestForm(),
            "stands": access.stand(contract.pk, now=timezone.now()),
            "tests": _judged(list(speedtest.of(contract.pk)[:SHOWN])),
        }
    response = render(request, "tariffs/speed.html", context)
    if contract:
        add_never_cache_headers(response)
    return response


@require_POST
@contract_required
def save(request: SubscriberRequest) -> HttpResponse:
    """`?part=result` answers with the result alone, for the page of the test."""
    form, now = SpeedTestForm(request.POST), timezone.now()
    if not form.is_valid():
        return _refuse(request, form.refusal, status=422)
    try:
        test = speedtest.save(request.contract.pk, form.measured, operation=form.cleaned_data["operation"], now=now)
    except ResultRefused as refusal:
        return _refuse(request, str(refusal), status=422)
    except limits.LimitReached:
        return _refuse(request, str(TOO_MANY), status=429)
    if request.GET.get("part") != "result":
        return redirect("tariffs:speed_history")
    return render(request, "tariffs/_speed_result.html", _told(test, request.contract))


def _refuse(request: SubscriberRequest, refusal: str, *, status: int) -> HttpResponse:
    if request.GET.get("part") == "result":
        return render(request, "tariffs/_speed_refused.html", {"refusal": refusal}, status=status)
    return _draw_history(request, None, refusal=refusal, status=status)


@require_safe
@contract_required
def history(request: SubscriberRequest) -> HttpResponse:
    return _draw_history(request, Cursor.parse(request.GET.get("cursor", "")))


def _draw_history(
    request: SubscriberRequest, cursor: Cursor | None, *, refusal: str = "", status: int = 200
) -> HttpResponse:
    page = paging.page(speedtest.of(request.contract.pk), cursor, PAGE_ROWS, time="at")
    context: dict[str, object] = {
        "refusal": refusal,
        "tests": _judged(page.rows),
        "chart": speed_chart.drawn(page.rows),
        "older": urlencode({"cursor": page.older}) if page.older else None,
        "newer": urlencode({"cursor": page.newer}) if page.newer else None,
    }
    if page.rows and not page.newer:
        context |= _told(page.rows[0], request.contract)
    return render(request, "tariffs/speed_history.html", context, status=status)


@require_safe
@contract_required
def history_csv(request: SubscriberRequest) -> HttpResponse:
    response = HttpResponse(spreadsheets.BYTE_ORDER_MARK, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="mark-speed-{request.contract.number}.csv"'
    writer = csv.writer(response, delimiter=";", lineterminator="\r\n")
    writer.writerow(
        [
            _("Date and time"),
            _("Ping, ms"),
            _("Jitter, ms"),
            _("Download, Mbit/s"),
            _("Upload, Mbit/s"),
            _("Download by the tariff, Mbit/s"),
            _("Upload by the tariff, Mbit/s"),
            _("Turbo"),
            _("Outage"),
        ]
    )
    writer.writerows(_cells(test) for test in speedtest.of(request.contract.pk)[:TABLE_ROWS])
    return response


def _cells(test: SpeedTest) -> list[object]:
    measured = [f"{value:.2f}".replace(".", ",") for value in (test.ping, test.jitter, test.down, test.up)]
    at = f"{timezone.localtime(test.at):%d.%m.%Y %H:%M:%S}"
    marks = [_("yes") if mark else "" for mark in (test.is_boosted, test.had_outage)]
    return [at, *measured, test.tariff_down or "", test.tariff_up or "", *marks]


def _told(test: SpeedTest, contract: Contract) -> dict[str, object]:
    """What the fragment of one result needs."""
    return {"test": test, "verdict": speedtest.verdict(test), "text": speedtest.as_text(test, contract)}


def _judged(tests: list[SpeedTest]) -> list[tuple[SpeedTest, speedtest.Verdict | None]]:
    return [(test, speedtest.verdict(test)) for test in tests]
