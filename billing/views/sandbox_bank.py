"""The demo bank's own page: it looks like another site, and the payer chooses what happens."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from billing.forms.sandbox_bank import CardForm, Outcome, OutcomeForm
from billing.gateways.sandbox import bank
from billing.models import BankPayment, Payment
from billing.tasks import deliver_bank_notices

PAYS = [Outcome.CONFIRM, Outcome.LATE, Outcome.TWICE, Outcome.STAY]


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def pay(request: HttpRequest, number: UUID) -> HttpResponse:
    if "sandbox" not in settings.PAYMENT_GATEWAYS:
        raise Http404
    now = timezone.now()
    bank.settle_due(now=now)
    payment = get_object_or_404(BankPayment, pk=number)
    kind = CardForm if payment.method == Payment.Method.CARD else OutcomeForm
    form = kind(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        return _act(payment, form, now=now)
    context = {
        "payment": payment,
        "form": form,
        "is_open": payment.status == BankPayment.Status.WAITING and payment.confirm_at is None,
        "is_card": payment.method == Payment.Method.CARD,
        "pays": [(choice.value, choice.label) for choice in PAYS],
    }
    return render(request, "billing/sandbox_bank.html", context, status=422 if form.errors else 200)


def _act(payment: BankPayment, form: OutcomeForm, *, now: datetime) -> HttpResponse:
    _decide(payment, form, now=now)
    deliver_bank_notices.delay_on_commit()  # type: ignore[attr-defined]
    if form.cleaned_data["outcome"] == Outcome.STAY or not payment.return_url:
        return redirect("billing:sandbox_bank", number=payment.number)
    return HttpResponseRedirect(payment.return_url, status=303)


def _decide(payment: BankPayment, form: OutcomeForm, *, now: datetime) -> None:
    card = form.cleaned_data.get("card", "")[-4:]
    match form.cleaned_data["outcome"]:
        case Outcome.CONFIRM | Outcome.STAY:
            bank.confirm(payment.number, card=card, now=now)
        case Outcome.TWICE:
            bank.confirm(payment.number, card=card, notices=2, now=now)
        case Outcome.LATE:
            bank.confirm_late(payment.number, card=card, now=now)
        case Outcome.DECLINE:
            bank.decline(payment.number, failure=form.cleaned_data["reason"] or "declined", now=now)
        case Outcome.LEAVE:
            bank.decline(payment.number, failure="left", now=now)
