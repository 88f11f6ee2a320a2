"""Money on its way: payments through gateways and terminals, what gateways said about them, refunds to the payer."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex, OpClass
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from billing.templatetags.money import rubles

from .autopay import PaymentMethod
from .ledger import Account

HANGS_AFTER = timedelta(hours=1)


class PaymentQuerySet(models.QuerySet["Payment"]):
    def under_way(self) -> PaymentQuerySet:
        return self.filter(state__in=[Payment.State.NEW, Payment.State.PENDING])

    def hanging(self, *, now: datetime) -> PaymentQuerySet:
        """Under way for longer than a payer takes."""
        return self.under_way().filter(created_at__lt=now - HANGS_AFTER)

    def of_number(self, number: str) -> PaymentQuerySet:
        return self.filter(account__contract__number=number)


class Payment(models.Model):
    """One top-up. It is credited once, on the gateway's confirmed word; its entry's key is `payment:<pk>`."""

    class State(models.TextChoices):
        NEW = "new", _("not yet known to the gateway")
        PENDING = "pending", _("waits for the payer")
        SUCCEEDED = "succeeded", _("credited")
        CANCELLED = "cancelled", _("not paid")

    class Method(models.TextChoices):
        CARD = "card", _("bank card")
        SBP = "sbp", _("SBP")
        SAVED = "saved", _("saved card")
        TERMINAL = "terminal", _("payment terminal")

    # Made when the form is drawn: a form sent twice is one payment. Also its address, and its name at the gateway.
    operation = models.UUIDField(unique=True, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="payments", verbose_name=_("contract"))
    gateway = models.CharField(_("gateway"), max_length=12)
    gateway_id = models.CharField(_("number at the gateway"), max_length=64, blank=True)
    method = models.CharField(_("paid by"), max_length=8, choices=Method.choices)
    is_automatic = models.BooleanField(_("autopay"), default=False)
    amount = models.DecimalField(_("sum"), max_digits=12, decimal_places=2)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.NEW)
    failure = models.CharField(_("why not paid"), max_length=40, blank=True)  # a code of gateways.FAILURES
    contact = models.CharField(_("receipt to"), max_length=254, blank=True)  # e-mail, or phone in E.164
    saved_method = models.ForeignKey(PaymentMethod, models.PROTECT, null=True, blank=True, related_name="payments")
    wants_saving = models.BooleanField(default=False)  # the payer agreed that the method is kept for later
    pay_url = models.URLField(max_length=2000, blank=True)
    qr = models.CharField(max_length=2000, blank=True)  # what a QR code of SBP holds
    created_at = models.DateTimeField(_("begun"))
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)  # the payer's moment, by the gateway or terminal
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)  # ours
    next_check_at = models.DateTimeField(null=True, blank=True)  # when the gateway is asked again
    checks = models.PositiveSmallIntegerField(default=0)

    objects = PaymentQuerySet.as_manager()

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="a_payment_brings_money"),
            models.UniqueConstraint(
                fields=["gateway", "gateway_id"],
                condition=~Q(gateway_id=""),
                name="one_payment_per_number_at_a_gateway",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["new", "pending"], finished_at=None)
                | Q(state="succeeded", finished_at__isnull=False, paid_at__isnull=False)
                | Q(state="cancelled", finished_at__isnull=False),
                name="a_finished_payment_has_its_time",
            ),
            # A cancelled one may have none: the gateway refused it, or never answered.
            models.CheckConstraint(
                condition=Q(state__in=["new", "cancelled"]) | ~Q(gateway_id=""), name="a_payment_under_way_has_a_number"
            ),
        ]
        indexes = [
            models.Index("account", F("created_at").desc(), F("id").desc(), name="payments_by_time"),
            models.Index("next_check_at", condition=Q(state__in=["new", "pending"]), name="payments_to_check"),
            models.Index("finished_at", name="payments_by_day"),
            BrinIndex(fields=["created_at"], name="payments_by_beginning"),
            models.Index("amount", name="payments_by_sum"),
            # Found by its first signs too, which an index by the rules of a language would not do.
            models.Index(OpClass(Upper("gateway_id"), "text_pattern_ops"), name="payments_by_number"),
        ]

    def __str__(self) -> str:
        return rubles(self.amount)

    @property
    def is_under_way(self) -> bool:
        return self.state in (self.State.NEW, self.State.PENDING)

    @property
    def paid_by(self) -> str:
        """«Мир •• 4477», «Bank card»; wants `saved_method`."""
        return self.saved_method.title if self.saved_method else capfirst(self.get_method_display())

    @property
    def key(self) -> str:
        """Of its ledger entry."""
        return f"payment:{self.pk}"


class GatewayMessage(models.Model):
    """What somebody told us in a gateway's name, believed or not."""

    class Verdict(models.TextChoices):
        ACCEPTED = "accepted", _("accepted")
        REPEATED = "repeated", _("repeated")
        REFUSED = "refused", _("refused")

    gateway = models.CharField(_("gateway"), max_length=12)
    at = models.DateTimeField(_("time"))
    network_address = models.GenericIPAddressField(_("network address"), null=True)
    method = models.CharField(max_length=8)
    body = models.TextField(_("message"), blank=True)  # cut, card numbers masked
    payment = models.ForeignKey(Payment, models.PROTECT, null=True, related_name="messages", verbose_name=_("payment"))
    verdict = models.CharField(_("verdict"), max_length=8, choices=Verdict.choices)
    reason = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("gateway message")
        verbose_name_plural = _("gateway messages")
        ordering = ["-pk"]
        indexes = [models.Index("at", name="gateway_messages_by_time")]

    def __str__(self) -> str:
        return f"{self.gateway} {self.pk}"


class RefundQuerySet(models.QuerySet["Refund"]):
    def unanswered(self) -> RefundQuerySet:
        """Those that `is_unanswered`."""
        return self.filter(state=Refund.State.SENDING, next_try_at=None)


class Refund(models.Model):
    """Money given back to the payer by staff; above the limit it waits for a second member of staff.

    The account is debited (`refund:<pk>`) before the gateway is asked, and credited again if the gateway refuses.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waits for a second signature")
        SENDING = "sending", _("on its way to the gateway")
        SUCCEEDED = "succeeded", _("given back")
        FAILED = "failed", _("refused by the gateway")
        REJECTED = "rejected", _("rejected")

    operation = models.UUIDField(unique=True, editable=False)
    payment = models.ForeignKey(Payment, models.PROTECT, related_name="refunds", verbose_name=_("payment"))
    amount = models.DecimalField(_("sum, ₽"), max_digits=12, decimal_places=2)
    reason = models.CharField(_("reason"), max_length=200)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.WAITING)
    author = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("author"))
    created_at = models.DateTimeField(_("created"))
    second = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("second signature")
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    gateway_id = models.CharField(_("number at the gateway"), max_length=64, blank=True)
    failure = models.CharField(_("why not"), max_length=200, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    objects = RefundQuerySet.as_manager()

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        ordering = ["-pk"]
        permissions = [("approve_refund", "Can put the second signature under a refund")]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="a_refund_gives_money"),
            models.CheckConstraint(condition=~Q(reason=""), name="a_refund_has_a_reason"),
            models.CheckConstraint(condition=Q(second=None) | ~Q(second=F("author")), name="a_refund_has_two_people"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "sending"], finished_at=None)
                | (~Q(state__in=["waiting", "sending"]) & Q(finished_at__isnull=False)),
                name="a_finished_refund_has_its_time",
            ),
        ]
        indexes = [models.Index("next_try_at", condition=Q(state="sending"), name="refunds_to_send")]

    def __str__(self) -> str:
        return rubles(self.amount)

    @property
    def needs_second(self) -> bool:
        return bool(self.amount > settings.REFUND_NEEDS_SECOND_ABOVE)

    @property
    def is_unanswered(self) -> bool:
        """The gateway has been silent for too long to be asked again: staff look there by themselves."""
        return self.state == self.State.SENDING and self.next_try_at is None

    @property
    def key(self) -> str:
        """Of its ledger entry."""
        return f"refund:{self.pk}"
