"""Promised payments."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.templatetags.money import rubles

from .ledger import Account


class PromisedPayment(models.Model):
    """A sum lent until a term. It is not money: it lets the service run, the balance does not know it."""

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("of a promise", "open")
        KEPT = "kept", _("kept")
        BROKEN = "broken", _("broken")

    # Made when the form is drawn: two clicks are one promise.
    operation = models.UUIDField(unique=True, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="promises", verbose_name=_("contract"))
    amount = models.DecimalField(_("sum"), max_digits=12, decimal_places=2)
    granted_at = models.DateTimeField(_("given"))
    due_at = models.DateTimeField(_("term"))  # the midnight that ends its last day
    state = models.CharField(_("state"), max_length=6, choices=State.choices, default=State.OPEN)
    closed_at = models.DateTimeField(pgettext_lazy("of a promise", "closed"), null=True, blank=True)
    repaid_at = models.DateTimeField(_("paid since"), null=True, blank=True)  # a broken one: zero was reached later
    # Everything that was in force when it was given: the balance, the days, the limits.
    terms = models.JSONField(_("terms"), encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name = _("promised payment")
        verbose_name_plural = _("promised payments")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["account"], condition=Q(state="open"), name="one_open_promise_per_account"),
            models.CheckConstraint(condition=Q(amount__gt=0), name="a_promise_lends_money"),
            models.CheckConstraint(condition=Q(due_at__gt=F("granted_at")), name="a_promise_ends_after_its_start"),
            models.CheckConstraint(
                condition=Q(state="open", closed_at=None) | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="a_closed_promise_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(repaid_at=None) | Q(state="broken"), name="only_a_broken_promise_is_paid_since"
            ),
        ]
        indexes = [models.Index("due_at", condition=Q(state="open"), name="promises_to_close")]

    def __str__(self) -> str:
        return rubles(self.amount)
