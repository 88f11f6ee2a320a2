"""Results of speed tests."""

from __future__ import annotations

from django.db import models
from django.db.models import F
from django.utils.translation import gettext_lazy as _

from accounts.models import Contract


class SpeedTest(models.Model):
    """Measured by a signed-in subscriber's browser; speeds in Mbit/s, times in ms."""

    operation = models.UUIDField(unique=True, editable=False)
    contract = models.ForeignKey(Contract, models.CASCADE, related_name="speed_tests", verbose_name=_("contract"))
    at = models.DateTimeField(_("time"))
    ping = models.FloatField(_("ping, ms"))
    jitter = models.FloatField(_("jitter, ms"))
    down = models.FloatField(_("download, Mbit/s"))
    up = models.FloatField(_("upload, Mbit/s"))
    tariff_down = models.PositiveIntegerField(_("by the tariff, Mbit/s"), null=True)
    tariff_up = models.PositiveIntegerField(null=True)
    is_boosted = models.BooleanField(_("turbo"), default=False)
    had_outage = models.BooleanField(_("outage"), default=False)

    class Meta:
        verbose_name = _("speed test")
        verbose_name_plural = _("speed tests")
        ordering = ["-at", "-pk"]
        indexes = [models.Index("contract", F("at").desc(), name="speed_tests_by_time")]

    def __str__(self) -> str:
        return f"{self.down:.0f} / {self.up:.0f}"
