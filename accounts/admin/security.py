"""Locks on signing in: who is shut out, from where, until when, and the way to open."""

from __future__ import annotations

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts import networks, sign_in
from accounts.models import SignInLock
from accounts.staff import cities_of

from .base import ReadOnlyAdmin, author_of


@admin.register(SignInLock)
class SignInLockAdmin(ReadOnlyAdmin):
    """Rows appear by failed tries; deleting one lets its login or network try again at once."""

    city_path = None
    list_display = ["subject", "kind", "used", "ceiling", "is_locked", "resets_at"]
    search_fields = ["subject"]
    search_help_text = _("City and login, for example izhevsk/100001, or a network")
    ordering = ["-resets_at"]
    actions = ["unlock"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[SignInLock]:
        """Counts still running, of logins in the staff member's cities; networks and staff only for supervisors."""
        seen = models.Q(pk=None)
        for slug in cities_of(request.user).values_list("slug", flat=True):
            seen |= models.Q(subject__startswith=f"{slug}/")
        if request.user.has_perm("accounts.change_user"):
            seen |= models.Q(subject__startswith="staff/") | models.Q(scope=sign_in.BY_NETWORK.scope)
        return SignInLock.objects.filter(seen, resets_at__gt=timezone.now())

    @admin.display(description=_("counts"))
    def kind(self, lock: SignInLock) -> str:
        return str(KINDS.get(lock.scope, lock.scope))

    @admin.display(description=_("locked"), boolean=True)
    def is_locked(self, lock: SignInLock) -> bool:
        return lock.used >= lock.ceiling

    @admin.action(description=_("Unlock"), permissions=["unlock"])
    def unlock(self, request: HttpRequest, locks: models.QuerySet[SignInLock]) -> None:
        for lock in locks:
            sign_in.unlock(
                lock, actor=author_of(request), network_address=networks.address_of(request), now=timezone.now()
            )

    def has_unlock_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.delete_signinlock")


KINDS = {
    sign_in.BY_LOGIN_AND_NETWORK.scope: _("a login from one network"),
    sign_in.BY_LOGIN.scope: _("a login from anywhere"),
    sign_in.BY_NETWORK.scope: _("any login from one network"),
}
