"""Subscribers and their contracts."""

from __future__ import annotations

import uuid
from datetime import date

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _
from phonenumber_field.modelfields import PhoneNumberField

from accounts import vault

from .places import City, House


class Subscriber(models.Model):
    """A person or a legal entity. Passport and INN are sealed; only `vault` opens them, only matching compares them."""

    class Kind(models.TextChoices):
        PERSON = "person", _("person")
        LEGAL_ENTITY = "legal", _("legal entity")

    # Part of what the sealed fields are bound to, so it must exist before the row has a number.
    ref = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(_("kind"), max_length=6, choices=Kind.choices, default=Kind.PERSON)
    name = models.CharField(_("full name or company name"), max_length=200)
    phone = PhoneNumberField(_("mobile phone"), blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    passport_sealed = models.BinaryField(null=True, editable=False)
    passport_match = models.BinaryField(null=True, editable=False)
    inn_sealed = models.BinaryField(null=True, editable=False)
    inn_match = models.BinaryField(null=True, editable=False)
    kpp = models.CharField(_("KPP"), max_length=9, blank=True, validators=[RegexValidator(r"^\d{9}$")])

    class Meta:
        verbose_name = _("subscriber")
        verbose_name_plural = _("subscribers")
        constraints = [
            models.UniqueConstraint(fields=["passport_match"], name="one_subscriber_per_passport"),
            models.UniqueConstraint(
                fields=["inn_match", "kpp"], condition=Q(kind="legal"), name="one_legal_entity_per_inn_and_kpp"
            ),
        ]
        indexes = [GinIndex(OpClass(Upper("name"), name="gin_trgm_ops"), name="subscriber_name_trigrams")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_legal_entity(self) -> bool:
        return self.kind == self.Kind.LEGAL_ENTITY

    @property
    def has_passport(self) -> bool:
        return self.passport_sealed is not None

    @property
    def has_inn(self) -> bool:
        return self.inn_sealed is not None

    def set_passport(self, series_and_number: str) -> None:
        """Seal a passport's series and number; spaces and signs do not matter. The row is not saved."""
        self.passport_sealed = vault.seal(vault.digits(series_and_number), bound_to=f"passport:{self.ref}")
        self.passport_match = vault.match(vault.digits(series_and_number), purpose="passport")

    def set_inn(self, inn: str) -> None:
        """Seal an INN. The row is not saved."""
        self.inn_sealed = vault.seal(vault.digits(inn), bound_to=f"inn:{self.ref}")
        self.inn_match = vault.match(vault.digits(inn), purpose="inn")

    def opened_inn(self) -> str:
        """For papers made out to the company itself; empty without one."""
        return vault.unseal(self.inn_sealed, bound_to=f"inn:{self.ref}") if self.inn_sealed else ""

    def passport_is(self, series_and_number: str) -> bool:
        return vault.matches(self.passport_match, vault.digits(series_and_number), purpose="passport")

    def inn_is(self, inn: str) -> bool:
        return vault.matches(self.inn_match, vault.digits(inn), purpose="inn")


class ContractQuerySet(models.QuerySet["Contract"]):
    def with_address(self) -> ContractQuerySet:
        return self.select_related("city", "house__street", "subscriber")

    def in_force(self) -> ContractQuerySet:
        return self.exclude(state=Contract.State.TERMINATED)


class Contract(models.Model):
    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        SUSPENDED_FOR_DEBT = "debt", _("suspended for debt")
        SUSPENDED_BY_WISH = "wish", _("suspended by wish")
        TERMINATED = "terminated", _("terminated")

    number = models.CharField(_("contract number"), max_length=12, unique=True, editable=False)
    city = models.ForeignKey(City, models.PROTECT, related_name="contracts", verbose_name=_("city"))
    house = models.ForeignKey(House, models.PROTECT, related_name="contracts", verbose_name=_("house"))
    flat = models.CharField(_("flat or office"), max_length=10, blank=True)
    subscriber = models.ForeignKey(Subscriber, models.PROTECT, related_name="contracts", verbose_name=_("subscriber"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.ACTIVE)
    started_on = models.DateField(_("in force from"))
    ended_on = models.DateField(_("ended on"), null=True, blank=True)

    objects = ContractQuerySet.as_manager()

    class Meta:
        verbose_name = _("contract")
        verbose_name_plural = _("contracts")
        ordering = ["-pk"]
        permissions = [("reissue_password", "Can check the passport and reissue the password")]
        constraints = [
            models.CheckConstraint(condition=Q(number__regex=r"^[0-9]{6,12}$"), name="contract_number_is_digits"),
            models.CheckConstraint(
                condition=Q(state="terminated", ended_on__isnull=False) | (~Q(state="terminated") & Q(ended_on=None)),
                name="only_a_terminated_contract_has_an_end",
            ),
            models.CheckConstraint(
                condition=Q(ended_on=None) | Q(ended_on__gte=F("started_on")), name="contract_ends_after_its_start"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_terminated(self) -> bool:
        return self.state == self.State.TERMINATED

    @property
    def address(self) -> str:
        """City, street, house and flat; wants `with_address()`."""
        parts = [str(self.city), str(self.house)]
        if self.flat:
            room = _("office %(flat)s") if self.subscriber.is_legal_entity else _("fl. %(flat)s")
            parts.append(str(room) % {"flat": self.flat})
        return ", ".join(parts)

    def tenure(self, today: date) -> tuple[int, int, int]:
        """Full years, months and days with «Марк» since the start date."""
        months = (today.year - self.started_on.year) * 12 + today.month - self.started_on.month
        while _add_months(self.started_on, months) > today:
            months -= 1
        return months // 12, months % 12, (today - _add_months(self.started_on, months)).days


def _add_months(day: date, months: int) -> date:
    year, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + year, month + 1, 1)
    last = (date(first.year + month // 11, (month + 1) % 12 + 1, 1) - first).days
    return first.replace(day=min(day.day, last))
