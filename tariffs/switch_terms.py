"""What a switch of tariff would cost and do, and why it is not possible and from when it would be.

The page draws its preview from the same quote that the verb posts.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cached_property

from billing import promise_terms, shares
from billing.charges import Line
from tariffs import holding, pricing, switch_lines, switch_reasons
from tariffs.holding import Pause
from tariffs.models import Switch, Tariff
from tariffs.pricing import Picture
from tariffs.switch_lines import KEY, Ground, Step, When
from tariffs.switch_lines import ground as ground
from tariffs.switch_reasons import Reason

NOTHING = Decimal(0)


@dataclass(frozen=True)
class Terms:
    """Sums in rubles. `since` is the first day with the new tariff, `missing` what the steps lack on the worst day."""

    tariff: Tariff
    when: When
    since: date
    fee: Decimal | None
    balance: Decimal
    steps: tuple[Step, ...]
    missing: Decimal
    missing_on: date
    before: Picture
    after: Picture
    ends: tuple[holding.OwnOption, ...]
    replaces: Switch | None
    stops_turbo: bool
    pause: Pause | None  # before the day, which changes the months' charges of the preview
    reasons: tuple[Reason, ...] = ()

    @property
    def is_locked(self) -> bool:
        return bool(self.reasons)

    @property
    def why_not(self) -> str:
        return " ".join(reason.text for reason in self.reasons)

    @property
    def has_preview(self) -> bool:
        """Whether the lines are worth seeing: it can be done, or only money is missing."""
        return all(reason.code == "money" for reason in self.reasons)

    @property
    def stops_service(self) -> bool:
        """Whether a month's charge is what lacks money, not the switch itself."""
        return self.when.is_free or self.missing_on != self.when.on

    @property
    def top_up(self) -> Decimal:
        """What the link to the top-up carries for what will be missing on a day to come."""
        return promise_terms.rounded_up(self.missing)

    @property
    def own_sum(self) -> Decimal:
        """What the switch itself takes, positive, or gives back."""
        return -sum((step.line.amount for step in self.steps if step.is_own), NOTHING)

    @property
    def own_back(self) -> Decimal:
        return -self.own_sum

    @property
    def monthly_before(self) -> Decimal:
        return pricing.monthly(self.before)

    @property
    def monthly_after(self) -> Decimal:
        return pricing.monthly(self.after)

    @property
    def difference(self) -> Decimal:
        """How much more the whole month costs."""
        return self.monthly_after - self.monthly_before

    @property
    def offers_lost(self) -> list[str]:
        kept = {discount.use_id for discount in self.after.discounts}
        return [discount.name for discount in self.before.discounts if discount.use_id not in kept]

    @property
    def offers_gained(self) -> list[str]:
        had = {discount.use_id for discount in self.before.discounts}
        return [discount.name for discount in self.after.discounts if discount.use_id not in had]

    def lines_of(self, switch: Switch) -> list[Line]:
        """What the switch posts, under its own keys; what stopping the turbo gives back is posted by that."""
        own = [step.line for step in self.steps if step.is_own and not step.line.key.startswith("turbo:")]
        return [replace(line, key=_key(line.key, switch)) for line in own]

    @cached_property
    def seal(self) -> str:
        """What the subscriber saw: other lines or another balance make another seal."""
        seen = [(step.on, step.line.kind, step.line.amount, step.line.title, step.balance_after) for step in self.steps]
        text = repr((self.tariff.pk, self.since, str(self.balance), [tuple(map(str, each)) for each in seen]))
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def quote(ground: Ground, tariff: Tariff, when: When, *, by_staff: bool = False) -> Terms:
    """What switching at once, or on a day to come, would be; for staff without what binds the subscriber alone."""
    steps = list(switch_lines.steps(ground, tariff, when))
    terms = _terms(ground, tariff, when, since=when.on, steps=steps)
    reasons = switch_reasons.of(ground, tariff, when, missing=terms.missing, by_staff=by_staff)
    return replace(terms, reasons=tuple(reasons))


def quote_due(ground: Ground, switch: Switch, tariff: Tariff) -> Terms:
    """What doing a planned switch today would be, on its day or after it."""
    when, today, is_charged = When(switch.on), ground.today, ground.standing.is_month_charged
    # A month that is not charged yet will be charged with the new tariff, as if it had been switched in time.
    since = today if is_charged else max(switch.on, shares.first_of_month(today))
    lines = switch_lines.own_lines(ground, tariff, since, is_free=when.is_free, is_charged=is_charged)
    lines = [*switch_lines.turbo_lines(ground, tariff), *lines]
    steps = list(switch_lines.balanced(ground, [(today, line, True) for line in lines]))
    terms = _terms(ground, tariff, when, since=since, steps=steps)
    return replace(terms, reasons=tuple(switch_reasons.of_due(ground, tariff, since, missing=terms.missing)))


def _terms(ground: Ground, tariff: Tariff, when: When, *, since: date, steps: list[Step]) -> Terms:
    account, pause = ground.standing.account, ground.holding.pause
    # At once only the switch's own lines must be covered: a month that is charged later asks for itself.
    counted = [step for step in steps if step.is_own] if when.is_at_once else steps
    # Each day asks for its whole sum, so what stands after its last line counts: a service that stopped for debt
    # on the way is not switched, though the switch would have given more back.
    evenings = {step.on: step.balance_after for step in counted}
    worst = min(evenings, key=lambda day: evenings[day], default=ground.today)
    left = evenings.get(worst, account.balance)
    return Terms(
        tariff=tariff,
        when=when,
        since=since,
        fee=holding.fee_on(tariff, since),
        balance=account.balance,
        steps=tuple(steps),
        missing=max(-left - account.credit_limit, NOTHING),
        missing_on=worst,
        before=ground.holding.picture(since),
        after=ground.holding.under(tariff, since),
        ends=tuple(use for use in ground.holding.options if use.is_to_come(since) and not use.fits(tariff)),
        replaces=ground.holding.planned,
        stops_turbo=bool(ground.holding.boost) and not tariff.has_internet and since <= ground.today,
        pause=pause if pause and pause.first < since else None,
    )


def _key(key: str, switch: Switch) -> str:
    return f"{KEY}:{switch.pk}{key.removeprefix(KEY)}" if key.startswith(f"{KEY}:") else key
