"""The first tariff of a contract: given by an operator, charged from the day on."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import contracts, journal
from accounts.models import Contract, User
from billing import charges
from billing.models import Account
from notifications import live, outbox
from notifications.models import Topic
from tariffs import pricing, switch_reasons
from tariffs.models import Subscription, Tariff
from tariffs.switch_lines import Ground, ground
from tariffs.switch_reasons import SwitchRefused


@transaction.atomic
def subscribe(contract_id: int, *, tariff_id: int, now: datetime, by: User | None = None) -> Subscription:
    """Give a contract its first tariff and charge the days left of the month, if there is money for them.

    Without the money the service waits, and what is left then is charged when it comes. Raises SwitchRefused.
    """
    Account.objects.lock(contract_id)
    stands = ground(contract_id, now=now, also=tariff_id)
    tariff = stands.holding.tariffs.get(tariff_id)
    if tariff is None:
        raise SwitchRefused(_("There is no such tariff."))
    if reasons := [reason.text for reason in switch_reasons.of_first(stands, tariff)]:
        raise SwitchRefused(" ".join(reasons))
    begun = Subscription.objects.create(contract_id=contract_id, tariff=tariff, since=stands.today)
    _charge_first(stands, tariff, now=now)
    _tell_first(begun, tariff, now=now)
    if by is not None:
        particulars = {"contract": str(stands.standing.contract), "tariff": tariff.name, "since": str(begun.since)}
        journal.record(by, "tariff_given", begun, changes=particulars, now=now)
    return begun


def _charge_first(stands: Ground, tariff: Tariff, *, now: datetime) -> None:
    contract, lines = stands.standing.contract, first_lines(stands, tariff)
    if contract.state != Contract.State.ACTIVE:
        return  # what is left of the month is charged when the service returns
    if stands.standing.own + sum(line.amount for line in lines) >= 0:
        charges.post(contract.pk, lines, now=now)
    else:
        contracts.suspend_for_debt(contract, reason=_("There is no money for the first month yet."), now=now)


def first_lines(stands: Ground, tariff: Tariff) -> list[charges.Line]:
    """What is left of the month under a first tariff; nothing where the month is charged already."""
    if stands.standing.is_month_charged:
        return []
    return pricing.month_lines(stands.holding.under(tariff, stands.today), stands.today)


def _tell_first(begun: Subscription, tariff: Tariff, *, now: datetime) -> None:
    facts = {"tariff": tariff.name, "tariff_en": tariff.name_en, "since": str(begun.since)}
    outbox.tell(begun.contract_id, Topic.TARIFF, "tariff_given", about=f"subscription:{begun.pk}", now=now, **facts)
    live.publish(begun.contract_id, "service")
