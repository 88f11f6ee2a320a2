"""The month run: one a month, in ranges of contract numbers, each done once."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class MonthRun(models.Model):
    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")

    month = models.DateField(_("month"), unique=True)  # its 1st
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField(_("begun"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("month run")
        verbose_name_plural = _("month runs")
        ordering = ["-month"]
        constraints = [models.CheckConstraint(condition=Q(month__day=1), name="a_month_run_is_of_a_month")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"


class MonthRange(models.Model):
    """Contracts from `first` to `last`, by primary key, both included."""

    run = models.ForeignKey(MonthRun, models.CASCADE, related_name="ranges", verbose_name=_("month run"))
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    charged = models.PositiveIntegerField(_("contracts charged"), default=0)
    total = models.DecimalField(_("charged, ₽"), max_digits=14, decimal_places=2, default=0)
    suspended = models.PositiveIntegerField(_("suspended for debt"), default=0)

    class Meta:
        verbose_name = _("range of a month run")
        verbose_name_plural = _("ranges of month runs")
        ordering = ["run", "first"]
        constraints = [
            models.UniqueConstraint(fields=["run", "first"], name="one_range_of_a_run_from_a_contract"),
            models.CheckConstraint(condition=Q(last__gte=F("first")), name="a_range_ends_after_its_start"),
        ]
        indexes = [models.Index("run", "first", condition=Q(done_at=None), name="month_ranges_to_do")]

    def __str__(self) -> str:
        return f"{self.first}–{self.last}"
