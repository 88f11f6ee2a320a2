"""«Подключиться»: somebody wants a contract."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from .places import City
from .users import User


class ConnectionRequestQuerySet(models.QuerySet["ConnectionRequest"]):
    def open(self) -> ConnectionRequestQuerySet:
        return self.filter(handled_at=None)

    def overdue(self, *, now: datetime) -> ConnectionRequestQuerySet:
        return self.open().filter(deadline_at__lt=now)


class ConnectionRequest(models.Model):
    class State(models.TextChoices):
        NEW = "new", _("new")
        TAKEN = "taken", _("in work")
        CONNECTED = "connected", _("connected")
        REFUSED = "refused", _("refused by the person")
        UNREACHABLE = "unreachable", _("could not be reached")

    name = models.CharField(_("name"), max_length=100)
    phone = PhoneNumberField(_("mobile phone"))
    city = models.ForeignKey(City, models.PROTECT, null=True, blank=True, verbose_name=_("city"))
    # What the person was looking at, by its name alone: this app knows nothing of what is sold.
    interest = models.CharField(_("interested in"), max_length=160, blank=True)
    state = models.CharField(_("state"), max_length=11, choices=State.choices, default=State.NEW)
    note = models.TextField(_("note"), blank=True, max_length=2000)
    created_at = models.DateTimeField(_("sent"))
    deadline_at = models.DateTimeField(_("call before"))
    taken_by = models.ForeignKey(User, models.PROTECT, null=True, blank=True, verbose_name=_("who took it"))
    taken_at = models.DateTimeField(_("taken"), null=True, blank=True)
    handled_at = models.DateTimeField(_("handled"), null=True, blank=True)
    # Kept beside the dates: holidays and working hours may change later, the time that was taken does not.
    minutes_taken = models.PositiveIntegerField(_("working minutes taken"), null=True, blank=True)

    objects = ConnectionRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("connection request")
        verbose_name_plural = _("connection requests")
        ordering = [F("handled_at").desc(nulls_first=True), "deadline_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["new", "taken"], handled_at=None)
                | (~Q(state__in=["new", "taken"]) & Q(handled_at__isnull=False, minutes_taken__isnull=False)),
                name="a_closed_request_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(state="new", taken_by=None, taken_at=None)
                | (~Q(state="new") & Q(taken_by__isnull=False, taken_at__isnull=False)),
                name="every_request_but_a_new_one_has_its_operator",
            ),
            # A double click or an impatient second form: the phone is already in the queue.
            models.UniqueConstraint(
                fields=["phone"], condition=Q(handled_at=None), name="one_open_connection_request_per_phone"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_open(self) -> bool:
        return self.handled_at is None

    def is_overdue(self, now: datetime) -> bool:
        return self.is_open and self.deadline_at < now
