"""What the network equipment was told about each contract, and what it has still to be told."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Contract


class AccessState(models.Model):
    """The last access decided for a contract: on or off, and the speed, in Mbit/s (None without internet)."""

    contract = models.OneToOneField(Contract, models.CASCADE, primary_key=True, related_name="access_state")
    is_on = models.BooleanField()
    down = models.PositiveIntegerField(null=True)
    up = models.PositiveIntegerField(null=True)
    number = models.PositiveIntegerField(default=0)  # of the last change

    class Meta:
        verbose_name = _("access of a contract")
        verbose_name_plural = _("access of contracts")

    def __str__(self) -> str:
        return str(self.contract)


class AccessChange(models.Model):
    """One change for the equipment; a contract's changes are sent in the order of their numbers."""

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="access_changes", verbose_name=_("contract"))
    number = models.PositiveIntegerField(_("number"))
    is_on = models.BooleanField(_("on"))
    down = models.PositiveIntegerField(_("to the subscriber, Mbit/s"), null=True)
    up = models.PositiveIntegerField(_("from the subscriber, Mbit/s"), null=True)
    reason = models.CharField(_("why"), max_length=20, blank=True)
    created_at = models.DateTimeField(_("decided"))
    sent_at = models.DateTimeField(_("accepted by the equipment"), null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(_("error"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("change of access")
        verbose_name_plural = _("changes of access")
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["contract", "number"], name="one_change_of_access_of_a_number")]
        indexes = [models.Index("next_try_at", condition=Q(sent_at=None), name="access_changes_to_send")]

    def __str__(self) -> str:
        return f"{self.contract} {self.number}"
