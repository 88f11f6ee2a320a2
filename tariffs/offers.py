"""Offers: taken once or as often as they allow, with what they promised then; what they saved, savings.py says.

What one gives and why it cannot be taken, offer_terms.py says. A percentage runs over whole months, from 1st to 1st.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import Contract, User
from billing import charges
from billing.models import Account
from notifications import live, outbox
from notifications.models import Notice, Topic
from tariffs import offer_shelf, offer_terms, picture, pricing
from tariffs.models import OfferUse
from tariffs.offer_terms import OfferRefused as OfferRefused
from tariffs.offer_terms import Quote
from tariffs.savings import saved as saved

BATCH = 500  # contracts told in one transaction
LATE = timedelta(days=7)  # whoever was not told by then is not told any more
ENDS = "offer_ends"


@transaction.atomic
def take(
    contract_id: int, *, offer_id: int, operation: UUID, now: datetime, seen: str | None = None, by: User | None = None
) -> OfferUse:
    """Take an offer: a percentage from a 1st, a sum at once, free presses of the turbo button to keep.

    `seen` is the seal of what was shown. The same operation is done once. Raises OfferRefused with the reasons and the
    dates that lift them.
    """
    contract = Account.objects.lock(contract_id).contract
    if done := OfferUse.objects.filter(operation=operation).first():
        return _of(contract, done)
    shelf = offer_shelf.of(contract_id, now=now)
    row = shelf.row(offer_id)
    if row is None:
        raise OfferRefused(_("There is no such offer. Choose one from the list."))
    quote = offer_terms.quote(shelf, row)
    quote.refuse_if_locked()
    quote.refuse_unless_seen(seen)
    use = _create(contract, quote, operation, now)
    charges.post(contract_id, quote.lines_of(use.pk), now=now)
    if by:
        journal.record(by, "offer_taken", contract, changes={"offer": row.offer.name}, now=now)
    _tell_taken(use, quote, now)
    return use


def _create(contract: Contract, quote: Quote, operation: UUID, now: datetime) -> OfferUse:
    offer, taken = quote.row.offer, quote.row.taken
    # Not `create`: another contract may send the same operation at the same moment.
    use, _is_new = OfferUse.objects.get_or_create(
        operation=operation,
        defaults={
            "contract": contract,
            "offer": offer,
            "number": max((each.number for each in taken), default=0) + 1,
            "since": quote.since,
            "until": quote.until,
            "percent": offer.percent,
            "option_id": offer.option_id,
            "presses_left": offer.presses or 0,
            "taken_at": now,
        },
    )
    return _of(contract, use)


def _of(contract: Contract, use: OfferUse) -> OfferUse:
    if use.contract_id != contract.pk:
        raise OfferRefused(_("The page has grown old. Please send it again."))
    return use


def _tell_taken(use: OfferUse, quote: Quote, now: datetime) -> None:
    offer = quote.row.offer
    facts = {
        "name": offer.name,
        "percent": use.percent,
        "since": str(use.since),
        "until": str(use.until or ""),
        "credit": str(offer.credit or ""),
        "presses": use.presses_left,
    }
    outbox.tell(use.contract_id, Topic.TARIFF, "offer_taken", about=_fact(use), now=now, **facts)
    live.publish(use.contract_id, "service")


def _fact(use: OfferUse) -> str:
    return f"offer:{use.pk}"


# --- The end of a percentage is told some days before


def tell_ends(*, now: datetime) -> int:
    """Tell each contract once that a percentage ends, and what a month costs then; returns how many were told."""
    told = 0
    while done := _tell_some(now):
        told += done
    return told


@transaction.atomic
def _tell_some(now: datetime) -> int:
    today = timezone.localdate(now)
    about = Concat(Value("offer:"), Cast(OuterRef("pk"), CharField()))
    heard = Notice.objects.filter(contract=OuterRef("contract"), kind=ENDS, about=about)
    due = OfferUse.objects.filter(
        ~Exists(heard),
        contract__in=Contract.objects.in_force(),
        percent__isnull=False,
        until__gt=today - LATE,
        until__lte=today + timedelta(days=settings.OFFER_END_NOTICE_DAYS),
    )
    uses = list(due.select_related("offer").order_by("until", "pk")[:BATCH])
    for until, ending in groupby(uses, key=lambda use: use.until):
        _tell_of(list(ending), until or today, now)
    return len(uses)


def _tell_of(uses: Iterable[OfferUse], until: date, now: datetime) -> None:
    pictures = picture.of_many({use.contract_id for use in uses}, until)
    for use in uses:
        fee: Decimal = pricing.monthly(pictures[use.contract_id])
        facts = {"name": use.offer.name, "until": str(until), "fee": str(fee)}
        outbox.tell(use.contract_id, Topic.TARIFF, ENDS, about=_fact(use), now=now, **facts)
