"""What an offer would give at a moment, or why it cannot be taken and from when it could.

The page draws its preview from the same quote that the verb keeps.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.templatetags.dates import day as written
from billing import charges, shares
from billing.charges import Line, Step
from billing.models import EntryKind
from tariffs import pricing, reasons
from tariffs.models import Offer, Service
from tariffs.offer_shelf import MONTHS_SHOWN, Row, Shelf
from tariffs.pricing import Discount, Picture
from tariffs.reasons import Reason

LAST_OF_ALL = 2**62  # discounts are taken off in the order of their uses, and this one is not made yet


class OfferRefused(Exception):
    """The message gives the subscriber every reason, each with the date that lifts it."""


@dataclass(frozen=True)
class Span:
    """Months that cost the same, from the 1st of one until before another; sums in rubles a month."""

    since: date
    until: date
    before: Decimal
    after: Decimal

    @property
    def last_day(self) -> date:
        return self.until - timedelta(days=1)


@dataclass(frozen=True)
class Quote:
    """`until` is the first day without it; None for what is given once."""

    row: Row
    since: date
    until: date | None
    lines: tuple[Line, ...]
    balance: Decimal
    spans: tuple[Span, ...]
    reasons: tuple[Reason, ...]

    @property
    def is_locked(self) -> bool:
        return bool(self.reasons)

    @property
    def steps(self) -> list[Step]:
        return list(charges.steps(self.balance, self.lines, self.since))

    @property
    def last_day(self) -> date | None:
        return self.until - timedelta(days=1) if self.until else None

    @property
    def seal(self) -> str:
        """What was promised, to be compared when the word is given."""
        offer = self.row.offer
        promised = (self.since, offer.percent, offer.months, offer.option_id, offer.credit, offer.presses)
        return "/".join("" if each is None else str(each) for each in promised)

    def lines_of(self, use_id: int) -> list[Line]:
        return [replace(line, key=f"offer:{use_id}") for line in self.lines]

    def refuse_if_locked(self) -> None:
        if self.is_locked:
            raise OfferRefused(" ".join(reason.text for reason in self.reasons))

    def refuse_unless_seen(self, seal: str | None) -> None:
        if seal is not None and seal != self.seal:
            raise OfferRefused(_("The offer has changed since the page was opened: please look at it again."))


def quote(shelf: Shelf, row: Row) -> Quote:
    """Taking the offer now."""
    offer: Offer = row.offer
    since = shelf.first if offer.percent else shelf.today
    until = shares.first_of_month(since, offer.months) if offer.months else None
    line = Line("", EntryKind.DISCOUNT, offer.credit, offer.name) if offer.credit else None
    return Quote(
        row,
        since,
        until,
        lines=(line,) if line else (),
        balance=shelf.standing.account.balance,
        spans=tuple(_spans(shelf, offer, since)) if offer.percent else (),
        reasons=tuple(_reasons(shelf, row, since)),
    )


def months_after(day: date, months: int) -> date:
    """The same day of a month so many months later; its last one where the month is shorter."""
    first = shares.first_of_month(day, months)
    return first.replace(day=min(day.day, monthrange(first.year, first.month)[1]))


# --- Months


def _spans(shelf: Shelf, offer: Offer, since: date) -> Iterator[Span]:
    span: Span | None = None
    for month in _months(shelf, offer, since):
        if span and (span.before, span.after) == (month.before, month.after):
            span = replace(span, until=month.until)
            continue
        if span:
            yield span
        span = month
    if span:
        yield span


def _months(shelf: Shelf, offer: Offer, since: date) -> Iterator[Span]:
    drawn = {shares.first_of_month(each.on) for each in shelf.pictures}
    for ahead in range(min(offer.months or 0, MONTHS_SHOWN)):
        first = shares.first_of_month(since, ahead)
        if first in drawn:
            seen = shelf.picture(first)
            after = pricing.monthly(_with(seen, offer))
            yield Span(first, shares.first_of_month(first, 1), pricing.monthly(seen), after)


def _with(drawn: Picture, offer: Offer) -> Picture:
    taken = Discount(LAST_OF_ALL, offer.name, offer.percent or 0, offer.option_id)
    return replace(drawn, discounts=(*drawn.discounts, taken))


# --- Reasons


def _reasons(shelf: Shelf, row: Row, since: date) -> Iterator[Reason]:
    yield from reasons.of_contract(shelf.standing, shelf.paused_to)
    if not row.is_open:
        yield Reason(_("The offer is over."))
        return
    offer: Offer = row.offer
    if shelf.today < offer.starts_on:
        yield Reason(_("It begins on %(date)s.") % {"date": written(offer.starts_on)}, from_when=offer.starts_on)
    yield from _of_tenure(offer, shelf.standing.contract.started_on, shelf.today)
    yield from _of_services(row, shelf.picture(shelf.first), since)
    yield from _of_limit(row, shelf.today)


def _of_tenure(offer: Offer, started_on: date, today: date) -> Iterator[Reason]:
    least, most = offer.tenure_from, offer.tenure_to
    if least is not None and today < (from_when := months_after(started_on, least)):
        rule = ngettext(
            "It is for those who have been with us for %(count)d month or longer:",
            "It is for those who have been with us for %(count)d months or longer:",
            least,
        ) % {"count": least}
        if offer.ends_on and from_when > offer.ends_on:
            text = _("you would be from %(date)s, and it ends on %(end)s.")
            yield Reason(f"{rule} {text % {'date': written(from_when), 'end': written(offer.ends_on)}}")
        else:
            text = _("you are from %(date)s on.")
            yield Reason(f"{rule} {text % {'date': written(from_when)}}", from_when=from_when)
    if most is not None and today > (last_day := months_after(started_on, most)):
        text = ngettext(
            "It is for the first month with us only: for you that was until %(date)s.",
            "It is for the first %(count)d months with us only: for you that was until %(date)s.",
            most,
        )
        yield Reason(text % {"count": most, "date": written(last_day)})


def _of_services(row: Row, drawn: Picture, since: date) -> Iterator[Reason]:
    offer, tariff = row.offer, drawn.tariff
    if tariff is None and (offer.percent or row.tariffs):
        yield Reason(_("The contract has no tariff: choose one first."))
    elif tariff is not None and row.tariffs and tariff.id not in {each.pk for each in row.tariffs}:
        text = ngettext(
            "It is for the tariff %(names)s only.", "It is for these tariffs only: %(names)s.", len(row.tariffs)
        )
        yield Reason(text % {"names": _listed(row.tariffs)})
    if offer.option_id and offer.option_id not in {each.option_id for each in drawn.options}:
        text = _("It is for those who have the option «%(name)s»: switch it on first.")
        yield Reason(text % {"name": row.option_name})
    if offer.presses and (tariff is None or Service.INTERNET not in tariff.services):
        yield Reason(_("It needs internet, and your tariff has none."))


def _listed(names: Iterable[object]) -> str:
    return ", ".join(f"«{name}»" for name in names)


def _of_limit(row: Row, today: date) -> Iterator[Reason]:
    if row.is_used_up:
        count = len(row.taken)
        text = ngettext("You have taken it already.", "You have taken it %(count)d times, that is the most.", count)
        yield Reason(text % {"count": count})
        return
    runs_until = max((taken.until for taken in row.taken if taken.until and taken.until > today), default=None)
    if runs_until:
        text = _("It runs already: you can take it again from %(date)s.")
        yield Reason(text % {"date": written(runs_until)}, from_when=runs_until)
