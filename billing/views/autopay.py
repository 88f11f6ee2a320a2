"""Autopay in the cabinet: switched on with a consent, changed, switched off; the saved cards."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_UP, Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import SubscriberRequest, contract_required
from accounts.models import Contract
from billing import autopay, outlook, payments, saved_methods
from billing.forms.autopay import AutopayForm
from billing.models import Account, Autopay, PaymentMethod

HISTORY_ROWS = 24  # two years; older ones are among all payments
LIMIT_STEP, USUAL_LIMIT = Decimal(100), Decimal(1000)  # rubles


class Desk:
    """What the page shows of a contract."""

    def __init__(self, contract: Contract, *, now: datetime) -> None:
        self.contract = contract
        accounts = Account.objects.select_related("autopay__method").filter(pk=contract.pk)
        standing = next(outlook.each(accounts, now=now))
        self.autopay: Autopay | None = getattr(standing.account, "autopay", None)
        self.plan = autopay.plan(standing)
        self.fee = standing.months.fee(self.plan.charge_on)
        self.cards = list(PaymentMethod.objects.usable().filter(account=contract.pk))

    @property
    def is_on(self) -> bool:
        return bool(self.autopay and self.autopay.is_on)

    @property
    def is_over_limit(self) -> bool:
        return bool(self.autopay and self.plan.amount > self.autopay.limit)

    def initial(self) -> dict[str, Any]:
        """As it is or was, else as the subscriber is likely to want it."""
        card = self.cards[0].pk if self.cards else None
        if self.autopay:
            is_kept = self.autopay.method_id in [each.pk for each in self.cards]
            card = self.autopay.method_id if is_kept else card
            return {"card": card, "limit": self.autopay.limit, "contact": self.autopay.contact}
        subscriber = self.contract.subscriber
        return {"card": card, "limit": self._likely_limit(), "contact": subscriber.email or str(subscriber.phone)}

    def _likely_limit(self) -> Decimal:
        if not self.fee:
            return USUAL_LIMIT
        return (self.fee / LIMIT_STEP).to_integral_value(ROUND_UP) * LIMIT_STEP


@require_http_methods(["GET", "HEAD", "POST"])
@contract_required
def page(request: SubscriberRequest) -> HttpResponse:
    now = timezone.now()
    desk = Desk(request.contract, now=now)
    form = AutopayForm(request.POST if request.method == "POST" else None, cards=desk.cards, initial=desk.initial())
    if request.method == "POST" and form.is_valid() and _turn_on(request, form, now=now):
        return redirect("billing:autopay")
    automatic = payments.of(request.contract.pk).filter(is_automatic=True).prefetch_related(None)
    context = {
        "desk": desk,
        "form": form,
        "refusal": autopay.refusal(request.contract),
        "words": autopay.consent_words(),
        "payments": automatic[:HISTORY_ROWS],
    }
    return render(request, "billing/autopay.html", context, status=422 if form.errors else 200)


def _turn_on(request: SubscriberRequest, form: AutopayForm, *, now: datetime) -> bool:
    agreed = form.cleaned_data
    try:
        autopay.turn_on(
            request.contract.pk,
            method_id=agreed["card"],
            limit=agreed["limit"],
            contact=agreed["contact"],
            consent=autopay.consent_words(),
            now=now,
        )
    except autopay.AutopayRefused as refusal:
        form.add_error(None, str(refusal))
        return False
    messages.success(request, _("Autopay is on. You can switch it off here at any time."))
    return True


@require_POST
@contract_required
def turn_off(request: SubscriberRequest) -> HttpResponse:
    autopay.turn_off(request.contract.pk, now=timezone.now())
    messages.success(request, _("Autopay is off: the card is not charged by itself any more."))
    return redirect("billing:autopay")


@require_POST
@contract_required
def forget_card(request: SubscriberRequest) -> HttpResponse:
    """POST `card`: the number of a saved card of the contract."""
    card = request.POST.get("card", "")
    try:
        card_id = int(card) if card.isascii() and card.isdigit() and len(card) < 18 else 0
        removed = saved_methods.forget(request.contract.pk, method_id=card_id, now=timezone.now())
    except saved_methods.NoSuchMethod as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("The card %(card)s is removed.") % {"card": removed})
    return redirect("billing:autopay")
