"""Why a switch of tariff is not possible, and from which day or with which sum it would be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import Contract
from accounts.templatetags.dates import day as written
from billing import promise_terms, shares
from billing.templatetags.money import rubles
from tariffs import holding
from tariffs.holding import Pause
from tariffs.models import Switch, Tariff
from tariffs.switch_lines import Ground, When, days

State = Contract.State
NOTHING = Decimal(0)


class SwitchRefused(Exception):
    """The message gives the subscriber every reason, each with the date or the sum that lifts it."""


@dataclass(frozen=True)
class Reason:
    """Why not, in the subscriber's words; from which day or with which sum it would be possible."""

    code: str
    text: str
    from_when: date | None = None
    from_sum: Decimal | None = None

    @property
    def to_top_up(self) -> Decimal | None:
        """The sum that the link to the top-up carries."""
        return promise_terms.rounded_up(self.from_sum) if self.from_sum else None


def of(ground: Ground, tariff: Tariff, when: When, *, missing: Decimal, by_staff: bool) -> Iterator[Reason]:
    """Of a switch that is asked for; nothing when it is possible."""
    locks = list(of_contract(ground, by_staff=by_staff))
    yield from locks
    yield from _of_tariff(ground, tariff, when.on)
    yield from _of_day(ground, tariff, when)
    if when.is_at_once and missing and not locks:
        yield _of_money(missing)


def of_due(ground: Ground, tariff: Tariff, since: date, *, missing: Decimal) -> Iterator[Reason]:
    """Of a planned switch whose day has come."""
    locks = list(of_contract(ground, by_staff=True))
    yield from locks
    yield from _of_tariff(ground, tariff, since)
    if missing and not locks:
        yield _of_money(missing)


def of_first(ground: Ground, tariff: Tariff) -> Iterator[Reason]:
    """Of giving a contract its first tariff today, in the words of staff."""
    contract, begun = ground.standing.contract, ground.standing.contract.started_on
    if contract.is_terminated:
        yield Reason("ended", _("The contract has ended."))
    if begun > ground.today:
        text = _("The contract begins on %(date)s: a tariff can be given from that day.")
        yield Reason("early", text % {"date": written(begun)}, from_when=begun)
    if any(period.until is None for period in ground.holding.periods):
        yield Reason("has_tariff", _("The contract has a tariff already: plan a switch instead."))
        return
    yield from _of_tariff(ground, tariff, ground.today)


def of_contract(ground: Ground, *, by_staff: bool = False) -> Iterator[Reason]:
    """What locks every tariff."""
    contract = ground.standing.contract
    if contract.is_terminated:
        yield Reason("ended", _("The contract has ended."))
    elif ground.tariff is None:
        text = _("The contract has no tariff yet. Call us: %(phone)s.")
        yield Reason("no_tariff", text % {"phone": settings.TECHNICAL_PHONE})
    elif contract.state == State.SUSPENDED_BY_WISH:
        yield _paused(ground.holding.pause)
    else:
        yield from _debt(ground)
    planned = ground.holding.planned
    if planned and planned.made_by_id and not by_staff:
        yield made_by_staff(planned)


def _paused(pause: Pause | None) -> Reason:
    if pause is None:
        return Reason("wish", _("The service is paused at your wish; the tariff can be changed once it runs again."))
    text = _("The service is paused at your wish: the tariff can be changed from %(date)s, when it runs again.")
    from_when = pause.last + timedelta(days=1)
    return Reason("wish", text % {"date": written(from_when)}, from_when=from_when)


def _debt(ground: Ground) -> Iterator[Reason]:
    standing = ground.standing
    if standing.contract.state == State.SUSPENDED_FOR_DEBT:
        lacks = max(standing.due - standing.money, NOTHING)
        if lacks:
            text = _("The service is stopped for debt: put %(sum)s on the account first.") % {"sum": rubles(lacks)}
        else:
            text = _("The service returns within a minute; the tariff can be changed then.")
        yield Reason("debt", text, from_sum=lacks or None)
    elif standing.own < 0:
        text = _("The account is below zero: put %(sum)s on it first.") % {"sum": rubles(-standing.own)}
        yield Reason("debt", text, from_sum=-standing.own)


def made_by_staff(planned: Switch) -> Reason:
    text = _(
        "Our operator has planned a switch to «%(tariff)s» for %(date)s. "
        "Another is possible after that day; to change this one, call us: %(phone)s."
    )
    words = {"tariff": planned.tariff, "date": written(planned.on), "phone": settings.TECHNICAL_PHONE}
    return Reason("staff", text % words, from_when=planned.on + timedelta(days=1))


def _of_tariff(ground: Ground, tariff: Tariff, on: date) -> Iterator[Reason]:
    contract = ground.standing.contract
    current = ground.holding.tariff(on)
    if current and current.pk == tariff.pk:
        yield Reason("same", _("You have this tariff."))
        return
    if tariff.city_id != contract.city_id:
        yield Reason("city", _("This tariff is for another city: %(city)s.") % {"city": tariff.city})
    if tariff.audience != contract.subscriber.kind:
        company = _("This tariff is for legal entities.")
        person = _("This tariff is for private persons.")
        yield Reason("audience", person if contract.subscriber.is_legal_entity else company)
    if tariff.is_archived:
        yield Reason("archived", _("This tariff is in the archive: it is not sold any more."))
    elif holding.fee_on(tariff, on) is None:
        yield _without_price(tariff)


def _without_price(tariff: Tariff) -> Reason:
    from_when = holding.first_day_of_price(tariff)
    if from_when is None:
        return Reason("price", _("This tariff has no price yet."))
    return Reason("price", _("This tariff is sold from %(date)s.") % {"date": written(from_when)}, from_when=from_when)


def _of_day(ground: Ground, tariff: Tariff, when: When) -> Iterator[Reason]:
    if not when.is_at_once:
        first, last = days(ground.today)
        if not first <= when.on <= last:
            text = _("Choose a day from %(first)s to %(last)s.")
            yield Reason("day", text % {"first": written(first), "last": written(last)}, from_when=first)
            return
        pause = ground.holding.pause
        if pause and pause.covers(when.on):
            yield _paused_then(pause)
            return
        planned = ground.holding.planned
        if planned and (planned.tariff_id, planned.on) == (tariff.pk, when.on):
            yield Reason("planned", _("This switch is planned already."))
            return
    if not when.is_free and len(_paid_in_month(ground, when.on)) >= settings.SWITCHES_A_MONTH:
        yield _often(shares.first_of_month(when.on, 1))


def _paused_then(pause: Pause) -> Reason:
    text = _("The service will be paused at your wish then: choose a day before %(first)s or from %(after)s.")
    after = pause.last + timedelta(days=1)
    return Reason("pause", text % {"first": written(pause.first), "after": written(after)}, from_when=after)


def _often(from_when: date) -> Reason:
    text = _("The tariff has been switched in this month already: the next time is possible from %(date)s.")
    return Reason("often", text % {"date": written(from_when)}, from_when=from_when)


def _paid_in_month(ground: Ground, on: date) -> list[Switch]:
    """Switches done within the month; those from its 1st do not count."""
    done = [switch for switch in ground.holding.switches if switch.state == Switch.State.DONE]
    within = [switch for switch in done if (switch.on.year, switch.on.month) == (on.year, on.month)]
    return [switch for switch in within if not When(switch.on, switch.is_at_once).is_free]


def _of_money(missing: Decimal) -> Reason:
    text = _("Not enough money to do it now: %(sum)s is missing.") % {"sum": rubles(missing)}
    return Reason("money", text, from_sum=missing)


def words_of(failure: str) -> str:
    """Why a planned switch was not done, from what its row keeps: a code, and perhaps a sum."""
    code, _colon, amount = failure.partition(":")
    if amount:
        return _("%(sum)s was missing.") % {"sum": rubles(Decimal(amount))}
    words = {
        "archived": _("The tariff is not sold any more."),
        "ended": _("The contract has ended."),
        "same": _("It was your tariff already."),
    }
    return words.get(code, _("It was not possible any more."))
