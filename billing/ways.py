"""The ways to pay that a subscriber may choose of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from billing import gateways
from billing.models import Payment, PaymentMethod


@dataclass(frozen=True)
class Way:
    """One of them; `code` names it in forms and addresses."""

    code: str
    gateway: str
    method: Payment.Method
    saved: PaymentMethod | None = None

    def __str__(self) -> str:
        if self.saved:
            return self.saved.title
        if self.method == Payment.Method.SBP:
            return _("SBP, the Faster Payments System")
        return _("Bank card")


def offered(saved: Iterable[PaymentMethod]) -> list[Way]:
    """Saved cards, then what the gateways take; of two gateways that take the same, the first in the settings."""
    at_work = gateways.offered()
    names = [gateway.name for gateway in at_work]
    kept = [
        Way(f"saved-{card.pk}", card.gateway, Payment.Method.SAVED, card) for card in saved if card.gateway in names
    ]
    taken: dict[Payment.Method, Way] = {}
    for gateway in at_work:
        for method in gateway.methods:
            if method in (Payment.Method.CARD, Payment.Method.SBP):
                taken.setdefault(method, Way(method.value, gateway.name, method))
    return kept + list(taken.values())


def code_of(payment: Payment | None) -> str:
    """The way that a payment went, to offer it again."""
    if payment is None:
        return ""
    return f"saved-{payment.saved_method_id}" if payment.saved_method_id else payment.method
