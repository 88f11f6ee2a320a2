"""The sandbox's bank: what a real gateway would keep on its own side."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q


class BankPayment(models.Model):
    """A payment as the demo's bank knows it. Only `gateways.sandbox` reads and writes it."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        SUCCEEDED = "succeeded"
        CANCELLED = "cancelled"

    number = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    idempotence_key = models.UUIDField(unique=True)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    refunds = models.JSONField(default=dict)  # key of the refund → sum: asked twice, given back once
    refunded = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    reference = models.CharField(max_length=64)  # the shop's name for it
    contract_number = models.CharField(max_length=12)
    method = models.CharField(max_length=8)
    return_url = models.URLField(max_length=2000)
    wants_saving = models.BooleanField(default=False)
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.WAITING)
    failure = models.CharField(max_length=40, blank=True)
    card = models.CharField(max_length=4, blank=True)  # the last four digits
    created_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True)
    confirm_at = models.DateTimeField(null=True)  # «подтвердить с опозданием»: becomes paid then
    notices_left = models.PositiveSmallIntegerField(default=0)
    next_notice_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index("next_notice_at", condition=Q(notices_left__gt=0), name="bank_notices_to_send"),
            models.Index("confirm_at", condition=Q(status="waiting"), name="bank_payments_to_confirm"),
        ]

    def __str__(self) -> str:
        return str(self.number)
