"""Accounts, the ledger, and adjustments by staff."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Contract, User
from billing.templatetags.money import signed_rubles


class AccountManager(models.Manager["Account"]):
    def lock(self, contract_id: int) -> Account:
        """The account of a contract, locked until the transaction ends. Lock first, then read, then decide."""
        return self.select_for_update(no_key=True, of=("self",)).select_related("contract").get(pk=contract_id)

    def lock_if_free(self, contract_id: int) -> Account | None:
        """The same for a task that comes again: None while somebody else holds it."""
        free = self.select_for_update(no_key=True, skip_locked=True, of=("self",)).select_related("contract")
        return free.filter(pk=contract_id).first()


class Account(models.Model):
    """A contract's money, and the lock of everything that changes it. A trigger opens one with each contract."""

    contract = models.OneToOneField(Contract, models.PROTECT, primary_key=True, verbose_name=_("contract"))
    # Written by the ledger's insert trigger alone: always the sum of the entries.
    balance = models.DecimalField(_("balance"), max_digits=14, decimal_places=2, default=0, editable=False)
    credit_limit = models.DecimalField(
        _("credit limit, ₽"),
        max_digits=12,
        decimal_places=2,
        default=0,
        db_default=0,
        help_text=_("How far below zero the account may go before the service stops."),
    )
    allows_promises = models.BooleanField(
        _("promised payments by contract"),
        default=False,
        db_default=False,
        help_text=_("Persons may always take them; a legal entity only when its contract says so."),
    )

    objects = AccountManager()

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [models.CheckConstraint(condition=Q(credit_limit__gte=0), name="a_credit_limit_is_not_negative")]

    def __str__(self) -> str:
        return self.contract.number


class EntryKind(models.TextChoices):
    TOP_UP = "topup", _("top-up")
    MONTH = "month", _("monthly fee")
    CHARGE = "charge", _("charge")
    REFUND = "refund", _("refund")
    DISCOUNT = "discount", _("discount")
    PAYOUT = "payout", _("returned to the payer")
    ADJUSTMENT = "adjust", _("adjustment")


class LedgerEntry(models.Model):
    """One fact about money. INSERT-only: one trigger refuses UPDATE and DELETE, another adds it to the balance."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="entries", verbose_name=_("account"))
    kind = models.CharField(_("kind"), max_length=10, choices=EntryKind.choices)
    amount = models.DecimalField(_("sum"), max_digits=12, decimal_places=2)
    key = models.CharField(_("fact"), max_length=80, unique=True)
    at = models.DateTimeField(_("time"))
    # What the line is for, in the words of the one who posted it: a tariff's name, a reason.
    title = models.CharField(_("for what"), max_length=200, blank=True)
    author = models.ForeignKey(User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("author"))

    # Set by `history.page`.
    balance_after: Decimal

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger")
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="an_entry_moves_money"),
            models.CheckConstraint(condition=~Q(key=""), name="an_entry_names_its_fact"),
        ]
        indexes = [
            models.Index("account", F("at").desc(), F("id").desc(), include=["amount"], name="ledger_by_time"),
            # Lines come in the order of time, so a few kilobytes find a day among millions of them.
            BrinIndex(fields=["at"], name="ledger_by_day"),
        ]

    def __str__(self) -> str:
        return self.key


class Adjustment(models.Model):
    """A correction by staff, with a reason; above the limit it waits for a second member of staff."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waits for a second signature")
        POSTED = "posted", _("posted")
        REJECTED = "rejected", _("rejected")

    # Made when the form is drawn: a form sent twice is one adjustment.
    operation = models.UUIDField(unique=True, editable=False)
    account = models.ForeignKey(Account, models.PROTECT, related_name="adjustments", verbose_name=_("contract"))
    amount = models.DecimalField(
        _("sum, ₽"), max_digits=12, decimal_places=2, help_text=_("With a minus to take from the account.")
    )
    reason = models.CharField(_("reason"), max_length=200, help_text=_("The subscriber sees it in the history."))
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.WAITING, editable=False)
    author = models.ForeignKey(User, models.PROTECT, related_name="+", editable=False, verbose_name=_("author"))
    created_at = models.DateTimeField(_("created"), editable=False)
    second = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", editable=False, verbose_name=_("second signature")
    )
    decided_at = models.DateTimeField(_("decided"), null=True, editable=False)

    class Meta:
        verbose_name = _("adjustment")
        verbose_name_plural = _("adjustments")
        ordering = ["-pk"]
        permissions = [("approve_adjustment", "Can put the second signature under an adjustment")]
        constraints = [
            models.CheckConstraint(condition=~Q(amount=0), name="an_adjustment_moves_money"),
            models.CheckConstraint(condition=~Q(reason=""), name="an_adjustment_has_a_reason"),
            models.CheckConstraint(condition=Q(second=None) | ~Q(second=F("author")), name="two_hands_are_two_people"),
            models.CheckConstraint(
                condition=Q(state="waiting", decided_at=None) | (~Q(state="waiting") & Q(decided_at__isnull=False)),
                name="a_decided_adjustment_has_its_time",
            ),
        ]

    def __str__(self) -> str:
        return signed_rubles(self.amount)

    @property
    def needs_second(self) -> bool:
        return bool(abs(self.amount) > settings.ADJUSTMENT_NEEDS_SECOND_ABOVE)
