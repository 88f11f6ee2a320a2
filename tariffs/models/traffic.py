"""Traffic by contract: hours as accounting reports them, days summed from them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Contract


class TrafficHour(models.Model):
    """Bytes of one hour; an import that reports the hour again replaces it.

    PostgreSQL does not check the contract: the import joins contracts, which are never deleted, and a check of each
    row would double its time and touch the row of every contract.
    """

    pk = models.CompositePrimaryKey("contract_id", "hour")
    contract = models.ForeignKey(Contract, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    hour = models.DateTimeField()
    down = models.BigIntegerField()
    up = models.BigIntegerField()


class TrafficDay(models.Model):
    """Bytes of one local day: the sum of its hours, kept by the import."""

    pk = models.CompositePrimaryKey("contract_id", "day")
    contract = models.ForeignKey(Contract, models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    day = models.DateField()
    down = models.BigIntegerField()
    up = models.BigIntegerField()


class TrafficImport(models.Model):
    class State(models.TextChoices):
        WAITING = "waiting", _("waits for a worker")
        READING = "reading", _("being read")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    file = models.FileField(_("file"), upload_to="traffic/")
    file_name = models.CharField(_("file name"), max_length=200)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", verbose_name=_("author"))
    created_at = models.DateTimeField(_("uploaded"))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING)
    bytes_total = models.BigIntegerField(default=0)
    bytes_done = models.BigIntegerField(default=0)  # the file is read twice, first to be checked, then to be written
    rows = models.BigIntegerField(_("rows"), default=0)
    unknown = models.BigIntegerField(_("rows of unknown contracts"), default=0)
    errors = models.JSONField(_("errors"), default=list, blank=True)
    claimed_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("traffic import")
        verbose_name_plural = _("traffic imports")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.file_name

    @property
    def is_checked(self) -> bool:
        return self.bytes_done >= self.bytes_total

    @property
    def is_finished(self) -> bool:
        return self.state in (self.State.DONE, self.State.FAILED)

    @property
    def bytes_written(self) -> int:
        return max(self.bytes_done - self.bytes_total, 0)

    @property
    def bytes_to_do(self) -> int:
        return 2 * self.bytes_total
