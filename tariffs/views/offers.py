"""Offers in the cabinet: what I took and what it saved, what I may take and what not and why, one with its months."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SubscriberRequest, contract_required
from tariffs import offer_shelf, offer_terms
from tariffs import offers as verbs
from tariffs.forms.offers import OfferForm
from tariffs.offer_shelf import Row, Shelf

HISTORY_ROWS = 24


@require_http_methods(["GET", "HEAD"])
@contract_required
def offers(request: SubscriberRequest) -> HttpResponse:
    shelf = offer_shelf.of(request.contract.pk, now=timezone.now())
    # One that was taken as often as it may be is among those taken.
    quotes = [offer_terms.quote(shelf, row) for row in shelf.rows if row.is_open and not row.is_used_up]
    context = {
        "shelf": shelf,
        "open": [quote for quote in quotes if not quote.is_locked],
        "locked": [quote for quote in quotes if quote.is_locked],
        "past": shelf.past[:HISTORY_ROWS],
    }
    return render(request, "tariffs/offers.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@contract_required
def offer(request: SubscriberRequest, offer_id: int) -> HttpResponse:
    """GET: what it would give, month by month; POST: take it."""
    now = timezone.now()
    shelf = offer_shelf.of(request.contract.pk, now=now, offer_id=offer_id)
    row = shelf.row(offer_id)
    if row is None:
        raise Http404
    if request.method != "POST":
        return _draw(request, shelf, row)
    form = OfferForm(request.POST)
    if not form.is_valid():
        return _draw(request, shelf, row, refusal=form.fault)
    try:
        verbs.take(request.contract.pk, offer_id=offer_id, now=now, **form.cleaned_data)
    except verbs.OfferRefused as refusal:
        return _draw(request, shelf, row, refusal=str(refusal))
    messages.success(request, _("The offer «%(name)s» is yours.") % {"name": row.offer})
    return redirect("tariffs:offers")


def _draw(request: SubscriberRequest, shelf: Shelf, row: Row, refusal: str = "") -> HttpResponse:
    quote = offer_terms.quote(shelf, row)
    context = {
        "shelf": shelf,
        "quote": quote,
        "form": OfferForm(initial={"seen": quote.seal}),
        "refusal": refusal,
    }
    return render(request, "tariffs/offers_one.html", context, status=422 if refusal else 200)
