"""One payment, followed to its end; all of them with their receipts; a receipt to print."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

import structlog
from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.encoding import iri_to_uri
from django.views.decorators.http import require_safe

from accounts import limits
from accounts.access import SubscriberRequest, contract_required
from billing import outlook, paging, payments, ways
from billing.forms.payments import PaymentsForm
from billing.models import Payment, Receipt
from billing.paging import Cursor

# A page asks the gateway this seldom, however often it is reloaded and in however many windows.
ASKED = limits.Allowance("payment-page", 1, timedelta(seconds=3))
FORWARDED_WITHIN = timedelta(seconds=20)  # later `?go=1` is somebody's «back» from the bank
# How soon, in seconds, an open page looks again while the payment is so young, in minutes.
PAUSES = [(1, 3), (5, 10)]
LONGEST_PAUSE = 30
PAGE_ROWS = 30

log = structlog.get_logger(__name__)


@require_safe
@contract_required
def payment(request: SubscriberRequest, operation: UUID) -> HttpResponse:
    """What happens to a payment. `?go=1` leads on to the bank; `?part=state` is the state alone, for an open page."""
    now = timezone.now()
    found = get_object_or_404(payments.of(request.contract.pk).prefetch_related(None), operation=operation)
    if found.is_under_way and _is_time_to_ask(found, now=now):
        found = _asked(found, now=now)
    is_first_view = "go" in request.GET and now - found.created_at < FORWARDED_WITHIN
    context = {
        "payment": found,
        "way": ways.code_of(found),
        "is_first_view": is_first_view,
        "pause": _pause(found, now=now) if found.is_under_way else None,
    }
    if found.state == Payment.State.SUCCEEDED:
        context["standing"] = outlook.stand(request.contract.pk, now=now)
    template = "billing/_payment.html" if request.GET.get("part") == "state" else "billing/payment.html"
    response = render(request, template, context)
    if is_first_view and found.state == Payment.State.PENDING and found.pay_url and not found.qr:
        response["Refresh"] = f"0; url={iri_to_uri(found.pay_url)}"
    return response


def _is_time_to_ask(payment: Payment, *, now: datetime) -> bool:
    try:
        limits.take(ASKED, str(payment.pk), now=now)
    except limits.LimitReached:
        return False
    return True


def _asked(payment: Payment, *, now: datetime) -> Payment:
    try:
        return payments.reread(payment.pk, now=now)
    except LookupError:
        log.warning("gateway_switched_off", gateway=payment.gateway, payment=payment.pk)
        return payment


def _pause(payment: Payment, *, now: datetime) -> int:
    minutes = (now - payment.created_at).total_seconds() / 60
    return next((pause for young, pause in PAUSES if minutes < young), LONGEST_PAUSE)


@require_safe
@contract_required
def history(request: SubscriberRequest) -> HttpResponse:
    form = PaymentsForm(request.GET)
    cursor = Cursor.parse(request.GET.get("cursor", ""))
    page = paging.page(form.chosen(payments.of(request.contract.pk)), cursor, PAGE_ROWS, time="created_at")
    chosen = {name: request.GET[name] for name in form.fields if request.GET.get(name)}
    context = {
        "form": form,
        "payments": page.rows,
        "is_filtered": bool(chosen),
        "older": urlencode(chosen | {"cursor": page.older}) if page.older else None,
        "newer": urlencode(chosen | {"cursor": page.newer}) if page.newer else None,
    }
    return render(request, "billing/payments.html", context, status=422 if form.errors else 200)


@require_safe
@contract_required
def receipt(request: SubscriberRequest, operation: UUID) -> HttpResponse:
    own = Receipt.objects.select_related("payment__account__contract", "payment__saved_method", "refund")
    found = get_object_or_404(own, operation=operation, payment__account=request.contract.pk)
    return render(request, "billing/receipt.html", {"receipt": found, "company": settings.COMPANY})
