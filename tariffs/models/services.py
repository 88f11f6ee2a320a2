"""What a contract has: its tariff in time, planned switches, options, offers taken, voluntary suspensions."""

from __future__ import annotations

from datetime import date

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Contract, User

from .catalogue import Offer, Option, Tariff


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def in_force(self, on: date) -> SubscriptionQuerySet:
        return self.filter(Q(until=None) | Q(until__gt=on), since__lte=on)


class Subscription(models.Model):
    """The tariff of a contract from a day on; `until` is the first day without it."""

    contract = models.ForeignKey(Contract, models.PROTECT, related_name="subscriptions", verbose_name=_("contract"))
    tariff = models.ForeignKey(Tariff, models.PROTECT, related_name="subscriptions", verbose_name=_("tariff"))
    since = models.DateField(pgettext_lazy("of a day", "from"))
    until = models.DateField(_("until"), null=True, blank=True)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("tariff of a contract")
        verbose_name_plural = _("tariffs of contracts")
        ordering = ["-since", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["contract"], condition=Q(until=None), name="one_tariff_per_contract"),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")), name="a_tariff_ends_after_its_start"
            ),
        ]
        indexes = [models.Index(fields=["contract", "since"], name="subscriptions_by_day")]

    def __str__(self) -> str:
        return f"{self.contract} {self.tariff}"


class Switch(models.Model):
    """A change of tariff: done at once, or planned for a day. Its ledger entries are `switch:<pk>:…`."""

    class State(models.TextChoices):
        PLANNED = "planned", _("planned")
        DONE = "done", _("done")
        CANCELLED = "cancelled", _("cancelled")
        REPLACED = "replaced", _("replaced by another")
        FAILED = "failed", _("could not be done")

    operation = models.UUIDField(unique=True, editable=False)
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="switches", verbose_name=_("contract"))
    old = models.ForeignKey(Tariff, models.PROTECT, related_name="+", verbose_name=_("from the tariff"))
    tariff = models.ForeignKey(Tariff, models.PROTECT, related_name="+", verbose_name=_("to the tariff"))
    on = models.DateField(pgettext_lazy("a switch", "on"))
    is_at_once = models.BooleanField(_("at once"), default=False)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.PLANNED)
    failure = models.CharField(_("why not"), max_length=200, blank=True)
    made_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("made by staff")
    )
    created_at = models.DateTimeField(_("asked for"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("tariff switch")
        verbose_name_plural = _("tariff switches")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract"], condition=Q(state="planned"), name="one_planned_switch_per_contract"
            ),
            models.CheckConstraint(condition=~Q(old=F("tariff")), name="a_switch_changes_the_tariff"),
            models.CheckConstraint(
                condition=Q(state="planned", finished_at=None) | (~Q(state="planned") & Q(finished_at__isnull=False)),
                name="a_finished_switch_has_its_time",
            ),
        ]
        indexes = [models.Index("on", condition=Q(state="planned"), name="switches_to_do")]

    def __str__(self) -> str:
        return f"{self.old} → {self.tariff}"


class OptionUseQuerySet(models.QuerySet["OptionUse"]):
    def in_force(self, on: date) -> OptionUseQuerySet:
        return self.filter(Q(until=None) | Q(until__gt=on), since__lte=on)


class OptionUse(models.Model):
    """An option of a contract in one quantity, from a day on; another quantity is another row.

    Switched off it runs to the 1st (`until`), and may be taken back until then. A row of no days was given up.
    """

    operation = models.UUIDField(unique=True, editable=False)
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="options", verbose_name=_("contract"))
    option = models.ForeignKey(Option, models.PROTECT, related_name="uses", verbose_name=_("option"))
    quantity = models.PositiveSmallIntegerField(_("quantity"), default=1)
    choice = models.CharField(_("chosen"), max_length=80, blank=True)
    since = models.DateField(pgettext_lazy("of a day", "from"))
    until = models.DateField(_("until"), null=True, blank=True)  # the first day without it
    created_at = models.DateTimeField(_("switched on"))
    ended_at = models.DateTimeField(null=True, blank=True)  # set when `until` has come: the row is history

    objects = OptionUseQuerySet.as_manager()

    class Meta:
        verbose_name = _("option of a contract")
        verbose_name_plural = _("options of contracts")
        ordering = ["-pk"]
        constraints = [
            ExclusionConstraint(
                name="one_use_of_an_option_at_a_time",
                expressions=[
                    ("contract", RangeOperators.EQUAL),
                    ("option", RangeOperators.EQUAL),
                    (
                        Func("since", "until", function="daterange", output_field=DateRangeField()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="an_option_in_use_is_at_least_one"),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gte=F("since")), name="an_option_ends_after_its_start"
            ),
        ]
        indexes = [models.Index("until", condition=Q(ended_at=None), name="options_to_end")]

    def __str__(self) -> str:
        return f"{self.option} × {self.quantity}"


class OfferUse(models.Model):
    """An offer that a contract took, with what it promised then. A percentage runs over whole months."""

    operation = models.UUIDField(unique=True, editable=False)
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="offers", verbose_name=_("contract"))
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="uses", verbose_name=_("offer"))
    number = models.PositiveSmallIntegerField(_("which time"), default=1)
    since = models.DateField(pgettext_lazy("of a day", "from"))
    until = models.DateField(_("until"), null=True, blank=True)  # the first day without it; None for what is given once
    percent = models.PositiveSmallIntegerField(_("percent off"), null=True, blank=True)
    option = models.ForeignKey(
        Option, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("option")
    )
    presses_left = models.PositiveSmallIntegerField(_("free turbo presses left"), default=0)
    taken_at = models.DateTimeField(pgettext_lazy("an offer", "taken"))

    class Meta:
        verbose_name = _("offer taken")
        verbose_name_plural = _("offers taken")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["contract", "offer", "number"], name="one_use_of_an_offer_of_a_number"),
            models.CheckConstraint(
                condition=Q(percent=None) | Q(percent__range=(1, 100), until__isnull=False),
                name="a_percentage_taken_has_its_end",
            ),
            models.CheckConstraint(
                condition=Q(until=None) | Q(until__gt=F("since")), name="an_offer_taken_ends_after_its_start"
            ),
        ]
        indexes = [models.Index(fields=["contract", "until"], name="offers_taken_by_end")]

    def __str__(self) -> str:
        return f"{self.offer}"


class Suspension(models.Model):
    """A pause at the subscriber's wish, from `starts_on` to `ends_on`, both included."""

    class State(models.TextChoices):
        PLANNED = "planned", _("planned")
        RUNNING = "running", _("running")
        OVER = "over", _("over")
        CANCELLED = "cancelled", _("cancelled")

    operation = models.UUIDField(unique=True, editable=False)
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="suspensions", verbose_name=_("contract"))
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"))
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.PLANNED)
    charged_to = models.DateField(null=True, blank=True)  # the last day whose daily fee has been looked at
    made_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("made by staff")
    )
    created_at = models.DateTimeField(_("asked for"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("voluntary suspension")
        verbose_name_plural = _("voluntary suspensions")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["contract"],
                condition=Q(state__in=["planned", "running"]),
                name="one_suspension_to_come_per_contract",
            ),
            models.CheckConstraint(condition=Q(ends_on__gte=F("starts_on")), name="a_suspension_ends_after_its_start"),
        ]
        indexes = [
            models.Index("starts_on", condition=Q(state="planned"), name="suspensions_to_start"),
            models.Index("ends_on", condition=Q(state="running"), name="suspensions_to_end"),
        ]

    def __str__(self) -> str:
        return f"{self.starts_on} – {self.ends_on}"
