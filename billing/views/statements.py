"""A statement for any days: the page, the table for Excel, the paper."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts import limits
from accounts.access import SubscriberRequest, contract_required
from accounts.models import Contract
from billing import printing, spreadsheets, statements
from billing.forms.statements import StatementForm
from billing.statements import Period, Statement, StatementRefused
from billing.typesetting import PDFS, NotMade


@require_safe
@contract_required
def statement(request: SubscriberRequest) -> HttpResponse:
    form = _form(request)
    if not form.is_valid():
        return _page(request, form)
    return _page(request, form, statements.of(request.contract, form.period))


@require_safe
@contract_required
def statement_csv(request: SubscriberRequest) -> HttpResponseBase:
    form = _form(request)
    if not form.is_valid():
        return _page(request, form)
    asked = statements.of(request.contract, form.period)
    response = StreamingHttpResponse(spreadsheets.of(request.contract, asked), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = _attachment(request.contract, asked.period, "csv")
    return response


@require_safe
@contract_required
def statement_pdf(request: SubscriberRequest) -> HttpResponse:
    form, now = _form(request), timezone.now()
    if not form.is_valid():
        return _page(request, form)
    asked = statements.of(request.contract, form.period)
    try:
        asked.refuse_if_too_long_for_paper()
        limits.take(PDFS, str(request.contract.pk), now=now)
        paper = printing.statement_pdf(request.contract, asked, now=now)
    except StatementRefused:
        return _page(request, form, asked, status=422)  # the page says why beside the button
    except limits.LimitReached as refusal:
        return _page(request, form, asked, refusal=str(refusal), status=429)
    except NotMade as refusal:
        return _page(request, form, asked, refusal=str(refusal), status=503)
    response = HttpResponse(paper, content_type="application/pdf")
    response["Content-Disposition"] = _attachment(request.contract, asked.period, "pdf")
    return response


def _form(request: SubscriberRequest) -> StatementForm:
    """Without any days asked for, the month before this one."""
    if {"since", "until"} & set(request.GET):
        return StatementForm(request.GET)
    period = statements.last_month(timezone.localdate())
    return StatementForm({"since": period.since.isoformat(), "until": period.until.isoformat()})


def _page(
    request: SubscriberRequest,
    form: StatementForm,
    asked: Statement | None = None,
    *,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    period = asked.period if asked else None
    chosen = statements.presets(timezone.localdate())
    context: dict[str, object] = {
        "form": form,
        "statement": asked,
        "refusal": refusal,
        "presets": [(name, _query(days), days == period) for name, days in chosen.items()],
    }
    if asked:
        context |= _lines(request, asked) | {"query": _query(asked.period), "no_pdf": _why_no_pdf(asked)}
    return render(request, "billing/statement.html", context, status=422 if form.errors else status)


def _lines(request: SubscriberRequest, asked: Statement) -> dict[str, object]:
    """The page of lines asked for; a number that is none of them is brought to the nearest."""
    number = request.GET.get("page", "")
    page = min(max(int(number), 1), asked.pages) if number.isascii() and number.isdecimal() and len(number) < 9 else 1
    return {
        "entries": statements.page(request.contract, asked, page),
        "page": page,
        "earlier": _query(asked.period, page=page - 1) if page > 1 else None,
        "later": _query(asked.period, page=page + 1) if page < asked.pages else None,
    }


def _why_no_pdf(asked: Statement) -> str:
    try:
        asked.refuse_if_too_long_for_paper()
    except StatementRefused as refusal:
        return str(refusal)
    return ""


def _query(period: Period, **more: int) -> str:
    return urlencode({"since": period.since.isoformat(), "until": period.until.isoformat()} | more)


def _attachment(contract: Contract, period: Period, ending: str) -> str:
    name = _("Statement %(number)s, %(since)s – %(until)s") % {
        "number": contract.number,
        "since": period.since.isoformat(),
        "until": period.until.isoformat(),
    }
    return str(content_disposition_header(True, f"{name}.{ending}"))
