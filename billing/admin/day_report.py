"""The accountant's day report: on the page, on paper, as a table for Excel."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _t

from accounts.staff import cities_of
from billing import day_report, gateways, spreadsheets
from billing.day_report import Counted, Report, Row
from billing.forms.day_report import DayReportForm
from billing.models import Payment

# Accountants and supervisors have both.
PERMISSIONS = ("billing.view_payment", "billing.view_registry")


def may_read(user: Any) -> bool:
    return bool(user.has_perms(PERMISSIONS))


def page(request: HttpRequest, **context: Any) -> HttpResponse:
    """Of yesterday unless `?since=…&until=…` say otherwise; `&csv=1` as a table. One's own cities alone."""
    if not may_read(request.user):
        raise PermissionDenied
    yesterday = timezone.localdate() - timedelta(days=1)
    form = DayReportForm(
        request.GET if {"since", "until"} & set(request.GET) else {"since": yesterday, "until": yesterday}
    )
    is_valid = form.is_valid()
    since, until = form.days if is_valid else (yesterday, yesterday)
    cities = list(cities_of(request.user))
    report = day_report.of(since, until, cities=[city.pk for city in cities])
    if is_valid and request.GET.get("csv"):
        return _table(report, since, until)
    context |= {
        "title": _t("Day report"),
        "opts": Payment._meta,
        "form": form,
        "since": since,
        "until": until,
        "cities": cities,
        "report": report,
        "rows": [(_gateway(row), row) for row in report.rows],
        "counted": _counted(report),
        "csv_query": urlencode({"since": since.isoformat(), "until": until.isoformat(), "csv": 1}),
    }
    return TemplateResponse(request, "admin/billing/payment/day.html", context, status=200 if is_valid else 422)


def _gateway(row: Row) -> str:
    return gateways.name_of(row.gateway) or _t("Without a gateway: the cash desk, staff")


def _counted(report: Report) -> list[tuple[str, Counted]]:
    return [
        (_t("Receipts registered"), report.receipts["registered"]),
        (_t("Receipts of refunds registered"), report.receipts["returned"]),
        (_t("Receipts failed"), report.receipts["failed"]),
        (_t("Promised payments given"), report.promises["given"]),
        (_t("Promised payments kept"), report.promises["kept"]),
        (_t("Promised payments broken"), report.promises["broken"]),
        (_t("Adjustments in favour of subscribers"), report.adjustments["added"]),
        (_t("Adjustments to take away"), report.adjustments["taken"]),
    ]


def _table(report: Report, since: date, until: date) -> HttpResponse:
    response = HttpResponse(spreadsheets.BYTE_ORDER_MARK, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="mark-{since}-{until}.csv"'
    response["Cache-Control"] = "no-store"
    writer = csv.writer(response, delimiter=";", lineterminator="\r\n")
    for line in _lines(report):
        writer.writerow(spreadsheets.number(cell) if isinstance(cell, Decimal) else _cell(cell) for cell in line)
    return response


def _cell(value: object) -> object:
    return spreadsheets.text(value) if isinstance(value, str) else value


def _lines(report: Report) -> Iterator[tuple[object, ...]]:
    yield (
        _t("Gateway"),
        _t("Paid by"),
        _t("Payments"),
        _t("Credited"),
        _t("Refunds"),
        _t("Reversed"),
        _t("Net"),
    )
    for row in report.rows:
        yield _gateway(row), capfirst(row.method_name), row.count, row.credited, row.refunded, row.reversed, row.net
    total = report.total
    yield _t("Total"), "", total.count, total.credited, total.refunded, total.reversed, total.net
    yield _t("By the ledger"), "", "", "", "", "", report.ledger
    yield _t("Difference"), "", "", "", "", "", report.difference
    for label, counted in _counted(report):
        yield label, "", counted.count, counted.sum
