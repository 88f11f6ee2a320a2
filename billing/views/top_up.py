"""Topping up: the form, and what a sum would give."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from accounts.access import SubscriberRequest, contract_required
from accounts.models import Contract
from billing import outlook, payments, recommended, ways
from billing.forms.fields import SumField
from billing.forms.top_up import TopUpForm
from billing.models import Payment
from billing.ways import Way

TERMINALS = {"osmp", "sber"}
FIELDS = {"amount": "sum"}  # the form's names of what a refusal names


class Desk:
    """What a top-up of this contract starts from."""

    def __init__(self, contract: Contract, *, now: datetime) -> None:
        self.contract = contract
        self.standing = outlook.stand(contract.pk, now=now)
        self.account = self.standing.account
        self.recommended = recommended.sum_for(self.standing.outlook)

    def last_payment(self) -> Payment | None:
        own = self.account.payments.exclude(method=Payment.Method.TERMINAL)
        return own.order_by("-created_at", "-pk").first()

    def ways(self) -> list[Way]:
        return ways.offered(self.account.payment_methods.usable())


@require_http_methods(["GET", "HEAD", "POST"])
@contract_required
def top_up(request: SubscriberRequest) -> HttpResponse:
    """`?sum=` and `?method=` choose beforehand; `?part=after` is only what a sum gives, for an open page."""
    desk = Desk(request.contract, now=timezone.now())
    if request.GET.get("part") == "after":
        return _show_after(request, desk)
    if refusal := payments.refusal(request.contract):
        return _refuse(request, refusal)
    if request.method == "POST":
        return _take(request, desk)
    amount, fault = _sum_asked_for(request, desk)
    offered = desk.ways()
    form = TopUpForm(ways=offered, initial=_initial(request, desk, offered, amount))
    return _draw(request, desk, form, amount=amount, fault=fault, status=422 if fault else 200)


def _take(request: SubscriberRequest, desk: Desk) -> HttpResponse:
    form = TopUpForm(request.POST, ways=desk.ways())
    if not form.is_valid():
        return _draw(request, desk, form, amount=form.cleaned_data.get("sum"), status=422)
    try:
        payment = _begin(request.contract, form, now=timezone.now())
    except payments.PaymentRefused as refusal:
        form.add_error(FIELDS.get(refusal.field, refusal.field) or None, str(refusal))
        return _draw(request, desk, form, amount=form.cleaned_data.get("sum"), status=422)
    # The way on to the bank begins at the next page: `form-action` lets no form of ours end on another site.
    return HttpResponseRedirect(f"{payment_address(payment)}?go=1", status=303)


def _begin(contract: Contract, form: TopUpForm, *, now: datetime) -> Payment:
    way = form.way
    payment = payments.open_payment(
        contract.pk,
        operation=form.cleaned_data["operation"],
        amount=form.cleaned_data["sum"],
        gateway=way.gateway,
        method=way.method,
        contact=form.cleaned_data["contact"],
        wants_saving=form.wants_saving,
        saved_method=way.saved,
        now=now,
    )
    return payments.start(payment.pk, now=now)


def payment_address(payment: Payment) -> str:
    return reverse("billing:payment", kwargs={"operation": payment.operation})


def _sum_asked_for(request: SubscriberRequest, desk: Desk) -> tuple[Decimal, str]:
    """The sum of the address, else the recommended one; and what is wrong with the address's."""
    text = request.GET.get("sum")
    if not text:
        return desk.recommended.amount, ""
    try:
        return SumField().clean(text), ""
    except ValidationError as error:
        return desk.recommended.amount, " ".join(error.messages)


def _initial(request: SubscriberRequest, desk: Desk, offered: Sequence[Way], amount: Decimal) -> dict[str, Any]:
    """As it was the last time, where that is still possible."""
    last, subscriber = desk.last_payment(), desk.contract.subscriber
    codes = [way.code for way in offered]
    wanted = [request.GET.get("method"), ways.code_of(last), *codes]
    contact = (last.contact if last else "") or subscriber.email or str(subscriber.phone)
    return {"sum": amount, "contact": contact, "method": next((code for code in wanted if code in codes), None)}


def _show_after(request: SubscriberRequest, desk: Desk) -> HttpResponse:
    amount, fault = _sum_asked_for(request, desk)
    context = {"after": None if fault else desk.standing.after(amount), "fault": fault}
    return render(request, "billing/_after.html", context, status=422 if fault else 200)


def _draw(
    request: SubscriberRequest,
    desk: Desk,
    form: TopUpForm,
    *,
    amount: Decimal | None,
    fault: str = "",
    status: int,
) -> HttpResponse:
    context = {
        "form": form,
        "account": desk.account,
        "recommended": desk.recommended,
        "presets": recommended.presets(desk.recommended),
        "amount": amount,
        "after": desk.standing.after(amount) if amount else None,
        "fault": fault,
        "terminals": TERMINALS & set(settings.PAYMENT_GATEWAYS),
    }
    return render(request, "billing/top_up.html", context, status=status)


def _refuse(request: SubscriberRequest, refusal: str) -> HttpResponse:
    context = {"refusal": refusal}
    return render(request, "billing/top_up.html", context, status=422 if request.method == "POST" else 200)
