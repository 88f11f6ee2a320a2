"""Opening a contract, its service stopped for debt and returned, and its end."""

from collections.abc import Iterable
from datetime import date, datetime

from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from accounts import credentials, journal, sessions
from accounts.models import Contract, House, Subscriber, User


@transaction.atomic
def open_contract(
    *, subscriber: Subscriber, house: House, flat: str, started_on: date, author: User, now: datetime
) -> Contract:
    """A contract with its number, login (the number) and a random password waiting to be printed once."""
    contract = Contract(subscriber=subscriber, house=house, flat=flat, started_on=started_on)
    return complete(contract, author=author, now=now)


@transaction.atomic
def complete(contract: Contract, *, author: User, now: datetime) -> Contract:
    """Give a new, unsaved contract everything that the operator does not type."""
    contract.number = next_number()
    contract.city = contract.house.street.city
    contract.save(force_insert=True)
    user = User(login=contract.number, city=contract.city, contract=contract)
    user.set_unusable_password()
    user.save()
    credentials.issue(user, contract, author=author, now=now)
    return contract


def next_number() -> str:
    """The next free contract number, six digits or more; numbers are never given twice, gaps are fine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('accounts_contract_number')")
        return f"{cursor.fetchone()[0]:06d}"


def suspend_for_debt(contract: Contract, *, reason: str = "", now: datetime) -> bool:
    """Stop the service of an active contract; False when it is not active (any more)."""
    states = (Contract.State.ACTIVE, Contract.State.SUSPENDED_FOR_DEBT)
    return _move(contract, *states, "suspended_for_debt", reason=reason, now=now)


SUSPEND_ALL = """
WITH stopped AS (
    UPDATE accounts_contract SET state = 'debt' WHERE id = ANY(%(ids)s) AND state = 'active'
    RETURNING id, number, city_id
), noted AS (
    INSERT INTO accounts_journalentry (at, action, target_type_id, target_id, target_label, city_id, changes, reason)
    SELECT %(now)s, 'suspended_for_debt', %(type)s, id, number, city_id, '{"state": ["active", "debt"]}', ''
    FROM stopped
)
SELECT id FROM stopped ORDER BY id
"""


def suspend_all_for_debt(contract_ids: Iterable[int], *, now: datetime) -> list[int]:
    """Stop the service of those that are active, with their rows in the journal; returns which. One statement."""
    type_id = ContentType.objects.get_for_model(Contract).pk
    with connection.cursor() as cursor:
        cursor.execute(SUSPEND_ALL, {"ids": list(contract_ids), "now": now, "type": type_id})
        return [contract_id for (contract_id,) in cursor.fetchall()]


def return_to_service(contract: Contract, *, reason: str = "", now: datetime) -> bool:
    """Let the service of a contract that was stopped for debt run again; False when it was not."""
    states = (Contract.State.SUSPENDED_FOR_DEBT, Contract.State.ACTIVE)
    return _move(contract, *states, "returned_to_service", reason=reason, now=now)


def suspend_by_wish(contract: Contract, *, now: datetime) -> bool:
    """Begin a pause that was asked for, also of a service stopped for debt; False when it can have none."""
    old = (Contract.State.ACTIVE, Contract.State.SUSPENDED_FOR_DEBT)
    wish = Contract.State.SUSPENDED_BY_WISH
    return any(_move(contract, state, wish, "suspended_by_wish", reason="", now=now) for state in old)


def end_wish(contract: Contract, *, now: datetime) -> bool:
    """The pause is over and the service runs again; False when it was not paused."""
    states = (Contract.State.SUSPENDED_BY_WISH, Contract.State.ACTIVE)
    return _move(contract, *states, "returned_to_service", reason="", now=now)


@transaction.atomic
def _move(
    contract: Contract, old: Contract.State, new: Contract.State, action: str, *, reason: str, now: datetime
) -> bool:
    if not Contract.objects.filter(pk=contract.pk, state=old).update(state=new):
        return False
    contract.state = new
    journal.record(None, action, contract, changes={"state": [old, new]}, reason=reason, now=now)
    return True


class TerminationRefused(Exception):
    """The message says why the contract cannot end so."""


@transaction.atomic
def terminate(contract: Contract, *, actor: User, reason: str, ended_on: date, now: datetime) -> None:
    """End a contract: the subscriber can no longer sign in, the history stays. Raises TerminationRefused."""
    today = timezone.localdate(now)
    if not contract.started_on <= ended_on <= today:
        raise TerminationRefused(
            _("The end lies between the start of the contract, %(start)s, and today.")
            % {"start": date_format(contract.started_on, "SHORT_DATE_FORMAT")}
        )
    in_force = Contract.objects.in_force().filter(pk=contract.pk)
    if not in_force.update(state=Contract.State.TERMINATED, ended_on=ended_on):
        raise TerminationRefused(_("The contract is terminated already."))
    for user in User.objects.filter(contract=contract):
        sessions.end_all(user)
    journal.record(actor, "contract_terminated", contract, changes={"ended_on": str(ended_on)}, reason=reason, now=now)
