"""Changing prices: from a 1st to come, never backwards, and everybody who pays one is told in time.

Telling goes in batches, each a transaction of its own; a worker may die anywhere, and the next run goes on. What a
subscriber was told is their notice: a price corrected later is told again to whoever heard of the first one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import Contract, User
from accounts.templatetags.dates import day
from billing.shares import first_of_month
from notifications import outbox
from notifications.models import Notice, Topic
from tariffs.models import Option, OptionPrice, OptionUse, Subscription, Switch, Tariff, TariffPrice

Priced = Tariff | Option
Price = TariffPrice | OptionPrice

TOLD = "price_changes"  # the notice's kind, also of a correction
MONTHS_AHEAD = 24
BATCH = 500  # contracts told in one transaction


class PriceRefused(Exception):
    """The price cannot be set or changed so; the message says why and from when it could be."""


# --- Setting a price


def first_possible(thing: Priced, *, today: date) -> date:
    """The earliest 1st for a new price: this month's for what has had none, else with time to tell subscribers."""
    if thing.pk is None or not thing.prices.exists():
        return first_of_month(today)
    noticed = today + timedelta(days=settings.PRICE_NOTICE_DAYS)
    return first_of_month(noticed, 0 if noticed.day == 1 else 1)


def refusal(thing: Priced, since: date, *, today: date) -> str:
    """Why no price of this thing may begin on a day; empty where one may."""
    possible = first_possible(thing, today=today)
    if since.day != 1:
        return _("A price begins with a month: choose its 1st.")
    if since < possible:
        if possible == first_of_month(today):
            return _("The first price may begin on %(day)s or later.") % {"day": day(possible)}
        return _("Subscribers are told %(days)d days ahead, so a price may begin on %(day)s or later.") % {
            "days": settings.PRICE_NOTICE_DAYS,
            "day": day(possible),
        }
    if since > first_of_month(today, MONTHS_AHEAD):
        return _("Not more than two years ahead.")
    if thing.pk and thing.prices.filter(since=since).exists():
        return _("There is a price from %(day)s already: correct that one.") % {"day": day(since)}
    return ""


def refusal_to_correct(price: Price, fee: Decimal, *, today: date) -> str:
    """Why a price to come may not become another one; empty where it may."""
    if price.since <= today:
        return _("This price is in force since %(day)s and stays: set a new one from a month to come.") % {
            "day": day(price.since)
        }
    is_late = price.since < today + timedelta(days=settings.PRICE_NOTICE_DAYS)
    if is_late and fee > price.fee and before(price) is not None:
        return _("It is too late to raise it: subscribers are told %(days)d days ahead. It can only be lowered.") % {
            "days": settings.PRICE_NOTICE_DAYS
        }
    return ""


def refusal_to_withdraw(price: Price, *, today: date) -> str:
    """Why a price may not be removed; empty where it may."""
    if price.since <= today:
        return refusal_to_correct(price, price.fee, today=today)
    if told(price).exists():
        return _("Subscribers have been told of this price. Give it the fee of before: they are told that it stays.")
    return ""


@transaction.atomic
def plan(thing: Priced, *, fee: Decimal, since: date, by: User | None, now: datetime) -> Price:
    """Set a price from a 1st on and send for those who tell of it. Raises PriceRefused."""
    _lock(thing)
    if reason := refusal(thing, since, today=timezone.localdate(now)):
        raise PriceRefused(reason)
    price = thing.prices.create(fee=fee, since=since)
    _record(by, "price_planned", price, before(price), now=now)
    _send()
    return price


@transaction.atomic
def correct(price: Price, *, fee: Decimal, by: User | None, now: datetime) -> Price:
    """Another fee from the same day: a new row, so that it is told as a new fact. Raises PriceRefused."""
    thing = thing_of(price)
    _lock(thing)
    price = _locked(price)
    if reason := refusal_to_correct(price, fee, today=timezone.localdate(now)):
        raise PriceRefused(reason)
    old, since = price.fee, price.since
    price.delete()
    new = thing.prices.create(fee=fee, since=since)
    _record(by, "price_corrected", new, old, now=now)
    _send()
    return new


@transaction.atomic
def withdraw(price: Price, *, by: User | None, now: datetime) -> None:
    """Remove a price to come that nobody has been told of. Raises PriceRefused."""
    _lock(thing_of(price))
    price = _locked(price)
    if reason := refusal_to_withdraw(price, today=timezone.localdate(now)):
        raise PriceRefused(reason)
    _record(by, "price_withdrawn", price, before(price), now=now)
    price.delete()


# --- Reading prices


def thing_of(price: Price) -> Priced:
    return price.tariff if isinstance(price, TariffPrice) else price.option


def before(price: Price) -> Decimal | None:
    """The fee that this price takes the place of; None for a first price."""
    earlier = thing_of(price).prices.filter(since__lt=price.since).order_by("-since")
    return earlier.values_list("fee", flat=True).first()


def with_coming(rows: QuerySet[Any], *, today: date) -> QuerySet[Any]:
    """Tariffs or options with `coming_fee` and `coming_since`, their next price to come; None where none is."""
    model, link = (TariffPrice, "tariff") if rows.model is Tariff else (OptionPrice, "option")
    coming = model._default_manager.filter(**{link: OuterRef("pk")}, since__gt=today).order_by("since")
    fee, since = Subquery(coming.values("fee")[:1]), Subquery(coming.values("since")[:1])
    return cast("QuerySet[Any]", rows.annotate(coming_fee=fee, coming_since=since))


# --- Telling those who pay it


@dataclass(frozen=True)
class Progress:
    told: int
    of: int


def progress(price: Price) -> Progress:
    return Progress(told=told(price).count(), of=payers(price).count())


def payers(price: Price) -> QuerySet[Contract]:
    """Contracts to tell: who has the thing when the price begins, or has planned to take it.

    Of a fee that stays what it was, only those who were told otherwise.
    """
    if isinstance(price, TariffPrice):
        having = Subscription.objects.in_force(price.since).filter(tariff=price.tariff_id)
        planning = Switch.objects.filter(tariff=price.tariff_id, state=Switch.State.PLANNED)
        meant = Q(pk__in=having.values("contract")) | Q(pk__in=planning.values("contract"))
    else:
        meant = Q(pk__in=OptionUse.objects.in_force(price.since).filter(option=price.option_id).values("contract"))
    contracts = Contract.objects.in_force().filter(meant)
    if before(price) in (None, price.fee):
        contracts = contracts.filter(Exists(_notices(price).filter(contract=OuterRef("pk"))))
    return contracts


def told(price: Price) -> QuerySet[Contract]:
    """Those of `payers` who have this very price in their inbox."""
    return payers(price).filter(_is_told(price))


def announce_due(*, now: datetime) -> None:
    """Tell of every price that not everybody has been told of yet."""
    this_month = first_of_month(timezone.localdate(now))
    for model in (TariffPrice, OptionPrice):
        due = model._default_manager.filter(announced_at=None, since__gte=this_month)
        for price_id in due.values_list("pk", flat=True).order_by("since", "pk"):
            _announce(model, price_id, now=now)


def _announce(model: type[Price], price_id: int, *, now: datetime) -> None:
    after: int | None = 0
    while after is not None:
        after = _announce_batch(model, price_id, after, now=now)


@transaction.atomic
def _announce_batch(model: type[Price], price_id: int, after: int, *, now: datetime) -> int | None:
    """Tell the next contracts past the number `after`; the last one told, or None when there is nothing left to do.

    Nothing past it sends one look back to the beginning: somebody may have taken the tariff meanwhile.
    """
    waiting = model._default_manager.select_for_update(skip_locked=True, no_key=True)
    price = waiting.filter(pk=price_id, announced_at=None).first()
    if price is None:
        return None
    left = payers(price).exclude(_is_told(price)).filter(pk__gt=after).order_by("pk")
    ids = list(left.values_list("pk", flat=True)[:BATCH])
    if ids:
        outbox.tell_many(_facts(price, ids), Topic.TARIFF, TOLD, about=_about(price), now=now)
        return ids[-1]
    if after:
        return 0
    price.announced_at = now
    price.save(update_fields=["announced_at"])
    return None


def _facts(price: Price, contract_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """What each contract is told; `told` is the fee that it heard of before, if this one corrects it."""
    thing, old = thing_of(price), before(price)
    facts = {
        "thing": _code(price),
        "name": thing.name,
        "name_en": thing.name_en,
        "old": str(old) if old is not None else None,
        "fee": str(price.fee),
        "since": price.since.isoformat(),
        "stays": old == price.fee,
        "is_option": isinstance(price, OptionPrice),
    }
    heard = dict(
        _notices(price).filter(contract__in=list(contract_ids)).order_by("pk").values_list("contract", "facts__fee")
    )
    return {contract_id: facts | {"told": heard.get(contract_id)} for contract_id in contract_ids}


def _notices(price: Price) -> QuerySet[Notice]:
    """What was told of any price of this thing from this day on."""
    return Notice.objects.filter(kind=TOLD, facts__thing=_code(price), facts__since=price.since.isoformat())


def _is_told(price: Price) -> Exists:
    return Exists(Notice.objects.filter(contract=OuterRef("pk"), kind=TOLD, about=_about(price)))


def _about(price: Price) -> str:
    return f"price:{price.pk}" if isinstance(price, TariffPrice) else f"option_price:{price.pk}"


def _code(price: Price) -> str:
    return f"tariff:{price.tariff_id}" if isinstance(price, TariffPrice) else f"option:{price.option_id}"


def _lock(thing: Priced) -> None:
    type(thing)._default_manager.select_for_update(no_key=True).get(pk=thing.pk)


def _locked(price: Price) -> Price:
    """The row as it is now, until the transaction ends. Raises PriceRefused if somebody has changed it meanwhile."""
    row = type(price)._default_manager.select_for_update().filter(pk=price.pk).first()
    if row is None:
        raise PriceRefused(_("Somebody has just changed this price. Look again."))
    return row


def _record(by: User | None, action: str, price: Price, old: Decimal | None, *, now: datetime) -> None:
    changes = {"fee": [str(old) if old is not None else None, str(price.fee)], "since": price.since.isoformat()}
    journal.record(by, action, thing_of(price), changes=changes, now=now)


def _send() -> None:
    from tariffs.tasks import announce_prices

    announce_prices.delay_on_commit()  # type: ignore[attr-defined]
