"""The promised payment: its terms, or why not and from when; what is open; what was."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.access import SubscriberRequest, contract_required
from billing import outlook, promise_terms, promises
from billing.forms.promise import PromiseForm
from billing.models import PromisedPayment
from billing.templatetags.money import rubles

SHOWN = 24


@require_http_methods(["GET", "HEAD", "POST"])
@contract_required
def promise(request: SubscriberRequest) -> HttpResponse:
    if request.method != "POST":
        return _draw(request, PromiseForm())
    form = PromiseForm(request.POST)
    if not form.is_valid():
        return _draw(request, PromiseForm(), refusal=form.errors["operation"].as_text().removeprefix("* "))
    try:
        granted = promises.grant(request.contract.pk, operation=form.cleaned_data["operation"], now=timezone.now())
    except promises.PromiseRefused as refusal:
        return _draw(request, PromiseForm(), refusal=str(refusal))
    messages.success(request, _("The promised payment of %(sum)s is given.") % {"sum": rubles(granted.amount)})
    return redirect("billing:promise")


def _draw(request: SubscriberRequest, form: PromiseForm, refusal: str = "") -> HttpResponse:
    now = timezone.now()
    standing = outlook.stand(request.contract.pk, now=now)
    past = list(promises.of(request.contract.pk)[:SHOWN])
    running = next((row for row in past if row.state == PromisedPayment.State.OPEN), None)
    pay = promises.to_pay(running, standing.own) if running else None
    context = {
        "form": form,
        "refusal": refusal,
        "account": standing.account,
        "terms": promises.quote(standing, past, now=now),
        "running": running,
        "pay": pay,
        "pay_sum": promise_terms.rounded_up(pay) if pay else None,
        "is_off": standing.contract.state == standing.contract.State.SUSPENDED_FOR_DEBT,
        "promises": past,
    }
    return render(request, "billing/promise.html", context, status=422 if refusal else 200)
