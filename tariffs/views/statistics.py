"""Traffic and spending by week, month, year and all time; a year in review; a table to take away."""

from __future__ import annotations

import csv
from datetime import date
from io import StringIO
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.access import SubscriberRequest, contract_required
from billing import spreadsheets
from tariffs import charts, events, periods, year_review
from tariffs import statistics as numbers
from tariffs.forms.statistics import REVIEW, StatisticsForm
from tariffs.periods import Kind, Period


@require_safe
@contract_required
def statistics(request: SubscriberRequest) -> HttpResponse:
    """`?period=week&from=2026-11-16`, and `?period=review&year=2026`."""
    today = timezone.localdate()
    form = StatisticsForm(request.GET, contract=request.contract, today=today)
    if not form.is_valid():
        return _page(request, form, _current(request, today), today, status=422)
    if form.is_review:
        return _review(request, form, today)
    return _page(request, form, form.asked, today)


@require_safe
@contract_required
def statistics_csv(request: SubscriberRequest) -> HttpResponse:
    """Every day of the period."""
    today = timezone.localdate()
    form = StatisticsForm(request.GET, contract=request.contract, today=today)
    if not form.is_valid():
        return _page(request, form, _current(request, today), today, status=422)
    if form.is_review:
        year = date(form.cleaned_data["year"], 1, 1)
        period = periods.containing(Kind.YEAR, year, started_on=request.contract.started_on, today=today)
    else:
        period = form.asked
    response = HttpResponse(_table(request, period), content_type="text/csv; charset=utf-8")
    name = _("Statistics %(number)s, %(since)s – %(until)s.csv") % {
        "number": request.contract.number,
        "since": period.since.isoformat(),
        "until": period.last.isoformat(),
    }
    response["Content-Disposition"] = content_disposition_header(True, name)
    return response


def _current(request: SubscriberRequest, today: date) -> Period:
    return periods.containing(Kind.MONTH, today, started_on=request.contract.started_on, today=today)


def _page(
    request: SubscriberRequest, form: StatisticsForm, period: Period, today: date, *, status: int = 200
) -> HttpResponse:
    shown = numbers.of(request.contract, period, today=today)
    happened = events.of(request.contract.pk, period, today=today)
    context = _frame(request, form, today, chosen=period.kind) | {
        "shown": shown,
        "events": happened,
        "has_traffic": happened.has_internet or shown.total.total,
        "volume": happened.volume if today in period else None,
        "traffic_chart": charts.of_traffic(shown),
        "spending_chart": charts.of_spending(shown),
        "earlier": _query(shown.earlier) if shown.earlier else None,
        "later": _query(shown.later) if shown.later else None,
        "query": _query(period),
    }
    return render(request, "tariffs/statistics.html", context, status=status)


def _review(request: SubscriberRequest, form: StatisticsForm, today: date) -> HttpResponse:
    year = form.cleaned_data["year"]
    years = year_review.years(request.contract, today)
    context = _frame(request, form, today, chosen=REVIEW) | {
        "review": year_review.of(request.contract, year, today=today),
        "years": [(each, urlencode({"period": REVIEW, "year": each}), each == year) for each in years],
        "query": urlencode({"period": REVIEW, "year": year}),
    }
    return render(request, "tariffs/statistics_review.html", context)


def _frame(request: SubscriberRequest, form: StatisticsForm, today: date, *, chosen: str) -> dict[str, object]:
    """What every page of statistics has above its numbers."""
    return {
        "form": form,
        "tenure": request.contract.tenure(today),
        "kinds": [(kind, urlencode({"period": kind}), kind == chosen) for kind in (*Kind, REVIEW)],
    }


def _query(period: Period) -> str:
    if period.kind == Kind.ALL:
        return urlencode({"period": period.kind})
    return urlencode({"period": period.kind, "from": period.since.isoformat()})


def _table(request: SubscriberRequest, period: Period) -> str:
    used = {row.since: row for row in numbers.traffic_rows(request.contract.pk, period.since, period.until)}
    paid = {row.since: row for row in numbers.spending_rows(request.contract.pk, period.since, period.until)}
    file = StringIO()
    writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
    file.write(spreadsheets.BYTE_ORDER_MARK)
    writer.writerow([_("Day"), _("Received, bytes"), _("Sent, bytes"), _("Spent, ₽"), _("Saved by offers, ₽")])
    for day in sorted(used.keys() | paid.keys()):
        traffic = used.get(day) or numbers.Traffic(day, day)
        money = paid.get(day) or numbers.Spending(day, day)
        sums = [spreadsheets.number(money.spent), spreadsheets.number(money.saved)]
        writer.writerow([f"{day:%d.%m.%Y}", traffic.down, traffic.up, *sums])
    return file.getvalue()
