"""The turbo button: pressed, pressed again, stopped early, over. What it costs and why not, turbo_terms.py says."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Contract
from billing import charges, outlook
from billing.charges import Line
from billing.models import Account
from notifications import live, outbox
from notifications.models import Topic
from tariffs import access, reasons, turbo_terms
from tariffs.models import Boost, Family, OfferUse, Press, Tariff, TurboPackage
from tariffs.turbo_terms import Ground
from tariffs.turbo_terms import TurboRefused as TurboRefused
from tariffs.turbo_terms import quote as quote

State = Boost.State
A_ROUND = 1_000


def presses_of(contract_id: int) -> QuerySet[Press]:
    """A contract's presses, newest first."""
    return Press.objects.filter(boost__contract=contract_id).select_related("boost").order_by("-pk")


def ground(contract_id: int, *, now: datetime) -> Ground:
    """Two queries. Decide on it only under the account's lock."""
    rows = access.detailed(now=now).select_related("account")
    row = rows.annotate(paused_to=reasons.paused_to(OuterRef("pk"))).get(pk=contract_id)
    stands = access.of_row(row)
    off = []
    if row.state != Contract.State.ACTIVE:
        off = list(reasons.of_contract(outlook.stand(contract_id, now=now), row.paused_to))
    off = turbo_terms.of_service(stands, off)
    packages = [] if off else packages_for(contract_id, stands.tariff, now=now)
    return Ground(row.account, stands, packages, now, off)


def packages_for(contract_id: int, tariff: Tariff | None, *, now: datetime) -> list[Any]:
    """Those of the tariff's own family; a bundle without its own has those of internet. One query.

    Each says how many free presses the contract has, `free_left`, and which offer gives the next one, `free_use`.
    """
    if tariff is None or not tariff.has_internet:
        return []
    free = free_presses(contract_id, now=now)
    left = free.order_by().values("contract").annotate(left=Sum("presses_left")).values("left")
    offered = TurboPackage.objects.filter(family__in={tariff.family, Family.INTERNET}, is_archived=False)
    found = list(
        offered.order_by("hours", "price", "pk").annotate(
            free_left=Coalesce(Subquery(left), 0), free_use=Subquery(free.values("pk")[:1])
        )
    )
    return [package for package in found if package.family == tariff.family] or found


def free_presses(contract_id: int, *, now: datetime) -> QuerySet[OfferUse]:
    """Offers taken that still give a free press, the one that ends first before the others."""
    today = timezone.localdate(now)
    given = OfferUse.objects.filter(Q(until=None) | Q(until__gt=today), contract=contract_id, since__lte=today)
    return given.filter(presses_left__gt=0).order_by(F("until").asc(nulls_last=True), "pk")


# --- Pressing


@transaction.atomic
def press(
    contract_id: int, *, package_id: int, is_free: bool, seen_price: Decimal, operation: UUID, now: datetime
) -> Press:
    """Speed up for the hours of a package, or longer if a boost runs. The same operation is the same press.

    `seen_price` is what the page showed, never what is charged. Raises TurboRefused.
    """
    Account.objects.lock(contract_id)
    if done := presses_of(contract_id).filter(operation=operation).first():
        return done
    _close_due(Boost.objects.filter(contract=contract_id), now=now)
    stands_on = ground(contract_id, now=now)
    package = next((each for each in stands_on.packages if each.pk == package_id), None)
    if package is None:
        raise TurboRefused(" ".join(map(str, stands_on.off)) or _("This package is not offered any more."))
    terms = quote(stands_on, package, is_free=is_free)
    terms.refuse_if_locked()
    if not is_free and package.price != seen_price:
        raise TurboRefused(_("The price has changed. Please look at it and press once more."))
    boost = _boost(stands_on, package, terms.ends_at)
    pressed = _pressed(boost, package, operation, now, package.free_use if is_free else None)
    lines = [replace(line, key=f"turbo:{pressed.pk}") for line in terms.lines]
    charges.post(contract_id, lines, now=now)
    facts = {"hours": package.hours, "until": boost.ends_at.isoformat(), "speed": terms.down}
    _tell(boost, "turbo_on", f"press:{pressed.pk}", now, price="" if is_free else str(package.price), **facts)
    return pressed


def _boost(ground: Ground, package: TurboPackage, ends_at: datetime) -> Boost:
    if ground.boost:
        ground.boost.ends_at = ends_at
        ground.boost.save(update_fields=["ends_at"])
        return ground.boost
    return Boost.objects.create(
        contract_id=ground.account.pk, factor=package.factor, started_at=ground.now, ends_at=ends_at
    )


def _pressed(boost: Boost, package: TurboPackage, operation: UUID, now: datetime, free_use: int | None) -> Press:
    if free_use:
        OfferUse.objects.filter(pk=free_use).update(presses_left=F("presses_left") - 1)
    price = Decimal(0) if free_use else package.price
    # Not `create`: another contract may send the same operation at the same moment.
    pressed, is_new = Press.objects.get_or_create(
        operation=operation,
        defaults={
            "boost": boost,
            "package": package,
            "hours": package.hours,
            "price": price,
            "offer_use_id": free_use,
            "at": now,
        },
    )
    if not is_new:
        raise TurboRefused(_("The page has grown old. Please send it again."))
    return pressed


# --- Stopping early


@transaction.atomic
def stop(contract_id: int, *, boost_id: int, seen_hours: int, now: datetime) -> Boost:
    """End a boost before its time and give back its unused full hours; a stopped one stays as it is.

    `seen_hours` is how many the page showed. Raises TurboRefused when it is over, or when fewer are left than that.
    """
    Account.objects.lock(contract_id)
    boost = Boost.objects.filter(contract=contract_id, pk=boost_id).first()
    if boost is None or boost.state == State.OVER or (boost.state == State.RUNNING and boost.ends_at <= now):
        raise TurboRefused(_("Turbo has ended by itself already."))
    if boost.state == State.STOPPED:
        return boost
    if turbo_terms.unused_hours(boost, now) != seen_hours:
        raise TurboRefused(_("Another number of full hours is left now. Please look at the sum and stop it once more."))
    return _stop(boost, now=now)


@transaction.atomic
def stop_for(contract_id: int, *, now: datetime) -> Boost | None:
    """The same for a service that ends or pauses: a running boost is stopped, if there is one."""
    Account.objects.lock(contract_id)
    _close_due(Boost.objects.filter(contract=contract_id), now=now)
    boost = _running(contract_id)
    return _stop(boost, now=now) if boost else None


def lines_of_stopping(contract_id: int, *, now: datetime) -> list[Line]:
    """What `stop` and `stop_for` would post at `now`: for a preview."""
    boost = _running(contract_id)
    return back_lines(boost, now=now) if boost and boost.ends_at > now else []


def back_lines(boost: Boost, *, now: datetime) -> list[Line]:
    return turbo_terms.back_lines(boost, boost.presses.order_by("-pk"), now)


def _running(contract_id: int) -> Boost | None:
    return Boost.objects.filter(contract=contract_id, state=State.RUNNING).first()


def _stop(boost: Boost, *, now: datetime) -> Boost:
    lines = back_lines(boost, now=now)
    boost.state, boost.finished_at = State.STOPPED, now
    boost.save(update_fields=["state", "finished_at"])
    charges.post(boost.contract_id, lines, now=now)
    back = str(lines[0].amount) if lines else ""
    _tell(boost, "turbo_stopped", f"boost:{boost.pk}", now, back=back, hours=turbo_terms.unused_hours(boost, now))
    return boost


# --- Over


def end_due(*, now: datetime) -> int:
    """Close the boosts whose time is over; returns how many. The speed has fallen at that moment already."""
    due = Boost.objects.filter(state=State.RUNNING, ends_at__lte=now).order_by("contract_id")
    return sum(_end(contract_id, now=now) for contract_id in list(due.values_list("contract_id", flat=True)[:A_ROUND]))


@transaction.atomic
def _end(contract_id: int, *, now: datetime) -> int:
    Account.objects.lock(contract_id)
    return _close_due(Boost.objects.filter(contract=contract_id), now=now)


def _close_due(boosts: QuerySet[Boost], *, now: datetime) -> int:
    """Under the account's lock: a press that extends one waits, or has moved its end already."""
    due = list(boosts.filter(state=State.RUNNING, ends_at__lte=now))
    for boost in due:
        boost.state, boost.finished_at = State.OVER, boost.ends_at
        boost.save(update_fields=["state", "finished_at"])
        _tell(boost, "turbo_over", f"boost:{boost.pk}", now, since=boost.started_at.isoformat())
    return len(due)


def _tell(boost: Boost, kind: str, about: str, now: datetime, **facts: object) -> None:
    outbox.tell(boost.contract_id, Topic.TARIFF, kind, about=about, now=now, **facts)
    live.publish(boost.contract_id, "service")
