"""Checking a password: a subscriber's by city and login, a member of staff's by login alone, never one for the other.

Every refusal costs the same hash, so that time does not tell an unknown login from a wrong password. How often one may
try is not known here: `accounts.sign_in` reserves the try first.
"""

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.http import HttpRequest

from accounts.models import Contract, User

# No page of the cabinet shows them, so no page carries them.
SEALED = [
    f"contract__subscriber__{field}" for field in ("passport_sealed", "passport_match", "inn_sealed", "inn_match")
]


def _checked(user: User | None, password: str) -> User | None:
    if user is None:
        User().set_password(password)
        return None
    return user if user.check_password(password) else None


class SubscriberBackend(BaseBackend):
    def authenticate(  # type: ignore[override]  # the stubs name no credentials
        self,
        request: HttpRequest | None,
        city: str | None = None,
        login: str | None = None,
        password: str | None = None,
    ) -> User | None:
        if city is None or login is None or password is None:
            return None
        found = User.objects.select_related("contract").filter(city__slug=city, login=login.lower()).first()
        user = _checked(found, password)
        return user if user and _may_enter(user) else None

    def get_user(self, user_id: int) -> User | None:
        user = (
            User.objects.select_related("contract__city", "contract__house__street", "contract__subscriber")
            .defer(*SEALED)
            .filter(pk=user_id, is_staff=False)
            .first()
        )
        return user if user and _may_enter(user) else None


def _may_enter(user: User) -> bool:
    return user.is_active and user.contract is not None and user.contract.state != Contract.State.TERMINATED


class StaffBackend(ModelBackend):
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_kwargs: object
    ) -> User | None:
        if username is None or password is None:
            return None
        user = _checked(User.objects.filter(city=None, is_staff=True, login=username.lower()).first(), password)
        return user if user and self.user_can_authenticate(user) else None

    def get_user(self, user_id: int) -> User | None:
        user = User.objects.filter(pk=user_id, is_staff=True).first()
        return user if user and self.user_can_authenticate(user) else None
