"""Speed tests of subscribers: what is believed, saved once, and what a result says against the tariff.

The speed kept beside a result is what the line was to give at that moment: the tariff's, a boost's, or the slower one
past the included volume.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from accounts import limits
from accounts.models import Contract
from tariffs import access
from tariffs.models import SpeedTest

SAVED = limits.Allowance("speed-test", settings.SPEED_TESTS_AN_HOUR, timedelta(hours=1))
# No browser measures more, and no line of ours takes longer.
MBIT_MOST, MS_MOST = 20_000.0, 10_000.0


class ResultRefused(Exception):
    """The message is for the subscriber."""


@dataclass(frozen=True)
class Measured:
    """By a browser: times in ms, speeds in Mbit/s."""

    ping: float
    jitter: float
    down: float
    up: float


class Level(StrEnum):
    GOOD = "good"
    FAIR = "fair"
    POOR = "poor"


@dataclass(frozen=True)
class Verdict:
    """How much of the tariff's speed was there, in per cent; the level is that of the worse way."""

    down: int
    up: int | None
    level: Level


def save(contract_id: int, measured: Measured, *, operation: UUID, now: datetime) -> SpeedTest:
    """Write a result down once. Raises ResultRefused, and LimitReached past so many results in an hour.

    Call it outside a transaction: a try is counted first.
    """
    if saved := _saved(contract_id, operation):
        return saved
    limits.take(SAVED, str(contract_id), now=now)
    stands = access.stand(contract_id, now=now)
    test = SpeedTest(
        operation=operation,
        contract_id=contract_id,
        at=now,
        tariff_down=stands.down,
        tariff_up=stands.up,
        is_boosted=stands.boost is not None,
        **{name: round(value, 2) for name, value in asdict(measured).items()},
    )
    SpeedTest.objects.bulk_create([test], ignore_conflicts=True)
    saved = _saved(contract_id, operation)
    assert saved is not None
    return saved


def _saved(contract_id: int, operation: UUID) -> SpeedTest | None:
    saved = SpeedTest.objects.filter(operation=operation).first()
    if saved and saved.contract_id != contract_id:
        raise ResultRefused(_("The page has grown old. Please open it again and measure once more."))
    return saved


def of(contract_id: int) -> QuerySet[SpeedTest]:
    """Newest first."""
    return SpeedTest.objects.filter(contract=contract_id).order_by("-at", "-pk")


def verdict(test: SpeedTest) -> Verdict | None:
    """None for a result that there is nothing to compare with."""
    if not test.tariff_down:
        return None
    shares = [test.down / test.tariff_down]
    if test.tariff_up:
        shares.append(test.up / test.tariff_up)
    percents = [round(100 * share) for share in shares]
    return Verdict(percents[0], percents[1] if len(percents) > 1 else None, _level(min(shares)))


def _level(share: float) -> Level:
    if share >= settings.SPEED_TEST_GOOD:
        return Level.GOOD
    return Level.FAIR if share >= settings.SPEED_TEST_POOR else Level.POOR


def as_text(test: SpeedTest, contract: Contract) -> str:
    """A result in a few lines of plain text, to be put into a chat or read out on the phone."""
    context = {"test": test, "verdict": verdict(test), "contract": contract}
    return render_to_string("tariffs/speed_as_text.txt", context).strip()
