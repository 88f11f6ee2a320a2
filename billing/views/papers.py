"""Invoices and acts of a legal entity, by month. Persons have none: for them there are no such pages."""

from collections.abc import Callable
from datetime import date, datetime

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from accounts import limits
from accounts.access import SubscriberRequest, contract_required
from billing import outlook, papers, printing
from billing.papers import Paper, PaperRefused
from billing.typesetting import PDFS, NotMade


@require_safe
@contract_required
def documents(request: SubscriberRequest) -> HttpResponse:
    return _page(request)


@require_safe
@contract_required
def invoice(request: SubscriberRequest, month: date) -> HttpResponse:
    def make(now: datetime) -> tuple[Paper, bytes]:
        to_come = outlook.stand(request.contract.pk, now=now).months
        paper = papers.invoice(request.contract, month, to_come, today=timezone.localdate(now))
        return paper, _limited(request, printing.invoice_pdf, paper, now)

    return _answer(request, "Счёт", make)


@require_safe
@contract_required
def act(request: SubscriberRequest, month: date) -> HttpResponse:
    def make(now: datetime) -> tuple[Paper, bytes]:
        paper = papers.act(request.contract, month, today=timezone.localdate(now))
        return paper, _limited(request, printing.act_pdf, paper, now)

    return _answer(request, "Акт", make)


def _limited(request: SubscriberRequest, print_it: Callable[..., bytes], paper: Paper, now: datetime) -> bytes:
    limits.take(PDFS, str(request.contract.pk), now=now)
    return print_it(paper, now=now)


def _answer(request: SubscriberRequest, title: str, make: Callable[[datetime], tuple[Paper, bytes]]) -> HttpResponse:
    """The paper as a file, or the list with the reason why there is none."""
    now = _only_for_companies(request)
    try:
        paper, content = make(now)
    except PaperRefused as refusal:
        return _page(request, refusal=str(refusal), status=404)
    except limits.LimitReached as refusal:
        return _page(request, refusal=str(refusal), status=429)
    except NotMade as refusal:
        return _page(request, refusal=str(refusal), status=503)
    response = HttpResponse(content, content_type="application/pdf")
    response["Content-Disposition"] = str(content_disposition_header(True, f"{title} {paper.number}.pdf"))
    return response


def _page(request: SubscriberRequest, *, refusal: str = "", status: int = 200) -> HttpResponse:
    now = _only_for_companies(request)
    today = timezone.localdate(now)
    to_come = outlook.stand(request.contract.pk, now=now).months
    context = {"months": papers.months(request.contract, to_come, today=today), "refusal": refusal, "today": today}
    return render(request, "billing/documents.html", context, status=status)


def _only_for_companies(request: SubscriberRequest) -> datetime:
    if not request.contract.subscriber.is_legal_entity:
        raise Http404
    return timezone.now()
