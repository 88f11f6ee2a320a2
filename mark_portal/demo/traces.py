"""What people left behind: passwords handed out and reissued, contracts ended, a locked login, open sessions."""

from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.utils.crypto import get_random_string

from accounts import journal, sign_in
from accounts.models import Contract, Limit, Session, User
from accounts.sessions import SessionStore
from mark_portal.demo import days
from mark_portal.demo.steps import Step
from mark_portal.demo.stories import Story

LOCKED_NETWORK = "203.0.113.0/24"
NEWCOMER = timedelta(days=60)
REISSUED_DAYS_AGO = (1, 6, 17)
DEVICES = (
    (
        "198.51.100.23",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/18.5 Mobile/15E148 Safari/604.1",
        timedelta(hours=5),
    ),
    (
        "198.51.100.140",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0",
        timedelta(days=3),
    ),
)


def fill(
    contracts: list[Contract], stories: list[Story], staff: dict[str, User], now: datetime
) -> tuple[dict[str, int], list[Step]]:
    today = now.astimezone(days.ZONE).date()
    active = [contract for contract in contracts if contract.state == Contract.State.ACTIVE]
    _lock_sign_in(active[16], today)
    _open_sessions(contracts[0], now)
    steps = [
        step
        for contract, story in zip(contracts, stories, strict=True)
        for step in _of_contract(contract, story, staff, today)
    ]
    for ago, contract in zip(REISSUED_DAYS_AGO, active[40:], strict=False):
        steps += _reissue(contract, staff["agent"], days.moment(today - timedelta(ago), 13, 25))
    return {"sign-in locks": 1, "sessions": len(DEVICES)}, steps


def _lock_sign_in(contract: Contract, today: date) -> None:
    """Until tomorrow night, longer than a real one, or the page of locks would be empty soon after the fill."""
    Limit.objects.create(
        scope=sign_in.BY_LOGIN_AND_NETWORK.scope,
        subject=f"{contract.city.slug}/{contract.number} · {LOCKED_NETWORK}",
        used=sign_in.BY_LOGIN_AND_NETWORK.ceiling,
        ceiling=sign_in.BY_LOGIN_AND_NETWORK.ceiling,
        resets_at=days.moment(today + timedelta(2), 0),
    )


def _open_sessions(contract: Contract, now: datetime) -> None:
    """They are listed, but hold no sign-in: a key that leaked would open nothing."""
    for address, user_agent, unused in DEVICES:
        Session.objects.create(
            session_key=get_random_string(32),
            session_data=SessionStore().encode({}),
            expire_date=now - unused + timedelta(seconds=settings.SESSION_COOKIE_AGE),
            user=User.objects.get(contract=contract),
            network_address=address,
            user_agent=user_agent,
            created_at=now - unused - timedelta(days=8),
            seen_at=now - unused,
        )


def _of_contract(contract: Contract, story: Story, staff: dict[str, User], today: date) -> list[Step]:
    operator = staff["operator" if contract.city.slug == "izhevsk" else "operator-votkinsk"]

    def step(day: date, hour: int, minute: int, action: str, **particulars: Any) -> Step:
        at = days.moment(day, hour, minute)
        return Step(at, partial(journal.record, operator, action, contract, now=at, **particulars))

    if contract.ended_on:
        reason = "Заявление абонента" if story.plan.unpaid_from is None else "Долг за два месяца"
        changes = {"ended_on": str(contract.ended_on)}
        return [step(contract.ended_on, 9, 30, "contract_terminated", changes=changes, reason=reason)]
    if contract.started_on > today - NEWCOMER:
        return [step(contract.started_on, 9, 40, "added"), step(contract.started_on, 9, 41, "password_shown")]
    return []


def _reissue(contract: Contract, agent: User, at: datetime) -> list[Step]:
    """A forgotten password: the passport is checked, at the second try, and a new one is read aloud."""
    actions = ("identity_not_confirmed", "identity_confirmed", "password_reissued", "password_shown")
    moments = [at + timedelta(seconds=40 * number) for number in range(len(actions))]
    return [
        Step(moment, partial(journal.record, agent, action, contract, now=moment))
        for moment, action in zip(moments, actions, strict=True)
    ]
