"""Fiscal receipts (54-ФЗ): one for each payment, one for each refund."""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex, OpClass
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .payments import Payment, Refund


class Receipt(models.Model):
    class Kind(models.TextChoices):
        INCOME = "income", _("receipt")
        RETURN = "return", _("receipt of a refund")

    class State(models.TextChoices):
        WAITING = "waiting", _("to be sent")
        SENT = "sent", _("being registered")
        REGISTERED = "registered", _("registered")
        FAILED = "failed", _("failed")
        BY_AGENT = "agent", _("given by the terminal")

    payment = models.ForeignKey(Payment, models.PROTECT, related_name="receipts", verbose_name=_("payment"))
    refund = models.OneToOneField(
        Refund, models.PROTECT, null=True, blank=True, related_name="receipt", verbose_name=_("refund")
    )
    kind = models.CharField(_("kind"), max_length=6, choices=Kind.choices, default=Kind.INCOME)
    # Names the receipt to the gateway: sending it twice registers it once.
    operation = models.UUIDField(unique=True, editable=False)
    amount = models.DecimalField(_("sum"), max_digits=12, decimal_places=2)
    contact = models.CharField(_("sent to"), max_length=254, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.WAITING)
    created_at = models.DateTimeField(_("created"))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(_("error"), max_length=200, blank=True)
    gateway_id = models.CharField(_("number at the gateway"), max_length=64, blank=True)
    registered_at = models.DateTimeField(_("registered"), null=True, blank=True)
    fiscal_drive = models.CharField(_("fiscal drive number"), max_length=20, blank=True)  # ФН
    fiscal_document = models.CharField(_("fiscal document number"), max_length=20, blank=True)  # ФД
    fiscal_sign = models.CharField(_("fiscal sign"), max_length=20, blank=True)  # ФПД

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["payment"], condition=Q(refund=None), name="one_receipt_per_payment"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="a_receipt_has_a_sum"),
            models.CheckConstraint(
                condition=Q(kind="income", refund=None) | Q(kind="return", refund__isnull=False),
                name="a_return_receipt_has_its_refund",
            ),
            models.CheckConstraint(
                condition=(Q(state="registered") & Q(registered_at__isnull=False))
                | (~Q(state="registered") & Q(registered_at=None)),
                name="a_registered_receipt_has_its_time",
            ),
        ]
        indexes = [
            models.Index("next_try_at", condition=Q(state__in=["waiting", "sent"]), name="receipts_to_send"),
            models.Index("created_at", condition=Q(state="failed"), name="receipts_failed"),
            BrinIndex(fields=["created_at"], name="receipts_by_creation"),
            models.Index("registered_at", name="receipts_by_day"),
            models.Index("fiscal_document", name="receipts_by_document"),
            models.Index("fiscal_sign", name="receipts_by_sign"),
            models.Index(OpClass(Upper("gateway_id"), "text_pattern_ops"), name="receipts_by_number"),
        ]

    def __str__(self) -> str:
        return self.fiscal_document or str(self.operation)

    @property
    def proof(self) -> str:
        """What a registered receipt's QR code holds, in the tax service's order; empty before that."""
        if not (self.registered_at and self.fiscal_drive and self.fiscal_document and self.fiscal_sign):
            return ""
        at = timezone.localtime(self.registered_at)
        operation = 2 if self.kind == self.Kind.RETURN else 1
        numbers = f"fn={self.fiscal_drive}&i={self.fiscal_document}&fp={self.fiscal_sign}"
        return f"t={at:%Y%m%dT%H%M}&s={self.amount:.2f}&{numbers}&n={operation}"
