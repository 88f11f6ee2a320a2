"""A terminal network's register of one day, compared with the payments we know."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User

from .payments import Payment


class Registry(models.Model):
    gateway = models.CharField(_("gateway"), max_length=12)
    day = models.DateField(_("day"))
    file_name = models.CharField(_("file"), max_length=200)
    uploaded_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("uploaded by"))
    uploaded_at = models.DateTimeField(_("uploaded"))

    class Meta:
        verbose_name = _("terminal register")
        verbose_name_plural = _("terminal registers")
        ordering = ["-day", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["gateway", "day"], name="one_register_per_gateway_and_day"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.day}"


class RegistryLine(models.Model):
    """A payment of the register, or one of ours that the register does not have, with what is wrong about it."""

    class Difference(models.TextChoices):
        NONE = "", _("agrees")
        MISSING = "missing", _("not with us")
        SUM = "sum", _("another sum")
        CONTRACT = "contract", _("another contract")
        EXTRA = "extra", _("not in the register")
        UNKNOWN = "unknown", _("no such contract")

    registry = models.ForeignKey(Registry, models.CASCADE, related_name="lines", verbose_name=_("register"))
    number = models.CharField(_("number at the terminal"), max_length=20)
    contract_number = models.CharField(_("contract number"), max_length=20)
    amount = models.DecimalField(_("sum"), max_digits=12, decimal_places=2)
    paid_at = models.DateTimeField(_("paid"))
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="+", verbose_name=_("payment"))
    difference = models.CharField(_("difference"), max_length=8, choices=Difference.choices, blank=True)
    corrected_at = models.DateTimeField(_("corrected"), null=True)
    corrected_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("corrected by"))

    class Meta:
        verbose_name = _("line of a register")
        verbose_name_plural = _("lines of registers")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["registry", "number"], name="one_line_per_number_in_a_register"),
            models.CheckConstraint(
                condition=Q(corrected_at=None, corrected_by=None) | Q(corrected_by__isnull=False),
                name="a_corrected_line_says_by_whom",
            ),
        ]

    def __str__(self) -> str:
        return self.number
