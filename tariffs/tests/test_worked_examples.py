"""A subscriber's money in the words of an accountant: every line with its sum and the balance after it."""

from datetime import date, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import transaction
from django.utils import timezone

from accounts import roles
from accounts.models import Contract
from accounts.tests.factories import ContractFactory, StaffFactory
from billing import adjustments, audit, autopay, autopay_run, gateways, ledger, payments, promises
from billing.gateways import PaymentState, Status
from billing.models import Account, EntryKind, LedgerEntry, Payment, PromisedPayment
from billing.tests.factories import PaymentFactory, PaymentMethodFactory
from tariffs import first_tariff, months, reconcile
from tariffs.models import TariffPrice
from tariffs.tests.factories import TariffFactory

pytestmark = pytest.mark.django_db

# Connected on 12 March 2026 for 590 ₽ a month, 650 ₽ from March 2027. «Off» is a service stopped for debt.
STORY = """
12.03.2026 10:00 | terminal                    |  1000.00 |  1000.00 | on
12.03.2026 10:05 | first month, 20 of 31 days  |  -380.65 |   619.35 | on
01.04.2026 00:10 | month                       |  -590.00 |    29.35 | on
25.04.2026 19:00 | card                        |   600.00 |   629.35 | on
01.05.2026 00:10 | month                       |  -590.00 |    39.35 | on
14.05.2026 15:00 | adjustment                  |   150.00 |   189.35 | on

29.05.2026 20:00 | promise of 410              |     0.00 |   189.35 | on  | open
01.06.2026 00:10 | month                       |  -590.00 |  -400.65 | on  | open
01.06.2026 18:00 | card                        |   400.65 |     0.00 | on  | kept
20.06.2026 12:00 | card                        |   600.00 |   600.00 | on
01.07.2026 00:10 | month                       |  -590.00 |    10.00 | on

30.07.2026 20:00 | promise of 580              |     0.00 |    10.00 | on  | open
01.08.2026 00:10 | month                       |  -590.00 |  -580.00 | on  | open
02.08.2026 23:59 | the term is not over        |     0.00 |  -580.00 | on  | open
03.08.2026 00:00 | the term is over            |     0.00 |  -580.00 | off | broken
10.08.2026 11:00 | card                        |   500.00 |   -80.00 | off | broken
12.08.2026 09:00 | terminal                    |   100.00 |    20.00 | off | paid since
12.08.2026 09:01 | returns, August is charged  |     0.00 |    20.00 | on
28.08.2026 12:00 | card                        |   600.00 |   620.00 | on
01.09.2026 00:10 | month                       |  -590.00 |    30.00 | on

01.10.2026 00:10 | month, not enough           |     0.00 |    30.00 | off
11.10.2026 17:00 | card                        |   400.00 |   430.00 | off
11.10.2026 17:01 | returns, 21 of 31 days      |  -399.68 |    30.32 | on
25.10.2026 12:00 | card                        |   600.00 |   630.32 | on
01.11.2026 00:10 | month                       |  -590.00 |    40.32 | on
20.11.2026 12:00 | card                        |  2000.00 |  2040.32 | on
01.12.2026 00:10 | month                       |  -590.00 |  1450.32 | on
01.01.2027 00:10 | month                       |  -590.00 |   860.32 | on
01.02.2027 00:10 | month                       |  -590.00 |   270.32 | on
20.02.2027 12:00 | terminal                    |  1000.00 |  1270.32 | on
01.03.2027 00:10 | month, the new price        |  -650.00 |   620.32 | on
15.03.2027 11:00 | refund for an outage        |    62.90 |   683.22 | on
01.04.2027 00:10 | month                       |  -650.00 |    33.22 | on
08.04.2027 12:00 | card                        |  1000.00 |  1033.22 | on
10.04.2027 14:00 | a master's visit            |  -400.00 |   633.22 | on
28.04.2027 12:00 | card                        |   100.00 |   733.22 | on
01.05.2027 00:10 | month                       |  -650.00 |    83.22 | on
20.05.2027 12:00 | card                        |  2600.00 |  2683.22 | on
01.06.2027 00:10 | month                       |  -650.00 |  2033.22 | on
01.07.2027 00:10 | month                       |  -650.00 |  1383.22 | on
01.08.2027 00:10 | month                       |  -650.00 |   733.22 | on
01.09.2027 00:10 | month                       |  -650.00 |    83.22 | on
25.09.2027 12:00 | card                        |   650.00 |   733.22 | on
01.10.2027 00:10 | month                       |  -650.00 |    83.22 | on

28.10.2027 20:00 | promise of 570              |     0.00 |    83.22 | on  | open
01.11.2027 00:10 | month                       |  -650.00 |  -566.78 | on  | open
01.11.2027 20:00 | terminal                    |   600.00 |    33.22 | on  | kept
25.11.2027 12:00 | card                        |   700.00 |   733.22 | on
01.12.2027 00:10 | month                       |  -650.00 |    83.22 | on

01.01.2028 00:10 | month, not enough           |     0.00 |    83.22 | off
20.01.2028 12:00 | card                        |   300.00 |   383.22 | off
20.01.2028 12:01 | returns, 12 of 31 days      |  -251.61 |   131.61 | on
01.02.2028 00:10 | month, not enough           |     0.00 |   131.61 | off
24.02.2028 12:00 | still not enough, 6 of 29   |     0.00 |   131.61 | off
25.02.2028 00:01 | returns, 5 of 29 days       |  -112.07 |    19.54 | on
29.02.2028 12:00 | card                        |   700.00 |   719.54 | on
01.03.2028 00:10 | month                       |  -650.00 |    69.54 | on

10.03.2028 12:00 | autopay is switched on      |     0.00 |    69.54 | on
31.03.2028 12:00 | autopay                     |   580.46 |   650.00 | on
01.04.2028 00:10 | month                       |  -650.00 |     0.00 | on
30.04.2028 12:00 | autopay                     |   650.00 |   650.00 | on
01.05.2028 00:10 | month                       |  -650.00 |     0.00 | on
31.05.2028 12:00 | autopay                     |   650.00 |   650.00 | on
01.06.2028 00:10 | month                       |  -650.00 |     0.00 | on
30.06.2028 12:00 | autopay                     |   650.00 |   650.00 | on
01.07.2028 00:10 | month                       |  -650.00 |     0.00 | on
31.07.2028 12:00 | autopay                     |   650.00 |   650.00 | on
01.08.2028 00:10 | month                       |  -650.00 |     0.00 | on
31.08.2028 12:00 | autopay                     |   650.00 |   650.00 | on
01.09.2028 00:10 | month                       |  -650.00 |     0.00 | on
15.09.2028 12:00 | adjustment by two           |  5200.00 |  5200.00 | on
30.09.2028 12:00 | autopay, nothing is missing |     0.00 |  5200.00 | on
01.10.2028 00:10 | month                       |  -650.00 |  4550.00 | on
01.11.2028 00:10 | month                       |  -650.00 |  3900.00 | on
01.12.2028 00:10 | month                       |  -650.00 |  3250.00 | on
01.01.2029 00:10 | month                       |  -650.00 |  2600.00 | on
01.02.2029 00:10 | month                       |  -650.00 |  1950.00 | on
"""


class Subscriber:
    """Does what a line of the story says, by the verbs that the portal itself calls."""

    def __init__(self) -> None:
        self.contract: Contract = ContractFactory(started_on=date(2026, 3, 12))
        self.tariff = TariffFactory(city=self.contract.city, fee=590)
        TariffPrice.objects.create(tariff=self.tariff, fee=650, since=date(2027, 3, 1))
        self.accountant, self.supervisor = (StaffFactory(role=role) for role in (roles.ACCOUNTANT, roles.SUPERVISOR))

    def live(self, what: str, amount: Decimal, now: datetime) -> None:
        verb, _comma, _particulars = what.partition(",")
        acts = {
            "card": self.pay_by_card,
            "terminal": self.pay_at_a_terminal,
            "first month": self.first_month,
            "adjustment": self.adjustment,
            "adjustment by two": self.adjustment_by_two,
            "refund for an outage": self.refund,
            "a master's visit": self.visit,
            "autopay is switched on": self.switch_autopay_on,
        }
        if verb.startswith("promise of"):
            promise = promises.grant(self.contract.pk, operation=uuid4(), now=now)
            assert promise.amount == Decimal(verb.removeprefix("promise of"))
        elif verb in acts:
            acts[verb](amount, now)

    def work_of_the_tasks(self, now: datetime) -> None:
        """What the timetable does at that minute; it must change nothing but what the story says."""
        promises.close_due(now=now)
        if timezone.localtime(now).minute:  # a minute later than the money: the story shows both
            reconcile.run(now=now)
            months.begin(now=now)
            for range_id in months.take_waiting(now=now):
                months.charge(range_id, clock=lambda: now)
        autopay_run.run_due(now=now)

    def pay_by_card(self, amount: Decimal, now: datetime) -> None:
        payment = PaymentFactory(account_id=self.contract.pk, amount=amount, created_at=now)
        word = PaymentState(
            gateway_id=payment.gateway_id,
            status=Status.SUCCEEDED,
            amount=amount,
            currency="RUB",
            shop=gateways.get(payment.gateway).shop,
            reference=str(payment.operation),
            contract_number=self.contract.number,
            paid_at=now,
        )
        for _notification in range(2):  # banks repeat themselves
            payments.learn(payment.pk, word, now=now)

    @transaction.atomic
    def pay_at_a_terminal(self, amount: Decimal, now: datetime) -> None:
        Account.objects.lock(self.contract.pk)
        number = str(Payment.objects.count() + 1)
        payments.take(
            self.contract.pk, gateway="osmp", number=number, amount=amount, paid_at=now, title="Terminal", now=now
        )

    def first_month(self, amount: Decimal, now: datetime) -> None:
        first_tariff.subscribe(self.contract.pk, tariff_id=self.tariff.pk, now=now)

    def adjustment(self, amount: Decimal, now: datetime) -> int:
        return adjustments.propose(
            self.contract.pk,
            operation=uuid4(),
            amount=amount,
            reason="Sorry for the long repair",
            author=self.accountant,
            now=now,
        ).pk

    def adjustment_by_two(self, amount: Decimal, now: datetime) -> None:
        adjustments.approve(self.adjustment(amount, now), by=self.supervisor, now=now)

    def refund(self, amount: Decimal, now: datetime) -> None:
        self._post(EntryKind.REFUND, amount, now)

    def visit(self, amount: Decimal, now: datetime) -> None:
        self._post(EntryKind.CHARGE, amount, now)

    def _post(self, kind: EntryKind, amount: Decimal, now: datetime) -> None:
        ledger.post(self.contract.pk, kind=kind, amount=amount, key=f"{kind}:{now.isoformat()}", now=now)

    def switch_autopay_on(self, amount: Decimal, now: datetime) -> None:
        method = PaymentMethodFactory(account_id=self.contract.pk, saved_at=now)
        autopay.turn_on(
            self.contract.pk,
            method_id=method.pk,
            limit=Decimal(1000),
            contact="ivanova@example.ru",
            consent="I agree.",
            now=now,
        )

    @property
    def balance(self) -> Decimal:
        return Account.objects.get(pk=self.contract.pk).balance

    @property
    def service(self) -> str:
        state = Contract.objects.get(pk=self.contract.pk).state
        return {Contract.State.ACTIVE: "on", Contract.State.SUSPENDED_FOR_DEBT: "off"}[Contract.State(state)]

    @property
    def last_promise(self) -> str:
        promise: PromisedPayment = promises.of(self.contract.pk)[0]
        return "paid since" if promise.repaid_at else promise.state


def test_three_years_of_a_subscriber():
    subscriber, balance = Subscriber(), Decimal(0)

    for line in filter(None, STORY.splitlines()):
        when, what, amount, after, service, *promise = (cell.strip() for cell in line.split("|"))
        now = timezone.make_aware(datetime.strptime(when, "%d.%m.%Y %H:%M"))  # noqa: DTZ007
        balance += Decimal(amount)
        assert balance == Decimal(after), f"the story itself does not add up: {line}"

        subscriber.live(what, Decimal(amount), now)
        subscriber.work_of_the_tasks(now)

        assert (subscriber.balance, subscriber.service) == (balance, service), line
        if promise:
            assert subscriber.last_promise == promise[0], line
        assert audit.differences() == [], line

    assert_every_month_is_charged_once(subscriber)


def assert_every_month_is_charged_once(subscriber) -> None:
    keys = LedgerEntry.objects.filter(kind=EntryKind.MONTH).order_by("pk").values_list("key", flat=True)
    months = [f"{2026 + number // 12}-{number % 12 + 1:02d}" for number in range(2, 2 + 36)]
    assert [key.rpartition(":")[2] for key in keys] == months
