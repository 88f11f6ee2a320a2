"""Cards kept at a gateway, and the consent to charge one by itself."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .ledger import Account


class PaymentMethodQuerySet(models.QuerySet["PaymentMethod"]):
    def usable(self) -> PaymentMethodQuerySet:
        return self.filter(forgotten_at=None)


class PaymentMethod(models.Model):
    """A way to pay that a gateway keeps for the subscriber; here are only its name and the gateway's number for it."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="payment_methods", verbose_name=_("contract"))
    gateway = models.CharField(_("gateway"), max_length=12)
    gateway_id = models.CharField(max_length=64, editable=False)
    title = models.CharField(pgettext_lazy("a card", "name"), max_length=60)  # «Мир •• 4477»
    saved_at = models.DateTimeField(_("saved"))
    forgotten_at = models.DateTimeField(_("removed"), null=True, blank=True)

    objects = PaymentMethodQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved card")
        verbose_name_plural = _("saved cards")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["gateway", "gateway_id"], name="one_saved_method_per_number_at_a_gateway")
        ]

    def __str__(self) -> str:
        return self.title


class Autopay(models.Model):
    """A subscriber's consent to be topped up by what is missing, one day before the monthly charge."""

    class Stopped(models.TextChoices):
        BY_WISH = "wish", _("switched off by the subscriber")
        FAILURES = "failures", _("three failures in a row")
        CARD_GONE = "card", _("the card was removed")

    account = models.OneToOneField(
        Account, models.PROTECT, primary_key=True, related_name="autopay", verbose_name=_("contract")
    )
    method = models.ForeignKey(PaymentMethod, models.PROTECT, related_name="+", verbose_name=_("saved card"))
    limit = models.DecimalField(_("not more than, ₽"), max_digits=12, decimal_places=2)
    contact = models.CharField(_("receipt to"), max_length=254)
    consent = models.TextField(_("consent"))  # the very words that were agreed to
    consented_at = models.DateTimeField(_("agreed"))
    is_on = models.BooleanField(_("on"), default=True)
    failures = models.PositiveSmallIntegerField(_("failures in a row"), default=0)
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)
    stopped = models.CharField(_("why stopped"), max_length=8, choices=Stopped.choices, blank=True)

    class Meta:
        verbose_name = _("autopay")
        verbose_name_plural = _("autopay")
        constraints = [
            models.CheckConstraint(
                condition=Q(is_on=True, stopped_at=None, stopped="")
                | (Q(is_on=False, stopped_at__isnull=False) & ~Q(stopped="")),
                name="a_stopped_autopay_says_why",
            )
        ]

    def __str__(self) -> str:
        return str(self.account)
