"""The turbo button."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Contract

from .catalogue import TurboPackage
from .services import OfferUse


class Boost(models.Model):
    """More speed until `ends_at`; pressing again extends it."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        OVER = "over", _("over")
        STOPPED = "stopped", _("stopped early")

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="boosts", verbose_name=_("contract"))
    factor = models.DecimalField(_("times faster"), max_digits=4, decimal_places=1)
    started_at = models.DateTimeField(_("began"))
    ends_at = models.DateTimeField(_("ends"))
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.RUNNING)
    finished_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("turbo boost")
        verbose_name_plural = _("turbo boosts")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract"], condition=Q(state="running"), name="one_running_boost_per_contract"
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("started_at")), name="a_boost_ends_after_its_start"),
        ]
        indexes = [models.Index("ends_at", condition=Q(state="running"), name="boosts_to_end")]

    def __str__(self) -> str:
        return f"{self.contract} {self.started_at:%Y-%m-%d}"


class Press(models.Model):
    """One press of the button: what it cost and how many hours it gave. Its ledger entry is `turbo:<pk>`."""

    operation = models.UUIDField(unique=True, editable=False)
    boost = models.ForeignKey(Boost, models.PROTECT, related_name="presses", verbose_name=_("boost"))
    package = models.ForeignKey(TurboPackage, models.PROTECT, related_name="+", verbose_name=_("package"))
    hours = models.PositiveSmallIntegerField(_("hours"))
    price = models.DecimalField(_("price, ₽"), max_digits=8, decimal_places=2)
    offer_use = models.ForeignKey(OfferUse, models.PROTECT, null=True, blank=True, related_name="presses")  # free
    at = models.DateTimeField(_("pressed"))

    class Meta:
        verbose_name = _("press of the turbo button")
        verbose_name_plural = _("presses of the turbo button")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.hours} h"
