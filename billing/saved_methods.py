"""Cards that a gateway keeps for a subscriber."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from billing import autopay
from billing.gateways import Saved
from billing.models import Account, Autopay, PaymentMethod
from notifications import outbox
from notifications.models import Topic


class NoSuchMethod(Exception):
    """The message is for the subscriber."""


def keep(account: Account, gateway: str, saved: Saved, *, now: datetime) -> PaymentMethod | None:
    """Remember what the payer agreed to keep, under the account's lock; once removed and agreed to again, it returns.

    None for a number that is another account's: the gateway must not lend a card across contracts.
    """
    method, is_new = PaymentMethod.objects.get_or_create(
        gateway=gateway,
        gateway_id=saved.gateway_id,
        defaults={"account": account, "title": saved.title[:60], "saved_at": now},
    )
    if method.account_id != account.pk:
        return None
    if not is_new and method.forgotten_at:
        method.forgotten_at, method.saved_at = None, now
        method.save(update_fields=["forgotten_at", "saved_at"])
    return method


@transaction.atomic
def forget(contract_id: int, *, method_id: int, now: datetime) -> PaymentMethod:
    """Remove a saved card; an autopay that charges it stops. Raises NoSuchMethod."""
    account = Account.objects.lock(contract_id)
    method = PaymentMethod.objects.usable().filter(account=account, pk=method_id).first()
    if method is None:
        raise NoSuchMethod(_("This card is removed already."))
    method.forgotten_at = now
    method.save(update_fields=["forgotten_at"])
    charges_it = Autopay.objects.filter(account=account, method=method).exists()
    if charges_it and autopay.stop(contract_id, Autopay.Stopped.CARD_GONE, now=now):
        about = f"autopay:{now.isoformat()}"
        outbox.tell(contract_id, Topic.MONEY, "autopay_off", about=about, now=now, card=str(method))
    return method
