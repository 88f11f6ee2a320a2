"""A subscriber's services in the words of an accountant: every line of the ledger with the balance after it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.models import Contract
from billing import audit
from billing.models import Account, EntryKind, LedgerEntry
from billing.tests.factories import put
from tariffs import months, offers, options, reconcile, suspension, switching, turbo
from tariffs.models import Suspension, TariffPrice
from tariffs.tests.factories import OfferFactory, OptionFactory, TariffFactory, TurboPackageFactory, served

pytestmark = pytest.mark.django_db

# «Интернет 300» is 600 ₽ a month, 650 ₽ from March 2027; «Интернет 500» is 900 ₽, and 100 ₽ for switching to it at
# once. «Антивирус» is 124 ₽ and 50 ₽ for switching it on. A line without a time belongs to the one above.
STORY = """
30.09.2026 12:00 | card                           |  3000.00 | 3000.00 | on     | Пополнение
01.10.2026 00:10 | month                          |  -600.00 | 2400.00 | on     | Интернет 300
10.10.2026 12:00 | antivirus on, 22 of 31 days    |   -88.00 | 2312.00 | on     | Антивирус
                 |                                |   -50.00 | 2262.00 | on     | Антивирус, подключение
15.10.2026 20:00 | turbo for 3 hours              |   -50.00 | 2212.00 | on     | Турбо-кнопка, 3 ч
01.11.2026 00:10 | month                          |  -600.00 | 1612.00 | on     | Интернет 300
                 |                                |  -124.00 | 1488.00 | on     | Антивирус
05.11.2026 12:00 | half off from 1 December       |     0.00 | 1488.00 | on     |
16.11.2026 12:00 | 500 at once, 15 of 30 days     |   300.00 | 1788.00 | on     | Интернет 300
                 |                                |  -450.00 | 1338.00 | on     | Интернет 500
                 |                                |  -100.00 | 1238.00 | on     | Переход на тариф «Интернет 500»
01.12.2026 00:10 | month                          |  -900.00 |  338.00 | on     | Интернет 500
                 |                                |  -124.00 |  214.00 | on     | Антивирус
                 |                                |   450.00 |  664.00 | on     | Половина цены
10.12.2026 12:00 | pause to 20.12.2026            |     0.00 |  664.00 | on     |
11.12.2026 00:01 | the pause begins, 10 of 31     |   290.33 |  954.33 | paused | Интернет 500
                 |                                |    40.00 |  994.33 | paused | Антивирус
                 |                                |  -145.16 |  849.17 | paused | Половина цены
21.12.2026 00:01 | the pause is over              |     0.00 |  849.17 | on     |
24.12.2026 12:00 | a present                      |   150.00 |  999.17 | on     | Подарок
01.01.2027 00:10 | month                          |  -900.00 |   99.17 | on     | Интернет 500
                 |                                |  -124.00 |  -24.83 | on     | Антивирус
                 |                                |   450.00 |  425.17 | on     | Половина цены
20.01.2027 12:00 | 300 from 1 February            |     0.00 |  425.17 | on     |
01.02.2027 00:10 | month, not enough              |     0.00 |  425.17 | off    |
05.02.2027 12:00 | card                           |   300.00 |  725.17 | off    | Пополнение
05.02.2027 12:01 | returns, 24 of 28 days         |  -514.29 |  210.88 | on     | Интернет 300
                 |                                |  -106.29 |  104.59 | on     | Антивирус
10.02.2027 12:00 | card                           |  2000.00 | 2104.59 | on     | Пополнение
01.03.2027 00:10 | month at the new price         |  -650.00 | 1454.59 | on     | Интернет 300
                 |                                |  -124.00 | 1330.59 | on     | Антивирус
05.03.2027 12:00 | antivirus off from 1 April     |     0.00 | 1330.59 | on     |
01.04.2027 00:10 | month                          |  -650.00 |  680.59 | on     | Интернет 300
10.04.2027 12:00 | pause to 08.06.2027            |     0.00 |  680.59 | on     |
11.04.2027 00:01 | the pause begins, 20 of 30     |   433.33 | 1113.92 | paused | Интернет 300
10.05.2027 00:01 | the thirtieth day is free      |     0.00 | 1113.92 | paused |
11.05.2027 00:01 | the thirty-first is not        |    -5.00 | 1108.92 | paused | Добровольная блокировка, 11.05.2027
12.05.2027 12:00 | the pause is ended early       |     0.00 | 1108.92 | paused |
13.05.2027 00:01 | the day before is charged      |    -5.00 | 1103.92 | on     | Добровольная блокировка, 12.05.2027
                 | and 19 of 31 days              |  -398.39 |  705.53 | on     | Интернет 300
01.06.2027 00:10 | month                          |  -650.00 |   55.53 | on     | Интернет 300
01.07.2027 00:10 | month, not enough              |     0.00 |   55.53 | off    |
"""


@dataclass
class Entry:
    """What happened at a time, with the lines that it left in the ledger."""

    now: datetime
    what: str
    service: str
    lines: list[tuple[Decimal, str]] = field(default_factory=list)
    balance: Decimal = Decimal(0)


def entries() -> list[Entry]:
    story: list[Entry] = []
    balance = Decimal(0)
    for row in filter(None, STORY.splitlines()):
        when, what, amount, after, service, title = (cell.strip() for cell in row.split("|"))
        if when:
            now = timezone.make_aware(datetime.strptime(when, "%d.%m.%Y %H:%M"))  # noqa: DTZ007
            story.append(Entry(now, what.partition(",")[0], service))
        balance += Decimal(amount)
        assert balance == Decimal(after), f"the story itself does not add up: {row}"
        story[-1].balance, story[-1].service = balance, service
        if title:
            story[-1].lines.append((Decimal(amount), title))
    return story


class Subscriber:
    """Does what a line of the story says, by the verbs that the portal itself calls."""

    def __init__(self) -> None:
        self.contract = served(fee=600, name="Интернет 300")
        old = self.contract.subscriptions.get().tariff
        TariffPrice.objects.create(tariff=old, fee=650, since=date(2027, 3, 1))
        self.tariffs = {"300": old, "500": TariffFactory(city=old.city, fee=900, name="Интернет 500", switch_fee=100)}
        self.antivirus = OptionFactory(name="Антивирус", fee=124, activation_fee=50)
        self.half = OfferFactory(name="Половина цены", percent=50, months=2)
        self.present = OfferFactory(name="Подарок", percent=None, months=None, credit=150)
        self.package = TurboPackageFactory(family="internet", hours=3, price=50)

    def live(self, what: str, amount: Decimal, now: datetime) -> None:
        contract, wish = self.contract.pk, {"operation": uuid4(), "now": now}
        press = {"package_id": self.package.pk, "is_free": False, "seen_price": Decimal(50)}
        new, old = self.tariffs["500"].pk, self.tariffs["300"].pk
        acts: dict[str, Callable[[], object]] = {
            "card": lambda: put(contract, amount, kind=EntryKind.TOP_UP, now=now, title="Пополнение"),
            "antivirus on": lambda: options.order(contract, option_id=self.antivirus.pk, quantity=1, choice="", **wish),
            "antivirus off from 1 April": lambda: options.switch_off(contract, option_id=self.antivirus.pk, now=now),
            "turbo for 3 hours": lambda: turbo.press(contract, **press, **wish),
            "half off from 1 December": lambda: offers.take(contract, offer_id=self.half.pk, **wish),
            "a present": lambda: offers.take(contract, offer_id=self.present.pk, **wish),
            "500 at once": lambda: switching.switch_now(contract, tariff_id=new, **wish),
            "300 from 1 February": lambda: switching.plan(contract, tariff_id=old, on=date(2027, 2, 1), **wish),
            "pause to 20.12.2026": lambda: self.pause(now, date(2026, 12, 20)),
            "pause to 08.06.2027": lambda: self.pause(now, date(2027, 6, 8)),
            "the pause is ended early": lambda: suspension.end_early(
                Suspension.objects.get(state="running").pk, now=now
            ),
        }
        if what in acts:
            acts[what]()

    def pause(self, now: datetime, last: date) -> None:
        first = timezone.localdate(now) + timedelta(days=1)
        suspension.plan(self.contract.pk, first=first, last=last, operation=uuid4(), now=now)

    def work_of_the_tasks(self, now: datetime) -> None:
        """What the timetable does at that minute; it must change nothing but what the story says."""
        if timezone.localtime(now).hour in (0, 12) and timezone.localtime(now).minute:
            switching.do_due(now=now)
            suspension.do_due(now=now)
            options.end_due(now=now)
            turbo.end_due(now=now)
            months.begin(now=now)
            for number in months.take_waiting(now=now):
                months.charge(number, clock=lambda: now)
            reconcile.run(now=now)

    @property
    def service(self) -> str:
        return {"active": "on", "debt": "off", "wish": "paused"}[Contract.objects.get(pk=self.contract.pk).state]


def test_services_of_a_subscriber_line_by_line():
    subscriber, seen = Subscriber(), 0

    for entry in entries():
        subscriber.live(entry.what, sum(amount for amount, _title in entry.lines), entry.now)
        subscriber.work_of_the_tasks(entry.now)

        posted = LedgerEntry.objects.filter(pk__gt=seen).order_by("pk")
        assert [(row.amount, row.title) for row in posted] == entry.lines, entry
        seen = max([seen, *(row.pk for row in posted)])
        balance = Account.objects.get(pk=subscriber.contract.pk).balance
        assert (balance, subscriber.service) == (entry.balance, entry.service), entry
        assert audit.differences() == [], entry
