"""Saved cards, the consents to charge them, and the charges that the bank declined."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random

from accounts.models import Contract
from billing import autopay, autopay_run
from billing.models import Autopay, Payment, PaymentMethod
from billing.templatetags.money import rubles
from mark_portal.demo import days, numbers
from mark_portal.demo.payments import SANDBOX, Cards, contact_of
from mark_portal.demo.plans import Rhythm
from mark_portal.demo.stories import SAVED, Story, card_of

LIMIT = Decimal(2_000)
WITHOUT_MONEY = SAVED("0002")  # the sandbox's bank declines it
SAVED_AGO = timedelta(days=95)
ON_THE_DAY = time(10, 2, 11)


def fill(contracts: list[Contract], stories: list[Story], now: datetime, rng: Random) -> tuple[Cards, list[Payment]]:
    """The cards by contract and name, and the failed automatic payments, not written yet. The first contract is the
    demo subscriber's: a card on autopay, and one without money."""
    cards: list[PaymentMethod] = []
    consents: list[Autopay] = []
    today = now.astimezone(days.ZONE).date()
    for contract, story in zip(contracts, stories, strict=True):
        if contract is contracts[0]:
            at = days.moment(today, 19, 12) - SAVED_AGO
            cards += [
                _card(contract, SAVED(card_of(story.plan)), at, rng),
                _card(contract, WITHOUT_MONEY, at + timedelta(40), rng),
            ]
            consents.append(_consent(contract, cards[-2], at))
        elif story.plan.habit.rhythm == Rhythm.AUTOPAY:
            cards.append(_card(contract, SAVED(card_of(story.plan)), story.lines[0].at, rng))
            consents.append(_consent(contract, cards[-1], story.lines[0].at))
        elif story.plan.declined_for:
            since = days.moment(days.first_day(story.plan.declined_for[0] - 2), 12)
            cards.append(_card(contract, WITHOUT_MONEY, since, rng))
            consents.append(_stopped(_consent(contract, cards[-1], since), days.first_day(story.plan.declined_for[-1])))
    PaymentMethod.objects.bulk_create(cards)
    Autopay.objects.bulk_create(consents)
    by_name = {(card.account_id, card.title): card for card in cards}
    declined = [
        _declined(contract, by_name[contract.pk, WITHOUT_MONEY], story, month, rng)
        for contract, story in zip(contracts, stories, strict=True)
        for month in story.plan.declined_for
    ]
    return by_name, declined


def _card(contract: Contract, title: str, at: datetime, rng: Random) -> PaymentMethod:
    number = str(numbers.uuid(rng))
    return PaymentMethod(account_id=contract.pk, gateway=SANDBOX, gateway_id=number, title=title, saved_at=at)


def _consent(contract: Contract, card: PaymentMethod, at: datetime) -> Autopay:
    contact = contact_of(contract)
    return Autopay(
        account_id=contract.pk,
        method=card,
        limit=LIMIT,
        contact=contact,
        consent=f"{autopay.consent_words()}\n\n{card} · {rubles(LIMIT)} · {contact}",
        consented_at=at + timedelta(minutes=3),
    )


def _stopped(consent: Autopay, month: date) -> Autopay:
    consent.is_on, consent.failures, consent.stopped = False, 3, Autopay.Stopped.FAILURES
    consent.stopped_at = _day_before(month)
    return consent


def _day_before(month: date) -> datetime:
    return datetime.combine(month - timedelta(1), ON_THE_DAY, tzinfo=days.ZONE)


def _declined(contract: Contract, card: PaymentMethod, story: Story, month: int, rng: Random) -> Payment:
    charge_on = days.first_day(month)
    at = _day_before(charge_on)
    balance = sum((line.amount for line in story.lines if line.at < at), Decimal(0))
    return Payment(
        operation=autopay_run.operation_of(contract.pk, charge_on),
        account_id=contract.pk,
        gateway=SANDBOX,
        gateway_id=str(numbers.uuid(rng)),
        method=Payment.Method.SAVED,
        saved_method=card,
        is_automatic=True,
        amount=max(story.plan.tariff.fees[-1] - balance, Decimal(1)),
        state=Payment.State.CANCELLED,
        failure="insufficient_funds",
        contact=contact_of(contract),
        created_at=at - timedelta(seconds=2),
        finished_at=at,
    )
