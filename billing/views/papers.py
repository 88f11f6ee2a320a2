"""Invoices and acts of a legal entity, by month. Persons have none: for them there are no such pages."""

from datetime import date, datetime

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts import limits
from accounts.access import SubscriberRequest, contract_required
from billing import outlook, papers, printing
from billing.papers import PaperRefused
from billing.typesetting import PDFS


@require_safe
@contract_required
def documents(request: SubscriberRequest) -> HttpResponse:
    return _page(request)


@require_safe
@contract_required
def invoice(request: SubscriberRequest, month: date) -> HttpResponse:
    now = _only_for_companies(request)
    try:
        fee = outlook.account_with_fee(request.contract.pk)[1]
        paper = papers.invoice(request.contract, month, fee, today=timezone.localdate(now))
        limits.take(PDFS, str(request.contract.pk), now=now)
    except PaperRefused as refusal:
        return _page(request, refusal=str(refusal), status=404)
    except limits.LimitReached as refusal:
        return _page(request, refusal=str(refusal), status=429)
    return _pdf(printing.invoice_pdf(paper, now=now), f"Счёт {paper.number}.pdf")


@require_safe
@contract_required
def act(request: SubscriberRequest, month: date) -> HttpResponse:
    now = _only_for_companies(request)
    try:
        paper = papers.act(request.contract, month, today=timezone.localdate(now))
        limits.take(PDFS, str(request.contract.pk), now=now)
    except PaperRefused as refusal:
        return _page(request, refusal=str(refusal), status=404)
    except limits.LimitReached as refusal:
        return _page(request, refusal=str(refusal), status=429)
    return _pdf(printing.act_pdf(paper, now=now), f"Акт {paper.number}.pdf")


def _page(request: SubscriberRequest, *, refusal: str = "", status: int = 200) -> HttpResponse:
    today = timezone.localdate(_only_for_companies(request))
    fee = outlook.account_with_fee(request.contract.pk)[1]
    context = {"months": papers.months(request.contract, fee, today=today), "refusal": refusal, "today": today}
    return render(request, "billing/documents.html", context, status=status)


def _only_for_companies(request: SubscriberRequest) -> datetime:
    if not request.contract.subscriber.is_legal_entity:
        raise Http404
    return timezone.now()


def _pdf(content: bytes, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = str(content_disposition_header(True, name))
    return response
