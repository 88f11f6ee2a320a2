"""The pause at one's wish: choosing its days with what they cost, giving it up, ending it early."""

from __future__ import annotations

from calendar import Calendar
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.contrib import messages
from django.forms import Form
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import SubscriberRequest, contract_required
from accounts.templatetags.dates import day as written
from billing import outlook, shares
from billing.templatetags.money import short_rubles
from tariffs import suspension as pauses
from tariffs import suspension_calendar, suspension_terms
from tariffs.forms.suspension import EARLIEST, LATEST, DaysForm, MonthForm, PauseForm, WhichForm
from tariffs.models import Suspension
from tariffs.suspension_calendar import Choice
from tariffs.suspension_days import Span, spans_of, year_of
from tariffs.suspension_forecast import Step, foresee

SHOWN = 24
State = Suspension.State


@require_http_methods(["GET", "HEAD", "POST"])
@contract_required
def suspension(request: SubscriberRequest) -> HttpResponse:
    """`?first=` and `?last=` choose days to look at, `?month=` turns the calendar."""
    if request.method != "POST":
        form = DaysForm(request.GET) if {"first", "last"} & request.GET.keys() else DaysForm()
        return _draw(request, form)
    form = PauseForm(request.POST)
    if not form.is_valid():
        return _draw(request, form, refusal=_fault(form, "operation"))
    days = {name: form.cleaned_data[name] for name in ("first", "last", "operation")}
    try:
        pause = pauses.plan(request.contract.pk, **days, now=timezone.now())
    except pauses.SuspensionRefused as refusal:
        return _draw(request, form, refusal=str(refusal))
    text = _("The pause from %(first)s to %(last)s is planned.")
    messages.success(request, text % {"first": written(pause.starts_on), "last": written(pause.ends_on)})
    return redirect("tariffs:suspension")


@require_POST
@contract_required
def suspension_cancel(request: SubscriberRequest) -> HttpResponse:
    return _do(request, pauses.cancel, _("The pause is cancelled: the service runs on."))


@require_POST
@contract_required
def suspension_end(request: SubscriberRequest) -> HttpResponse:
    return _do(request, pauses.end_early, _("The service returns tomorrow."))


def _do(request: SubscriberRequest, verb: Callable[..., Suspension], success: str) -> HttpResponse:
    form = WhichForm(request.POST)
    if not form.is_valid():
        return _draw(request, DaysForm(), refusal=_fault(form, "suspension"))
    pause = pauses.of(request.contract.pk).filter(pk=form.cleaned_data["suspension"]).first()
    if pause is None:
        raise Http404
    try:
        verb(pause.pk, now=timezone.now())
    except pauses.SuspensionRefused as refusal:
        return _draw(request, DaysForm(), refusal=str(refusal))
    messages.success(request, success)
    return redirect("tariffs:suspension")


def _fault(form: Form, field: str) -> str:
    return " ".join(str(error) for error in form.errors.get(field, []))


def _draw(request: SubscriberRequest, form: DaysForm, refusal: str = "") -> HttpResponse:
    now = timezone.now()
    standing, rows = outlook.stand(request.contract.pk, now=now), list(pauses.of(request.contract.pk))
    to_come = next((row for row in rows if row.state in (State.PLANNED, State.RUNNING)), None)
    pause = _pause_of(form)
    terms = suspension_terms.quote(standing, rows, pause)
    choice = Choice(
        standing.today,
        spans_of(rows),
        first=pause.first if pause else _day_of(form, "first"),
        last=pause.last if pause else None,
        is_open=not terms.lock,
    )
    ending = pauses.ending(to_come, standing) if to_come and to_come.state == State.RUNNING else None
    context = {
        "form": form,
        "refusal": refusal,
        "standing": standing,
        "account": standing.account,
        "pause": pause,
        "terms": terms,
        "steps": terms.forecast.steps(standing) if terms.forecast else [],
        "order": PauseForm(initial={"first": pause.first, "last": pause.last}) if pause else None,
        "to_come": to_come,
        "to_come_steps": _steps_to_come(standing, rows, to_come),
        "ending": ending,
        "ending_steps": ending.steps(standing) if ending else [],
        "years": [year_of(spans_of(rows), standing.today.year + ahead) for ahead in range(2)],
        "rules": suspension_terms.rules(),
        "past": [row for row in rows if row.state in (State.OVER, State.CANCELLED)][:SHOWN],
        **_calendar(request, choice),
    }
    return render(request, "tariffs/suspension.html", context, status=422 if refusal or form.errors else 200)


def _pause_of(form: DaysForm) -> Span | None:
    """The days that are chosen, once both are."""
    first, last = _day_of(form, "first"), _day_of(form, "last")
    return Span(first, last) if first and last else None


def _day_of(form: DaysForm, name: str) -> date | None:
    day: date | None = form.cleaned_data.get(name) if form.is_bound and form.is_valid() else None
    return day


def _steps_to_come(standing: outlook.Standing, rows: list[Suspension], pause: Suspension | None) -> list[Step]:
    if pause is None or pause.state != State.PLANNED:
        return []
    others = spans_of(row for row in rows if row.pk != pause.pk)
    return foresee(standing, others, Span(pause.starts_on, pause.ends_on)).steps(standing)


def _calendar(request: SubscriberRequest, choice: Choice) -> dict[str, object]:
    form = MonthForm(request.GET)
    asked: date | None = form.cleaned_data["month"] if form.is_valid() else None
    if asked is None or not EARLIEST <= asked < LATEST:
        asked = choice.first or choice.earliest
    month = shares.first_of_month(asked)
    before, after = suspension_calendar.turned(choice, month)
    return {
        "choice": choice,
        "sheets": suspension_calendar.sheets(choice, month),
        "before": before,
        "after": after,
        "weekdays": Calendar().monthdatescalendar(month.year, month.month)[0],
        "day_fee": short_rubles(Decimal(settings.SUSPENSION_DAY_FEE)),
    }
