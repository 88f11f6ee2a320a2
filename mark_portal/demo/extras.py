"""What happens on an account besides fees and payments: visits, refunds, corrections by staff."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING

from billing.models import EntryKind
from mark_portal.demo import days

if TYPE_CHECKING:
    from mark_portal.demo.plans import Plan

# They fall between the last late payment of a month and the first payment for the next.
FROM_DAY, TO_DAY = 9, 16
VISIT = "Выезд мастера"
CHARGES = {VISIT: 400, "Замена кабеля": 350, "Настройка роутера": 500, "Перенос розетки": 650}
MISTAKEN = Decimal(6500)
OVERPAID = Decimal(9900)
TURBO_DAY = Decimal(149)
TURBO_TITLE = "Турбо-кнопка, 24 ч"
TERMINAL = "Платёжный терминал"
NOT_GIVEN_BACK = "Возврат не прошёл"


@dataclass(frozen=True)
class Extra:
    at: datetime
    kind: EntryKind
    amount: Decimal
    title: str
    code: str = ""


def on(month: int, day: int, hour: int, kind: EntryKind, amount: Decimal | int, title: str) -> Extra:
    return Extra(days.moment(days.day_in(month, day), hour, 20), kind, Decimal(amount), title)


def _visit(month: int, rng: Random) -> Extra:
    title = rng.choice(list(CHARGES))
    return on(month, rng.randint(FROM_DAY, TO_DAY), rng.randint(9, 17), EntryKind.CHARGE, -CHARGES[title], title)


def _refund(month: int, rng: Random) -> Extra:
    amount = Decimal(rng.randint(1500, 9900)) / 100
    day = rng.randint(FROM_DAY, TO_DAY)
    return on(month, day, 11, EntryKind.REFUND, amount, f"Перерасчёт за перерыв связи {day - 2}.{month % 12 + 1:02d}")


def _correction(month: int, rng: Random) -> Extra:
    amount, title = rng.choice(
        [
            (150, "Извинение за долгий ремонт"),
            (-120, "Дни, за которые деньги вернули дважды"),
            (300, "Возврат за выезд мастера"),
        ]
    )
    return on(month, rng.randint(FROM_DAY, TO_DAY), 15, EntryKind.ADJUSTMENT, amount, title)


def spread(plans: list["Plan"], places: list[int], current: int, rng: Random) -> None:
    """Give the plans at these places something extra in the last two years, but not this month."""
    for number, place in enumerate(places):
        make = _correction if number % 12 == 0 else rng.choices([_visit, _refund], [65, 35])[0]
        longest = min(22, current - days.month_of(plans[place].started_on) - 1)
        _add(plans, place, make(current - rng.randint(1, longest), rng))


def charge_debtors(plans: list["Plan"], places: list[int], current: int, rng: Random) -> None:
    """A visit after the money ran out: the few accounts below zero."""
    for place in places:
        plans[place] = replace(plans[place], unpaid_from=current - 2)
        day = rng.randint(FROM_DAY, TO_DAY)
        _add(plans, place, on(current - 1, day, 14, EntryKind.CHARGE, -CHARGES[VISIT], VISIT))


def misplace_payment(plans: list["Plan"], wrong: int, right: int, month: int) -> None:
    """A payment that came to the wrong contract and was moved by two corrections, each with a second signature."""
    title = "Платёж ошибочно зачислен, перенесён на договор {}".format
    _add(plans, wrong, on(month, 10, 12, EntryKind.TOP_UP, MISTAKEN, "Касса в офисе"))
    _add(plans, wrong, on(month, 12, 12, EntryKind.ADJUSTMENT, -MISTAKEN, title(plans[right].number)))
    title = "Платёж от 10-го числа, ошибочно зачисленный на договор {}".format
    _add(plans, right, on(month, 12, 13, EntryKind.ADJUSTMENT, MISTAKEN, title(plans[wrong].number)))


def overpay(plans: list["Plan"], place: int, month: int) -> None:
    """A figure too many; what is too much is asked back, and waits for a second signature."""
    _add(plans, place, on(month, 10, 18, EntryKind.TOP_UP, OVERPAID, "Банковская карта"))


def pay_for_another(plans: list["Plan"], place: int, month: int) -> None:
    """Asked back, but the card was closed meanwhile, so that the money came back to us."""
    _add(plans, place, on(month, 12, 10, EntryKind.TOP_UP, 900, "Банковская карта"))
    _add(plans, place, on(month, 13, 11, EntryKind.PAYOUT, -900, "Пополнен чужой договор"))
    _add(plans, place, on(month, 13, 12, EntryKind.PAYOUT, 900, NOT_GIVEN_BACK))


def pay_at_terminals(plans: list["Plan"], places: list[int], day: date) -> None:
    """What the register of that day is compared with."""
    for number, (place, amount) in enumerate(zip(places, (500, 300, 1000, 450), strict=True)):
        at = days.moment(day, 10 + 2 * number, 5 + 13 * number, 17)
        _add(plans, place, Extra(at, EntryKind.TOP_UP, Decimal(amount), TERMINAL))


def press_turbo(plans: list["Plan"], place: int, day: date) -> None:
    """Two days of more speed from the evening of a day: the button, and a minute later the button again."""
    for number in (1, 2):
        at = days.moment(day, 20, number)
        _add(plans, place, Extra(at, EntryKind.CHARGE, -TURBO_DAY, TURBO_TITLE, f"turbo:{number}"))


def of_the_demo_subscriber(current: int) -> tuple[Extra, ...]:
    return (
        on(current - 20, 11, 14, EntryKind.CHARGE, -CHARGES[VISIT], VISIT),
        on(current - 14, 13, 16, EntryKind.CHARGE, -500, "Настройка роутера"),
        on(current - 9, 10, 11, EntryKind.REFUND, 60, "Перерасчёт за перерыв связи"),
        on(current - 4, 15, 15, EntryKind.ADJUSTMENT, 150, "Извинение за долгий ремонт"),
        on(current - 2, 12, 10, EntryKind.CHARGE, -350, "Замена кабеля"),
        on(current - 1, 10, 19, EntryKind.TOP_UP, 1500, "Банковская карта"),
        on(current - 1, 11, 12, EntryKind.PAYOUT, -1500, "Оплачено по ошибке: за соседний договор"),
    )


def _add(plans: list["Plan"], place: int, extra: Extra) -> None:
    plans[place] = replace(plans[place], extras=tuple(sorted((*plans[place].extras, extra), key=lambda item: item.at)))
