"""What an option in a quantity would cost at a moment, or why it cannot be had and from when or which sum it could.

The page draws its preview from the same quote that the verb posts. Keys of lines begin with the use once it exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.templatetags.dates import day as written
from billing import charges, shares
from billing.charges import Line, Step
from billing.models import EntryKind
from tariffs import pricing, reasons
from tariffs.models import Service
from tariffs.option_shelf import Row, Shelf
from tariffs.pricing import Picture, PricedOption
from tariffs.reasons import Reason

NOTHING = Decimal(0)


class OptionRefused(Exception):
    """The message gives the subscriber every reason, each with the date or the sum that lifts it."""


@dataclass(frozen=True)
class Quote:
    """Sums in rubles. `since` is the first day in this quantity; nothing is charged for what begins on the 1st."""

    row: Row
    quantity: int
    choice: str
    since: date
    balance: Decimal
    lines: tuple[Line, ...]
    before: Decimal  # the whole month now
    after: Decimal  # and with the change
    reasons: tuple[Reason, ...]

    @property
    def is_locked(self) -> bool:
        return bool(self.reasons)

    @property
    def steps(self) -> list[Step]:
        return list(charges.steps(self.balance, self.lines, self.since))

    @property
    def is_same(self) -> bool:
        """Nothing would change but, perhaps, what was planned or chosen."""
        return self.row.current is not None and self.quantity == self.row.current.quantity

    @property
    def changes_choice(self) -> bool:
        return self.row.current is not None and self.choice != self.row.current.choice

    @property
    def changes_nothing(self) -> bool:
        return self.is_same and not self.changes_choice and not self.row.planned

    @property
    def total(self) -> Decimal:
        """What the lines come to, signed."""
        return sum((line.amount for line in self.lines), NOTHING)

    def lines_of(self, use_id: int) -> list[Line]:
        return [replace(line, key=f"option:{use_id}:{line.key}") for line in self.lines]

    def refuse_if_locked(self) -> None:
        if self.is_locked:
            raise OptionRefused(" ".join(reason.text for reason in self.reasons))

    def refuse_unless_seen(self, total: Decimal | None) -> None:
        """`total` is that of the lines the subscriber saw; a midnight may have passed since, or a price changed."""
        if total is not None and total != self.total:
            raise OptionRefused(_("The sum has changed since the page was opened: please look at it again."))


def quote(shelf: Shelf, row: Row, *, quantity: int, choice: str) -> Quote:
    """Switching the option on, or having another quantity of it, or another choice."""
    current = row.current
    is_less = current is not None and quantity < current.quantity
    was = _with(shelf.picture, row, current.quantity if current else 0)
    becomes = _with(shelf.picture, row, quantity)
    lines: tuple[Line, ...] = ()
    if not is_less and row.option.fee is not None:
        lines = tuple(_lines(shelf, row, was, becomes))
    return Quote(
        row,
        quantity,
        choice,
        since=shelf.next_first if is_less else shelf.today,
        balance=shelf.standing.account.balance,
        lines=lines,
        before=pricing.monthly(was),
        after=pricing.monthly(becomes),
        reasons=tuple(_reasons(shelf, row, quantity, choice, lines)),
    )


def least(shelf: Shelf, row: Row) -> Quote:
    """One of it, or as it is: what a list says of it."""
    if row.current:
        return quote(shelf, row, quantity=row.current.quantity, choice=row.current.choice)
    return quote(shelf, row, quantity=1, choice=next(iter(row.option.choices), ""))


# --- Lines


def _with(drawn: Picture, row: Row, quantity: int) -> Picture:
    """As if it had this quantity; none where the tariff lacks the service."""
    others = tuple(option for option in drawn.options if option.option_id != row.option.pk)
    if not quantity or not row.fits or row.option.fee is None:
        return replace(drawn, options=others)
    this = PricedOption(0, row.option.pk, row.option.name, row.option.fee, quantity)
    return replace(drawn, options=(*others, this))


def _lines(shelf: Shelf, row: Row, was: Picture, becomes: Picture) -> Iterator[Line]:
    """What the rest of the month costs more, unless the month's own charge is still to come; and the activation."""
    if shelf.standing.is_month_charged:
        yield from _difference(pricing.parts(was), pricing.parts(becomes), shelf.today)
    fee = row.option.activation_fee
    if fee and not row.current:
        yield Line("fee", EntryKind.CHARGE, -fee, f"{row.option.name}, подключение")


def _difference(was: Iterable[pricing.Part], becomes: Iterable[pricing.Part], day: date) -> Iterator[Line]:
    """A line for each part whose fee changes: what its days from `day` on cost now, less what they did."""
    old = {part.code: part.fee for part in was}
    for part in becomes:
        amount = _rest(old.get(part.code, NOTHING), day) - _rest(part.fee, day)
        if amount:
            key = f"first:{part.code}" if part.fee < 0 else "first"
            yield Line(key, EntryKind.DISCOUNT if part.fee < 0 else EntryKind.MONTH, amount, part.title)


def _rest(fee: Decimal, day: date) -> Decimal:
    return shares.rest(fee, day) if fee >= 0 else -shares.rest(-fee, day)


# --- Reasons


def _reasons(shelf: Shelf, row: Row, quantity: int, choice: str, lines: Iterable[Line]) -> Iterator[Reason]:
    yield from _of_answers(row, quantity, choice)
    if row.current is None or quantity > row.current.quantity:
        off = list(reasons.of_contract(shelf.standing, shelf.paused_to))
        yield from off
        yield from _of_option(shelf, row)
        # What is missing while the service is off, its own reason says.
        if not off:
            yield from reasons.of_money(shelf.standing, sum((line.amount for line in lines), NOTHING))
    elif shelf.standing.contract.is_terminated:
        yield from reasons.of_contract(shelf.standing, shelf.paused_to)
    if row.ends_on:
        text = _("It is being switched off and runs until %(date)s: take that back first.")
        yield Reason(text % {"date": written(row.ends_on)})


def _of_answers(row: Row, quantity: int, choice: str) -> Iterator[Reason]:
    most = max(row.option.max_quantity, row.current.quantity if row.current else 0)
    if not 1 <= quantity <= most:
        text = ngettext("At most %(most)d of it can be had.", "At most %(most)d of them can be had.", most)
        yield Reason(text % {"most": most})
    kept = row.current is not None and choice == row.current.choice
    if not kept and choice not in (row.option.choices or [""]):
        yield Reason(_("This cannot be chosen any more. Choose something else."))


def _of_option(shelf: Shelf, row: Row) -> Iterator[Reason]:
    if not row.is_sold:
        if row.option.is_sold and row.option.fee_changes_on:
            text = _("It is sold from %(date)s.") % {"date": written(row.option.fee_changes_on)}
            yield Reason(text, from_when=row.option.fee_changes_on)
        else:
            yield Reason(_("It is not sold any more."))
    if shelf.picture.tariff is None:
        yield Reason(_("The contract has no tariff: choose one first."))
    elif not row.fits:
        yield Reason(needs(row.option.needs))


def needs(service: str) -> str:
    """Why a tariff without the service cannot have the option."""
    return {
        Service.INTERNET: _("It needs internet, and your tariff has none."),
        Service.TV: _("It needs television, and your tariff has none."),
        Service.TELEPHONY: _("It needs telephony, and your tariff has none."),
    }[Service(service)]
