"""What a press of the turbo button would cost and give, why not, and what stopping early gives back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.templatetags.dates import moment
from billing import charges
from billing.charges import Line, Step
from billing.models import Account, EntryKind
from tariffs import access, reasons
from tariffs.access import Access
from tariffs.models import Boost, Press, TurboPackage
from tariffs.reasons import Reason

NOTHING, KOPECK = Decimal(0), Decimal("0.01")
HOUR = timedelta(hours=1)
# The ledger's language is Russian, whatever language the reader has.
TITLE, TITLE_BACK = "Турбо-кнопка, {} ч", "Турбо-кнопка: возврат за {} ч"


class TurboRefused(Exception):
    """The message gives every reason, each with the sum or the time that lifts it."""


@dataclass(frozen=True)
class Ground:
    """A contract at a moment, as the page and the verb read it. `off` is why no package can be had at all."""

    account: Account
    stands: Access
    packages: list[Any]  # TurboPackage, with `free_left` and `free_use`
    now: datetime
    off: list[Reason]

    @property
    def own(self) -> Decimal:
        """The subscriber's own money in rubles: with the credit that the contract allows, never with a promise."""
        return self.account.balance + self.account.credit_limit

    @property
    def boost(self) -> Boost | None:
        return self.stands.boost

    @property
    def free_left(self) -> int:
        """Free presses that offers have given and that are not used up."""
        return next((package.free_left for package in self.packages), 0)

    @property
    def plain(self) -> int:
        """The speed to the subscriber without a boost, in Mbit/s; 0 without internet."""
        tariff = self.stands.tariff
        full = (tariff and tariff.speed_down) or 0
        is_slow = tariff and self.stands.is_past_volume
        return min(full, tariff.floor_speed or full) if tariff and is_slow else full


@dataclass(frozen=True)
class Quote:
    """One press: `lines` are what is posted, speeds in Mbit/s."""

    package: TurboPackage
    is_free: bool
    on: date
    lines: list[Line]
    balance: Decimal
    ends_at: datetime
    down: int | None
    up: int | None
    reasons: list[Reason]

    @property
    def is_locked(self) -> bool:
        return bool(self.reasons)

    @property
    def why_not(self) -> str:
        return " ".join(reason.text for reason in self.reasons)

    @property
    def missing(self) -> Decimal | None:
        """What must be put on the account first, if that is a reason."""
        return next((reason.missing for reason in self.reasons if reason.missing), None)

    @property
    def steps(self) -> list[Step]:
        return list(charges.steps(self.balance, self.lines, self.on))

    def refuse_if_locked(self) -> None:
        if self.reasons:
            raise TurboRefused(self.why_not)


def quote(ground: Ground, package: TurboPackage, *, is_free: bool = False) -> Quote:
    """`is_free` takes a press that an offer gave: it costs nothing, and any package may be had for it."""
    boost, tariff = ground.boost, ground.stands.tariff
    full = (tariff.speed_down, tariff.speed_up) if tariff else (None, None)
    down, up = (access.boosted(speed, package.factor) if speed else None for speed in full)
    lines = [] if is_free or not package.price else [_line(package)]
    return Quote(
        package=package,
        is_free=is_free,
        on=timezone.localdate(ground.now),
        lines=lines,
        balance=ground.account.balance,
        ends_at=(boost.ends_at if boost else ground.now) + package.hours * HOUR,
        down=down,
        up=up,
        reasons=ground.off or list(_reasons(ground, package, down or 0, lines, is_free=is_free)),
    )


def of_service(stands: Access, off: Iterable[Reason]) -> list[Reason]:
    """Why no package can be had at all; `off` is why the service is."""
    found = list(off)
    if not found and stands.tariff is None:
        found.append(Reason(_("There is no tariff yet.")))
    elif not found and stands.down is None:
        found.append(Reason(_("Your tariff has no internet: there is nothing to speed up.")))
    return found


def _reasons(ground: Ground, package: TurboPackage, down: int, lines: list[Line], *, is_free: bool) -> Iterator[Reason]:
    boost = ground.boost
    if boost and boost.factor != package.factor:
        text = _("A boost of another speed runs: possible from %(time)s, or when you stop it.")
        yield Reason(text % {"time": moment(boost.ends_at)})
    elif down <= ground.plain:
        yield Reason(_("Your tariff is as fast as the line already: turbo would add nothing."))
    if is_free and not ground.free_left:
        yield Reason(_("There are no free presses left."))
    elif not is_free:
        yield from reasons.of_money(ground, sum((line.amount for line in lines), NOTHING))


def _line(package: TurboPackage) -> Line:
    return Line("turbo", EntryKind.CHARGE, -package.price, TITLE.format(package.hours))


def unused_hours(boost: Boost, now: datetime) -> int:
    """Full hours to come: at 59 minutes none."""
    return max((boost.ends_at - now) // HOUR, 0)


def given_back(presses: Iterable[Press], hours: int) -> Decimal:
    """Rubles for so many unused hours of a boost; `presses` are its own, newest first.

    The hours of the last press are unused first. Each press gives back its price × unused / bought hours, half up to
    the kopeck: all of them is the price itself. A free press used up its hours and gives nothing.
    """
    total = NOTHING
    for press in presses:
        unused = min(hours, press.hours)
        total += (press.price * unused / press.hours).quantize(KOPECK, ROUND_HALF_UP)
        hours -= unused
    return total


def back_lines(boost: Boost, presses: Iterable[Press], now: datetime) -> list[Line]:
    """What stopping at `now` would post."""
    hours = unused_hours(boost, now)
    amount = given_back(presses, hours)
    return [Line(f"turbo:{boost.pk}:back", EntryKind.REFUND, amount, TITLE_BACK.format(hours))] if amount else []
