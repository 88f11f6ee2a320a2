"""A contract that lives through years for tests: what its subscriber does, and what the timetable does meanwhile.

Every act looks at the page's preview first, then calls the verb, and holds what was posted to what was shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from accounts.models import Contract
from billing import outlook, shares
from billing.models import EntryKind, LedgerEntry
from billing.tests.factories import put
from tariffs import (
    months,
    offers,
    option_shelf,
    option_terms,
    options,
    reconcile,
    suspension,
    switching,
    turbo,
)
from tariffs.models import MonthRange, Subscription, Suspension, Switch, Tariff, TariffPrice
from tariffs.suspension_days import Span
from tariffs.switch_lines import When
from tariffs.tests.factories import (
    OfferFactory,
    OptionFactory,
    TariffFactory,
    TurboPackageFactory,
    charged,
    served,
)

REFUSALS = (
    switching.SwitchRefused,
    options.OptionRefused,
    offers.OfferRefused,
    suspension.SuspensionRefused,
    turbo.TurboRefused,
)


@contextmanager
def undone() -> Iterator[None]:
    """Each generated history in a database of its own."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def at(day: date, hour: int = 0, minute: int = 0) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(hour, minute)))


class Life:
    """From `today`, whose month is charged; `asked` keeps the days that pauses were planned for."""

    def __init__(self, today: date, fees: list[Decimal]) -> None:
        self.today = today
        self.asked: dict[int, Span] = {}
        self.refused = 0
        self.done = 0
        self.served: dict[date, bool] = {}
        self.contract = served(fee=fees[0], balance=3000, name="Интернет 0")
        city = self.contract.city
        self.tariffs = [Subscription.objects.get(contract=self.contract).tariff]
        self.tariffs += [
            TariffFactory(city=city, fee=fee, name=f"Интернет {number}", switch_fee=number * 10)
            for number, fee in enumerate(fees[1:], 1)
        ]
        self.options = [OptionFactory(fee=fee, name=f"Услуга {n}", max_quantity=3) for n, fee in enumerate(fees[:2])]
        self.offers = [
            OfferFactory(name="Скидка", percent=30, months=2, per_contract=9),
            OfferFactory(name="Скидка на услугу", percent=50, months=3, option=self.options[0], per_contract=9),
            OfferFactory(name="Подарок", percent=None, months=None, credit=Decimal("77.70"), per_contract=9),
        ]
        self.package = TurboPackageFactory(family="internet")
        charged(self.contract, since=shares.first_of_month(today), now=at(today))

    # The subscriber

    def act(self, name: str, number: int) -> None:
        """`number` says which tariff, option or day; what is refused changes nothing."""
        before = self._last()
        try:
            getattr(self, name)(number)
            self.done += 1
        except REFUSALS:
            self.refused += 1
            assert self._last() == before, f"{name} was refused and posted something"

    @property
    def now(self) -> datetime:
        return at(self.today, 12)

    def top_up(self, number: int) -> None:
        put(self.contract.pk, 100 + number * 37, kind=EntryKind.TOP_UP, now=self.now)

    def spend(self, number: int) -> None:
        """Into debt, sometimes."""
        put(self.contract.pk, -(number * 29 + 1), kind=EntryKind.CHARGE, now=self.now)

    def new_price(self, number: int) -> None:
        tariff = self.tariffs[number % len(self.tariffs)]
        since = shares.first_of_month(self.today, 1 + number % 3)
        TariffPrice.objects.update_or_create(tariff=tariff, since=since, defaults={"fee": Decimal(number * 13 + 1) / 2})

    def switch_now(self, number: int) -> None:
        tariff, before = self._tariff(number), self._last()
        ground = switching.ground(self.contract.pk, now=self.now)
        terms = switching.quote(ground, ground.holding.tariffs[tariff.pk], When.now(self.today))
        switching.switch_now(self.contract.pk, tariff_id=tariff.pk, operation=uuid4(), now=self.now)
        assert not terms.is_locked
        self._shown([(step.line.amount, step.line.title) for step in terms.steps if step.is_own], before)

    def switch_later(self, number: int) -> None:
        on = self.today + timedelta(days=1 + number)
        wish = {"tariff_id": self._tariff(number).pk, "operation": uuid4(), "now": self.now}
        switching.plan(self.contract.pk, on=shares.first_of_month(self.today, 1) if number % 3 else on, **wish)

    def cancel_switch(self, number: int) -> None:
        for switch in Switch.objects.filter(contract=self.contract, state="planned"):
            switching.cancel(self.contract.pk, switch_id=switch.pk, now=self.now)

    def option(self, number: int) -> None:
        option, before = self.options[number % 2], self._last()
        shelf = option_shelf.of(self.contract.pk, now=self.now)
        quote = option_terms.quote(shelf, shelf.row(option.pk), quantity=1 + number % 3, choice="")
        order = {"quantity": 1 + number % 3, "choice": "", "operation": uuid4(), "now": self.now}
        options.order(self.contract.pk, option_id=option.pk, **order)
        assert not quote.is_locked
        if not quote.changes_nothing:
            self._shown([(line.amount, line.title) for line in quote.lines], before)

    def option_off(self, number: int) -> None:
        options.switch_off(self.contract.pk, option_id=self.options[number % 2].pk, now=self.now)

    def option_keep(self, number: int) -> None:
        options.keep(self.contract.pk, option_id=self.options[number % 2].pk, now=self.now)

    def offer(self, number: int) -> None:
        offer, before = self.offers[number % len(self.offers)], self._last()
        offers.take(self.contract.pk, offer_id=offer.pk, operation=uuid4(), now=self.now)
        self._shown([(offer.credit, offer.name)] if offer.credit else [], before)

    def turbo(self, number: int) -> None:
        before = self._last()
        press = {"package_id": self.package.pk, "is_free": False, "seen_price": self.package.price}
        turbo.press(self.contract.pk, **press, operation=uuid4(), now=self.now)
        assert [line.amount for line in self._since(before)] == [-self.package.price]

    def turbo_stop(self, number: int) -> None:
        before, lines = self._last(), turbo.lines_of_stopping(self.contract.pk, now=self.now)
        turbo.stop_for(self.contract.pk, now=self.now)
        self._shown([(line.amount, line.title) for line in lines], before)

    def pause(self, number: int) -> None:
        first = self.today + timedelta(days=1 + number % 40)
        days = Span(first, first + timedelta(days=6 + number))
        pause = suspension.plan(self.contract.pk, first=days.first, last=days.last, operation=uuid4(), now=self.now)
        self.asked[pause.pk] = days

    def cancel_pause(self, number: int) -> None:
        for pause in Suspension.objects.filter(contract=self.contract, state="planned"):
            suspension.cancel(pause.pk, now=self.now)

    def end_pause(self, number: int) -> None:
        for pause in Suspension.objects.filter(contract=self.contract, state="running", ends_on__gt=self.today):
            before = self._last()
            terms = suspension.ending(pause, outlook.stand(self.contract.pk, now=self.now))
            suspension.end_early(pause.pk, now=self.now)
            assert not terms.reasons
            self._shown([(line.amount, line.title) for line in terms.again], before)

    def _tariff(self, number: int) -> Tariff:
        return self.tariffs[number % len(self.tariffs)]

    # The timetable

    def pass_days(self, days: int) -> None:
        """The tasks of each day on which something is due, those of the evening before the act that follows."""
        until = self.today + timedelta(days=days)
        while self.today < until:
            self.today = min(self._next_due(), until)
            self.tasks()

    def _next_due(self) -> date:
        """The next day on which a task has something to do."""
        tomorrow = self.today + timedelta(days=1)
        pauses = Suspension.objects.filter(contract=self.contract, state__in=["planned", "running"])
        due = [shares.first_of_month(self.today, 1)]
        due += Switch.objects.filter(contract=self.contract, state="planned").values_list("on", flat=True)
        for pause in pauses:
            due += [pause.starts_on, pause.ends_on + timedelta(days=1)]
        return max(min(day for day in due if day > self.today), tomorrow)

    def tasks(self) -> None:
        """In the order in which the timetable may well call them."""
        now = at(self.today, 0, 11)
        switching.do_due(now=now)
        suspension.do_due(now=now)
        options.end_due(now=now)
        turbo.end_due(now=now)
        months.begin(now=now)
        for number in months.take_waiting(now=now):
            months.charge(number, clock=lambda: now)
        reconcile.run(now=now)
        switching.do_due(now=now)  # of a service that has just returned
        assert not MonthRange.objects.filter(done_at=None).exists()
        self.served[self.today] = self.state == Contract.State.ACTIVE

    @property
    def state(self) -> str:
        return Contract.objects.get(pk=self.contract.pk).state

    # The ledger

    def _last(self) -> int:
        return LedgerEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0

    def _since(self, last: int) -> list[LedgerEntry]:
        return list(LedgerEntry.objects.filter(account=self.contract.pk, pk__gt=last).order_by("pk"))

    def _shown(self, lines: list[tuple[Decimal, str]], before: int) -> None:
        """What was posted is what was shown."""
        assert [(entry.amount, entry.title) for entry in self._since(before)] == lines
