"""Who signs in: a subscriber's contract or a member of staff, never both; their sessions and printed passwords."""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.sessions.base_session import AbstractBaseSession
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .contracts import Contract
from .places import City


class UserManager(BaseUserManager["User"]):
    def create_superuser(self, login: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(login=login, is_staff=True, is_superuser=True, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, login: str | None) -> User:
        return self.get(login=login, city=None)


class User(AbstractBaseUser, PermissionsMixin):
    """A login with a password. A subscriber's has a city and a contract; a member of staff's has neither."""

    login = models.CharField(_("login"), max_length=32, validators=[RegexValidator(r"^[a-z0-9._-]+$")])
    city = models.ForeignKey(City, models.PROTECT, null=True, blank=True, editable=False, related_name="+")
    contract = models.OneToOneField(Contract, models.CASCADE, null=True, blank=True, editable=False)
    is_staff = models.BooleanField(default=False, editable=False)
    is_active = models.BooleanField(_("may sign in"), default=True)
    name = models.CharField(_("name"), max_length=120, blank=True, help_text=_("Of a member of staff."))
    cities = models.ManyToManyField(
        City, blank=True, related_name="staff", verbose_name=_("cities"), help_text=_("Staff see only these.")
    )
    password_changed_at = models.DateTimeField(null=True, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "login"
    REQUIRED_FIELDS = []

    class Meta:
        verbose_name = _("staff member")
        verbose_name_plural = _("staff")
        constraints = [
            models.UniqueConstraint(fields=["city", "login"], nulls_distinct=False, name="one_login_per_city"),
            models.CheckConstraint(
                condition=Q(is_staff=True, contract=None, city=None)
                | Q(is_staff=False, is_superuser=False, contract__isnull=False, city__isnull=False),
                name="a_user_is_staff_or_a_subscriber",
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.login

    def get_short_name(self) -> str:
        return self.name.split()[0] if self.name else self.login


class Session(AbstractBaseSession):
    """A Django session that knows whose it is and from where, so that its owner can list and end it."""

    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="sessions")
    network_address = models.GenericIPAddressField(null=True)
    user_agent = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["user", "-seen_at"], name="sessions_of_a_user")]

    @property
    def handle(self) -> str:
        """Names the session in a page without giving its key away."""
        return hashlib.sha256(self.session_key.encode()).hexdigest()[:16]

    @classmethod
    def get_session_store_class(cls) -> Any:
        from accounts.sessions import SessionStore

        return SessionStore


class CredentialSheet(models.Model):
    """A fresh password waiting to be shown once. Sealed; gone after the first look or after its time."""

    contract = models.OneToOneField(Contract, models.CASCADE)
    password_sealed = models.BinaryField()
    author = models.ForeignKey(User, models.CASCADE)
    expires_at = models.DateTimeField()
