"""How often somebody tried something: the only counter behind sign-in locks and limits of public forms."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _


class Limit(models.Model):
    """One count of tries by one subject. Written only by `accounts.limits`."""

    scope = models.CharField(_("what"), max_length=40)
    subject = models.CharField(_("who"), max_length=120)
    used = models.PositiveIntegerField(_("tries"))
    ceiling = models.PositiveIntegerField(_("allowed"))
    resets_at = models.DateTimeField(_("until"), db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scope", "subject"], name="one_limit_per_scope_and_subject")]

    def __str__(self) -> str:
        return self.subject


class SignInLockQuerySet(models.QuerySet["SignInLock"]):
    def in_force(self, *, now: datetime) -> SignInLockQuerySet:
        return self.filter(used__gte=models.F("ceiling"), resets_at__gt=now)


class SignInLockManager(models.Manager["SignInLock"]):
    def get_queryset(self) -> SignInLockQuerySet:
        return SignInLockQuerySet(self.model, using=self._db).filter(scope__startswith="sign-in")

    def in_force(self, *, now: datetime) -> SignInLockQuerySet:
        return self.get_queryset().in_force(now=now)


class SignInLock(Limit):
    """What staff see of the sign-in attempts: who is locked out, from which network, until when."""

    objects: ClassVar[SignInLockManager] = SignInLockManager()

    class Meta:
        proxy = True
        verbose_name = _("sign-in lock")
        verbose_name_plural = _("sign-in locks")
        ordering = ["-resets_at"]
