"""The turbo button: the speed now, packages and why not, what a press will charge, the presses so far."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import SubscriberRequest, contract_required
from accounts.templatetags.dates import moment
from billing.templatetags.money import rubles
from tariffs import turbo as verbs
from tariffs import turbo_terms
from tariffs.forms.turbo import ChoiceForm, PressForm, StopForm, first_error
from tariffs.models import Press
from tariffs.turbo import TurboRefused
from tariffs.turbo_terms import Ground, Quote

SHOWN, READ = 24, 100  # presses


@require_http_methods(["GET", "HEAD", "POST"])
@contract_required
def turbo(request: SubscriberRequest) -> HttpResponse:
    """`?package=3` shows what that press would charge; `?part=state` is the speed now alone, for an open page."""
    if request.method == "POST":
        return _press(request)
    if not request.GET.get("package"):
        return _draw(request)
    choice = ChoiceForm(request.GET)
    if not choice.is_valid():
        return _draw(request, refusal=first_error(choice))
    return _draw(request, choice=choice.cleaned_data)


def _press(request: SubscriberRequest) -> HttpResponse:
    form = PressForm(request.POST)
    if not form.is_valid():
        return _draw(request, refusal=first_error(form))
    seen = form.cleaned_data
    try:
        pressed = verbs.press(
            request.contract.pk,
            package_id=seen["package"],
            is_free=seen["free"],
            seen_price=seen["price"],
            operation=seen["operation"],
            now=timezone.now(),
        )
    except TurboRefused as refusal:
        return _draw(request, choice=seen, refusal=str(refusal))
    messages.success(request, _("Turbo is on until %(time)s.") % {"time": moment(pressed.boost.ends_at)})
    return redirect("tariffs:turbo")


@require_POST
@contract_required
def turbo_stop(request: SubscriberRequest) -> HttpResponse:
    form = StopForm(request.POST)
    if not form.is_valid():
        return _draw(request, refusal=first_error(form))
    seen, now = form.cleaned_data, timezone.now()
    try:
        boost = verbs.stop(request.contract.pk, boost_id=seen["boost"], seen_hours=seen["hours"], now=now)
    except TurboRefused as refusal:
        return _draw(request, refusal=str(refusal))
    lines = verbs.back_lines(boost, now=boost.finished_at or now)
    told = _("Turbo is stopped. %(sum)s came back.") if lines else _("Turbo is stopped. Nothing came back.")
    messages.success(request, told % {"sum": rubles(sum(line.amount for line in lines))} if lines else told)
    return redirect("tariffs:turbo")


def _draw(request: SubscriberRequest, *, choice: dict[str, Any] | None = None, refusal: str = "") -> HttpResponse:
    now = timezone.now()
    ground = verbs.ground(request.contract.pk, now=now)
    presses = list(verbs.presses_of(request.contract.pk)[:READ])
    context = {"ground": ground, "stands": ground.stands, "now": now, **_stopping(ground, presses, now)}
    if request.GET.get("part") == "state":
        return render(request, "tariffs/_turbo_state.html", context)
    quotes = [turbo_terms.quote(ground, package) for package in ground.packages]
    gifts = [turbo_terms.quote(ground, package, is_free=True) for package in ground.packages if ground.free_left]
    if choice:
        chosen = _chosen(gifts if choice["free"] else quotes, choice["package"])
        refusal = refusal or ("" if chosen else _("This package is not offered any more."))
        context |= {"chosen": chosen, "form": _form(chosen)}
    context |= {
        "refusal": refusal,
        "account": ground.account,
        "quotes": [(quote, gifts[place] if gifts else None) for place, quote in enumerate(quotes)],
        "presses": presses[:SHOWN],
    }
    return render(request, "tariffs/turbo.html", context, status=422 if refusal else 200)


def _chosen(quotes: list[Quote], package_id: int) -> Quote | None:
    return next((quote for quote in quotes if quote.package.pk == package_id and not quote.is_locked), None)


def _form(chosen: Quote | None) -> PressForm | None:
    if chosen is None:
        return None
    package = chosen.package
    return PressForm(initial={"package": package.pk, "free": chosen.is_free, "price": package.price})


def _stopping(ground: Ground, presses: list[Press], now: datetime) -> dict[str, Any]:
    """What stopping would give back; the presses of a boost are among the newest, nearly always all of them."""
    boost = ground.boost
    if boost is None:
        return {}
    own = [press for press in presses if press.boost_id == boost.pk]
    lines = turbo_terms.back_lines(boost, own, now) if len(own) < READ else verbs.back_lines(boost, now=now)
    hours = turbo_terms.unused_hours(boost, now)
    return {
        "back": sum(line.amount for line in lines),
        "unused": hours,
        "stop_form": StopForm(initial={"boost": boost.pk, "hours": hours}),
    }
