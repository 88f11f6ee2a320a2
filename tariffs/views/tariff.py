"""The tariff in the cabinet: mine, what may be chosen and why not the others, the switch itself, the history."""

from __future__ import annotations

from datetime import datetime
from itertools import groupby

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import SubscriberRequest, contract_required
from accounts.templatetags.dates import day as written
from tariffs import switch_choices, switching
from tariffs.forms.tariff import FIRST, CancelForm, SwitchForm, WhenForm
from tariffs.models import Switch
from tariffs.switch_choices import Choice
from tariffs.switch_lines import Ground, When
from tariffs.switching import SwitchRefused

# Those that were done are seen in the tariffs of the past.
NOT_DONE = (Switch.State.CANCELLED, Switch.State.REPLACED, Switch.State.FAILED)


@require_http_methods(["GET", "HEAD"])
@contract_required
def tariff(request: SubscriberRequest) -> HttpResponse:
    """`?part=mine` is the tariff of now and the one planned alone, for an open page."""
    return _page(request, now=timezone.now())


@require_http_methods(["GET", "HEAD", "POST"])
@contract_required
def switch(request: SubscriberRequest, tariff_id: int) -> HttpResponse:
    """GET shows what a switch would cost, `?when=now|first|date&on=`; POST does what was seen."""
    now = timezone.now()
    ground = switching.ground(request.contract.pk, now=now, also=tariff_id)
    if tariff_id not in ground.holding.tariffs:
        raise Http404
    if request.method == "POST":
        return _take(request, ground, tariff_id, now=now)
    asked = request.GET if "when" in request.GET else {"when": FIRST}
    return _confirm(request, ground, tariff_id, WhenForm(asked, today=ground.today))


@require_POST
@contract_required
def cancel(request: SubscriberRequest) -> HttpResponse:
    form, now = CancelForm(request.POST), timezone.now()
    if not form.is_valid():
        return _page(request, now=now, refusal=_("There is no such switch."))
    try:
        cancelled = switching.cancel(request.contract.pk, switch_id=form.cleaned_data["switch"], now=now)
    except SwitchRefused as refusal:
        return _page(request, now=now, refusal=str(refusal))
    messages.success(request, _("The switch to «%(tariff)s» is cancelled.") % {"tariff": cancelled.tariff})
    return redirect("tariffs:tariff")


# --- All tariffs


def _page(request: SubscriberRequest, *, now: datetime, refusal: str = "") -> HttpResponse:
    ground = switching.ground(request.contract.pk, now=now)
    choices = switch_choices.of(ground)
    planned = ground.holding.planned
    context = {
        "refusal": refusal,
        "account": ground.standing.account,
        "mine": switch_choices.mine(ground),
        "planned": planned,
        "why_not_cancelled": switching.why_not_cancelled(planned) if planned else "",
        "locks": switch_choices.locks(ground),
        "families": [(name, list(some)) for name, some in groupby(choices, key=_family)],
        "has_others": any(not choice.is_mine for choice in choices),
        "periods": [period for period in ground.holding.periods if period.until != period.since],
        "switches": [row for row in ground.holding.switches if row.state in NOT_DONE],
    }
    template = "tariffs/_tariff_state.html" if request.GET.get("part") == "mine" else "tariffs/tariff.html"
    return render(request, template, context, status=422 if refusal else 200)


def _family(choice: Choice) -> str:
    return str(choice.tariff.get_family_display())


# --- One of them


def _take(request: SubscriberRequest, ground: Ground, tariff_id: int, *, now: datetime) -> HttpResponse:
    form = SwitchForm(request.POST, today=ground.today)
    if not form.is_valid():
        return _confirm(request, ground, tariff_id, form, refusal=form.refusal())
    try:
        done = _do(request.contract.pk, tariff_id, form, now=now)
    except SwitchRefused as refusal:
        # The money may have moved since the page was asked for.
        ground = switching.ground(request.contract.pk, now=now, also=tariff_id)
        return _confirm(request, ground, tariff_id, form, refusal=str(refusal))
    _say(request, done)
    return redirect("tariffs:tariff")


def _do(contract_id: int, tariff_id: int, form: SwitchForm, *, now: datetime) -> Switch:
    seen = {name: form.cleaned_data[name] for name in ("operation", "seal")}
    when = form.chosen()
    assert when
    if when.is_at_once:
        return switching.switch_now(contract_id, tariff_id=tariff_id, now=now, **seen)
    return switching.plan(contract_id, tariff_id=tariff_id, on=when.on, now=now, **seen)


def _say(request: SubscriberRequest, done: Switch) -> None:
    words = {"tariff": done.tariff, "date": written(done.on)}
    if done.state == Switch.State.DONE:
        messages.success(request, _("Your tariff is «%(tariff)s» now.") % words)
    elif done.state == Switch.State.PLANNED:
        messages.success(request, _("Your tariff changes to «%(tariff)s» on %(date)s.") % words)


def _confirm(
    request: SubscriberRequest, ground: Ground, tariff_id: int, form: WhenForm, refusal: str = ""
) -> HttpResponse:
    tariff, chosen = ground.holding.tariffs[tariff_id], form.chosen()
    terms = switching.quote(ground, tariff, chosen) if chosen else None
    context = {
        "account": ground.standing.account,
        "tariff": tariff,
        "fee": switch_choices.fee_of(tariff, ground.today),
        "mine": ground.tariff,
        "my_fee": switch_choices.fee_of(ground.tariff, ground.today),
        "form": form,
        "at_once": switching.quote(ground, tariff, When.now(ground.today)),
        "first": switching.quote(ground, tariff, When.next_month(ground.today)),
        "terms": terms,
        "refusal": refusal,
        "confirm": SwitchForm(initial={"seal": terms.seal}, today=ground.today) if terms else None,
    }
    return render(request, "tariffs/tariff_switch.html", context, status=200 if terms and not refusal else 422)
