"""When a pause may be, when it may end early, and why not: each reason with the date or the sum that lifts it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Contract
from accounts.templatetags.dates import day as written
from billing import shares
from billing.charges import Line
from billing.outlook import Standing
from billing.templatetags.money import rubles, short_rubles
from tariffs.models import Suspension
from tariffs.reasons import Reason
from tariffs.suspension_days import DAY, NOTHING, Span, spans_of, year_of
from tariffs.suspension_forecast import Forecast, Step, foresee


class SuspensionRefused(Exception):
    """The message gives every reason, each with the date or the sum that lifts it."""


@dataclass(frozen=True)
class Terms:
    """`lock` are reasons that no choice of days lifts; `reasons` are all, with those of the days chosen."""

    lock: list[Reason]
    reasons: list[Reason]
    forecast: Forecast | None = None

    @property
    def is_locked(self) -> bool:
        return bool(self.lock)

    def refuse_if_locked(self) -> None:
        if self.reasons:
            raise SuspensionRefused(" ".join(reason.text for reason in self.reasons))


def quote(standing: Standing, rows: Sequence[Suspension], pause: Span | None = None) -> Terms:
    """`rows` are all pauses of the contract; `pause` the days that are asked for."""
    lock = [*_of_contract(standing), *_to_come(rows)]
    if pause is None:
        return Terms(lock, lock)
    spans = spans_of(rows)
    wrong = [*_of_days(standing.today, spans, pause)]
    if lock or wrong:
        return Terms(lock, [*lock, *wrong])
    forecast = foresee(standing, spans, pause)
    return Terms(lock, list(_of_money(standing, forecast, pause)), forecast)


def _of_contract(standing: Standing) -> Iterator[Reason]:
    contract = standing.contract
    if contract.is_terminated:
        yield Reason(_("The contract has ended."))
        return
    is_off = contract.state == Contract.State.SUSPENDED_FOR_DEBT
    owed = max((standing.due if is_off else NOTHING) - standing.own, NOTHING)
    if owed:
        text = _("The account has a debt: put %(sum)s on it first, and the pause is possible.")
        yield Reason(text % {"sum": rubles(owed)}, missing=owed)
    elif is_off:
        yield Reason(_("The service returns within a minute; a pause is possible then."))
    if standing.promised_until:
        text = _("A promised payment is open: a pause is possible once it is paid, or from %(date)s.")
        from_when = timezone.localdate(standing.promised_until)
        yield Reason(text % {"date": written(from_when)}, from_when=from_when)
    if not standing.months.parts(standing.today):
        yield Reason(_("There is no tariff to pause."))


def _to_come(rows: Iterable[Suspension]) -> Iterator[Reason]:
    for row in rows:
        days = {"first": written(row.starts_on), "last": written(row.ends_on), "next": written(row.ends_on + DAY)}
        if row.state == Suspension.State.PLANNED:
            text = _("A pause from %(first)s to %(last)s is planned already: cancel it to choose other days.")
            yield Reason(text % days, from_when=row.ends_on + DAY)
        if row.state == Suspension.State.RUNNING:
            text = _("The service is paused until %(last)s: the next is possible from %(next)s.")
            yield Reason(text % days, from_when=row.ends_on + DAY)


def _of_days(today: date, spans: Sequence[Span], pause: Span) -> Iterator[Reason]:
    tomorrow, latest = today + DAY, today + timedelta(days=settings.SUSPENSION_AHEAD_DAYS)
    if pause.first < tomorrow:
        yield Reason(
            _("A pause begins tomorrow at the earliest, on %(date)s.") % {"date": written(tomorrow)}, from_when=tomorrow
        )
        return
    if pause.first > latest:
        yield Reason(
            _("A pause begins on %(date)s at the latest; later ones are planned later.") % {"date": written(latest)}
        )
        return
    least = int(settings.SUSPENSION_DAYS_LEAST)
    if pause.days < least:
        enough = pause.first + timedelta(days=least - 1)
        text = ngettext(
            "A pause is at least %(count)d day long: until %(date)s or later.",
            "A pause is at least %(count)d days long: until %(date)s or later.",
            least,
        )
        yield Reason(text % {"count": least, "date": written(enough)}, from_when=enough)
        return
    yield from _of_years(spans, pause)


def _of_years(spans: Sequence[Span], pause: Span) -> Iterator[Reason]:
    for year in range(pause.first.year, pause.last.year + 1):
        left = year_of(spans, year).left
        if pause.within(year) <= left:
            continue
        first = max(pause.first, date(year, 1, 1))
        if left == 0:
            next_year = date(year + 1, 1, 1)
            text = _("All days of pause of %(year)d are used: the next ones are possible from %(date)s.")
            yield Reason(text % {"year": year, "date": written(next_year)}, from_when=next_year)
            return
        last = first + timedelta(days=left - 1)
        text = ngettext(
            "In %(year)d there is %(count)d day of pause left: until %(date)s at the latest.",
            "In %(year)d there are %(count)d days of pause left: until %(date)s at the latest.",
            left,
        )
        yield Reason(text % {"year": year, "count": left, "date": written(last)}, from_when=last)
        return


def _of_money(standing: Standing, forecast: Forecast, pause: Span) -> Iterator[Reason]:
    """The paid days must be covered by what is there, and by what is returned of a month that is paid already."""
    is_this_month = shares.first_of_month(pause.first) == shares.first_of_month(standing.today)
    returned = forecast.returned if is_this_month and standing.is_month_charged else NOTHING
    missing = forecast.fee - returned - standing.own
    if forecast.fee and missing > 0:
        text = _("The paid days cost %(fee)s, and %(missing)s is missing for them: top up first.")
        yield Reason(text % {"fee": rubles(forecast.fee), "missing": rubles(missing)}, missing=missing)


# --- Ending early


@dataclass(frozen=True)
class Ending:
    """An end from tomorrow. `again` is charged at once, `month` on the day of the return."""

    returns_on: date
    again: list[Line]
    month: list[Line]
    reasons: list[Reason]

    def steps(self, standing: Standing) -> list[Step]:
        again = [(standing.today, line) for line in self.again]
        return Forecast(again=again, returns=[(self.returns_on, line) for line in self.month]).steps(standing)

    @property
    def cost(self) -> Decimal:
        return -sum((line.amount for line in [*self.again, *self.month]), NOTHING)

    def refuse_if_locked(self) -> None:
        if self.reasons:
            raise SuspensionRefused(" ".join(reason.text for reason in self.reasons))


def ending(standing: Standing, pause: Suspension, again: list[Line], *, is_charged: bool) -> Ending:
    """`again` are the days given back that would be used after all; `is_charged` is the month of the return."""
    returns_on = standing.today + DAY
    month = [] if is_charged else standing.lines(returns_on)
    cost = -sum((line.amount for line in [*again, *month]), NOTHING)
    reasons = []
    if pause.ends_on <= standing.today:
        reasons.append(Reason(_("The pause ends today: the service returns tomorrow by itself."), from_when=returns_on))
    elif cost > standing.own and cost:
        missing = cost - standing.own
        text = _("The days from %(date)s cost %(cost)s, and %(missing)s is missing: top up first.")
        words = {"date": written(returns_on), "cost": rubles(cost), "missing": rubles(missing)}
        reasons.append(Reason(text % words, missing=missing))
    return Ending(returns_on, again, month, reasons)


def rules() -> list[str]:
    """The rules in plain words, with the numbers in force."""
    least, most = int(settings.SUSPENSION_DAYS_LEAST), int(settings.SUSPENSION_DAYS_MOST)
    return [
        _("A pause begins tomorrow or later and lasts from %(least)d to %(most)d days in a calendar year.")
        % {"least": least, "most": most},
        _("The first %(free)d days of pause in a calendar year are free; each further day costs %(fee)s.")
        % {"free": settings.SUSPENSION_FREE_DAYS, "fee": short_rubles(Decimal(settings.SUSPENSION_DAY_FEE))},
        _("The monthly fee of these days, with options and discounts, is returned to the account by days."),
        _("Options are paused with the tariff. A running turbo boost is stopped, and its unused full hours returned."),
        _("A switch of tariff planned for a day of the pause is done when the service returns."),
        _("The months of an offer go on: what falls into the pause is not added at its end."),
        _("You may end it early, from the next day on; then the days that are used after all are charged again."),
    ]
