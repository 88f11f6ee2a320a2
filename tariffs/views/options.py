"""Options in the cabinet: mine, what can be added, one of them with what it would cost, history."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import SubscriberRequest, contract_required
from tariffs import option_shelf, option_terms, pricing
from tariffs import options as verbs
from tariffs.forms.options import OptionForm, OrderForm
from tariffs.models import Family
from tariffs.option_shelf import Row, Shelf
from tariffs.option_terms import Quote

HISTORY_ROWS = 24
# In the order of the page; without a service last.
SERVICES = [*Family.values, ""]


@require_http_methods(["GET", "HEAD"])
@contract_required
def options(request: SubscriberRequest) -> HttpResponse:
    return _draw_list(request, now=timezone.now())


@require_http_methods(["GET", "HEAD", "POST"])
@contract_required
def option(request: SubscriberRequest, option_id: int) -> HttpResponse:
    """GET `quantity`, `choice`: what it would cost; POST: let it be so."""
    now = timezone.now()
    shelf = option_shelf.of(request.contract.pk, now=now)
    row = shelf.row(option_id)
    if row is None:
        raise Http404
    if request.method != "POST":
        return _draw(request, shelf, row, OptionForm(request.GET or None, row=row))
    order = OrderForm(request.POST)
    asked = OptionForm(request.POST, row=row)
    if not order.is_valid():
        return _draw(request, shelf, row, asked, refusal=order.fault)
    try:
        use = verbs.order(request.contract.pk, option_id=option_id, now=now, **order.cleaned_data)
    except verbs.OptionRefused as refusal:
        return _draw(request, shelf, row, asked, refusal=str(refusal))
    text = _("«%(name)s» is changed.") if row.current else _("«%(name)s» is switched on.")
    messages.success(request, text % {"name": use.option})
    return redirect("tariffs:options")


@require_POST
@contract_required
def option_off(request: SubscriberRequest, option_id: int) -> HttpResponse:
    now = timezone.now()
    try:
        use = verbs.switch_off(request.contract.pk, option_id=option_id, now=now)
    except verbs.OptionRefused as refusal:
        return _draw_list(request, now=now, refusal=str(refusal))
    messages.success(request, _("«%(name)s» works to the end of the month.") % {"name": use.option})
    return redirect("tariffs:options")


@require_POST
@contract_required
def option_keep(request: SubscriberRequest, option_id: int) -> HttpResponse:
    now = timezone.now()
    try:
        use = verbs.keep(request.contract.pk, option_id=option_id, now=now)
    except verbs.OptionRefused as refusal:
        return _draw_list(request, now=now, refusal=str(refusal))
    messages.success(request, _("«%(name)s» stays as it was.") % {"name": use.option})
    return redirect("tariffs:options")


def _draw_list(request: SubscriberRequest, *, now: datetime, refusal: str = "") -> HttpResponse:
    shelf = option_shelf.of(request.contract.pk, now=now)
    context = {
        "shelf": shelf,
        "account": shelf.standing.account,
        "refusal": refusal,
        "groups": _groups(shelf),
        "parts": pricing.parts(shelf.picture),
        "monthly": pricing.monthly(shelf.picture),
        "monthly_next": shelf.standing.months.fee(shelf.next_first),
        "history": shelf.history[:HISTORY_ROWS],
    }
    return render(request, "tariffs/options.html", context, status=422 if refusal else 200)


def _groups(shelf: Shelf) -> list[tuple[str, list[Quote]]]:
    """What can be added, by the service it needs."""

    def place(row: Row) -> int:
        return SERVICES.index(row.option.needs)

    rows = sorted(shelf.to_add, key=place)
    return [
        (_title(SERVICES[service]), [option_terms.least(shelf, row) for row in group])
        for service, group in groupby(rows, key=place)
    ]


def _title(service: str) -> str:
    return {
        Family.INTERNET.value: _("For the internet"),
        Family.TV.value: _("For television"),
        Family.TELEPHONY.value: _("For telephony"),
        Family.BUNDLE.value: _("For bundles"),
    }.get(service, _("For every tariff"))


def _draw(request: SubscriberRequest, shelf: Shelf, row: Row, form: OptionForm, refusal: str = "") -> HttpResponse:
    is_wrong = form.is_bound and not form.is_valid()
    quote = option_terms.quote(shelf, row, quantity=form.quantity, choice=form.choice)
    context: dict[str, Any] = {
        "shelf": shelf,
        "row": row,
        "form": form,
        "quote": quote,
        "order": OrderForm(initial={"quantity": quote.quantity, "choice": quote.choice, "seen": quote.total}),
        "account": shelf.standing.account,
        "refusal": refusal,
        "is_wrong": is_wrong,
    }
    return render(request, "tariffs/options_one.html", context, status=422 if refusal or is_wrong else 200)
