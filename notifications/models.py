"""Notices: what subscribers were told."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Contract


class Topic(models.TextChoices):
    TRAFFIC = "traffic", _("traffic")
    MONTH = "month", _("monthly payment")
    OUTAGE = "outage", _("outages and works")
    MONEY = "money", _("money")
    TARIFF = "tariff", _("tariff and options")
    SUPPORT = "support", _("support")
    SECURITY = "security", _("security")


class Notice(models.Model):
    """One fact told to one contract: a line of its inbox, whose words are `templates/notices/<kind>.txt`."""

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="notices", verbose_name=_("contract"))
    topic = models.CharField(_("topic"), max_length=8, choices=Topic.choices)
    kind = models.CharField(_("kind"), max_length=40)
    about = models.CharField(_("fact"), max_length=80)
    facts = models.JSONField(_("particulars"), default=dict, encoder=DjangoJSONEncoder)
    at = models.DateTimeField(_("time"))
    read_at = models.DateTimeField(_("read"), null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["contract", "kind", "about"], name="each_fact_is_told_once")]
        indexes = [
            models.Index("contract", F("at").desc(), F("id").desc(), name="notices_by_time"),
            models.Index("contract", condition=Q(read_at=None), name="notices_unread"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.about}"
