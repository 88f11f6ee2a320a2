"""Passwords: how they are hashed, made, shown once and reissued."""

import secrets
from datetime import datetime, timedelta

from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import journal, limits, sessions, vault
from accounts.models import Contract, CredentialSheet, JournalEntry, User

IDENTITY_TRIES = limits.Allowance("identity-check", ceiling=5, window=timedelta(minutes=15), restarts=True)
CHANGE_TRIES = limits.Allowance("password-change", ceiling=5, window=timedelta(minutes=15), restarts=True)
IDENTITY_HOLDS = timedelta(minutes=10)
SHEET_WAITS = timedelta(minutes=30)

# No letters that look or sound alike, no i/l/o/0/1; read aloud over the phone without questions.
CONSONANTS, VOWELS, FIGURES = "bdfgkmnprstvz", "aeu", "23456789"


class OwaspArgon2idHasher(Argon2PasswordHasher):
    """Argon2id with OWASP's minimum, 19 MiB and 2 passes: eight times cheaper than Django's default, and enough."""

    time_cost = 2
    memory_cost = 19_456  # KiB
    parallelism = 1


class IdentityNotConfirmed(Exception):
    """A password is reissued only after the passport check."""


class SheetGone(Exception):
    """The password was already shown, or waited too long."""


def readable_password() -> str:
    """A random password of about 47 bits that can be dictated: «kamu-tefa-58-nuze-rad3»."""

    def syllables(count: int) -> str:
        return "".join(secrets.choice(CONSONANTS) + secrets.choice(VOWELS) for _number in range(count))

    def figures(count: int) -> str:
        return "".join(secrets.choice(FIGURES) for _number in range(count))

    return f"{syllables(2)}-{syllables(2)}-{figures(2)}-{syllables(2)}-{syllables(1)}{figures(2)}"


def set_password(user: User, password: str, *, now: datetime) -> None:
    """Store a password the subscriber chose or we generated; every session's hash stops matching."""
    user.set_password(password)
    user.password_changed_at = now
    user.save(update_fields=["password", "password_changed_at"])


def issue(user: User, contract: Contract, *, author: User, now: datetime) -> CredentialSheet:
    """Give the contract a new random password and keep it, sealed, for one look by its author."""
    password = readable_password()
    set_password(user, password, now=now)
    CredentialSheet.objects.filter(contract=contract).delete()
    return CredentialSheet.objects.create(
        contract=contract,
        author=author,
        password_sealed=vault.seal(password, bound_to=f"sheet:{contract.pk}"),
        expires_at=now + SHEET_WAITS,
    )


def is_waiting(contract: Contract, *, viewer: User, now: datetime) -> bool:
    """Whether a fresh password waits for this member of staff to look at it."""
    return CredentialSheet.objects.filter(contract=contract, author=viewer, expires_at__gt=now).exists()


@transaction.atomic
def show_once(contract: Contract, *, viewer: User, now: datetime) -> str:
    """The waiting password, for its author only; it is destroyed by this look. Raises SheetGone."""
    sheet = CredentialSheet.objects.select_for_update().filter(contract=contract, author=viewer).first()
    if sheet is None or sheet.expires_at <= now:
        raise SheetGone(_("This password has been shown already or has waited too long. Reissue it if it is lost."))
    password = vault.unseal(sheet.password_sealed, bound_to=f"sheet:{contract.pk}")
    sheet.delete()
    journal.record(viewer, "password_shown", contract, now=now)
    return password


def forget_expired(*, now: datetime) -> int:
    """Destroy passwords that waited too long to be shown. Returns how many."""
    return CredentialSheet.objects.filter(expires_at__lte=now).delete()[0]


def confirm_identity(contract: Contract, typed: str, *, actor: User, now: datetime) -> bool:
    """Whether the caller's passport (INN for a legal entity) is the contract's. The answer is journaled.

    Raises LimitReached after five checks of one contract: nobody may guess a passport here.
    """
    limits.take(IDENTITY_TRIES, f"contract {contract.pk}", now=now)
    subscriber = contract.subscriber
    confirmed = subscriber.inn_is(typed) if subscriber.is_legal_entity else subscriber.passport_is(typed)
    journal.record(actor, "identity_confirmed" if confirmed else "identity_not_confirmed", contract, now=now)
    if confirmed:
        limits.clear(IDENTITY_TRIES, f"contract {contract.pk}")
    return confirmed


def is_identity_confirmed(contract: Contract, *, actor: User, now: datetime) -> bool:
    """Whether this member of staff confirmed the identity in the last ten minutes and has not used it yet."""
    last = (
        JournalEntry.objects.filter(actor=actor, at__gt=now - IDENTITY_HOLDS)
        .filter(action__in=["identity_confirmed", "identity_not_confirmed", "password_reissued"])
        .filter(**journal.target_of(contract))
        .order_by("-pk")
        .first()
    )
    return last is not None and last.action == "identity_confirmed"


@transaction.atomic
def reissue(contract: Contract, *, actor: User, now: datetime) -> CredentialSheet:
    """A new password after the passport check: journaled, every session ended, locks lifted.

    Raises IdentityNotConfirmed.
    """
    user = User.objects.select_for_update(no_key=True).get(contract=contract)
    if not is_identity_confirmed(contract, actor=actor, now=now):
        raise IdentityNotConfirmed(_("First check the passport: the last check was not passed or is too old."))
    sheet = issue(user, contract, author=actor, now=now)
    ended = sessions.end_all(user)
    journal.record(actor, "password_reissued", contract, changes={"sessions_ended": ended}, now=now)
    return sheet


class WrongPassword(Exception):
    """The current password given with a change is not it."""


def change(user: User, *, current: str, new: str, keep: str | None, now: datetime) -> int:
    """The subscriber's own change; ends every session but `keep`. Returns how many ended.

    Raises WrongPassword, and LimitReached after five wrong ones: an open browser must not become a place to guess.
    """
    limits.take(CHANGE_TRIES, f"user {user.pk}", now=now)
    if not user.check_password(current):
        raise WrongPassword(_("This is not your current password."))
    limits.clear(CHANGE_TRIES, f"user {user.pk}")
    with transaction.atomic():
        set_password(user, new, now=now)
        return sessions.end_all(user, but=keep)
