"""What is sold: the tariffs of both cities with their prices, options, offers, turbo packages."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from accounts.models import City, Subscriber
from mark_portal.demo import days
from mark_portal.demo.extras import TURBO_DAY
from mark_portal.demo.prices import (
    COTTAGE,
    FOR_LEGAL_ENTITIES,
    FOR_PERSONS,
    LONG_TOGETHER,
    NEWCOMER,
    RISES,
    Tariff,
)
from mark_portal.demo.prices import OPTIONS as HELD
from tariffs import models
from tariffs.models import Service

PERSON, LEGAL = Subscriber.Kind.PERSON, Subscriber.Kind.LEGAL_ENTITY
LONG_AGO = date(2015, 1, 1)
NEW = Tariff("Гигабит", (1290, 1290, 1290))
OLD = Tariff("Интернет 60", (390, 420, 450))  # not sold any more


@dataclass(frozen=True)
class About:
    """What the catalogue says of a tariff, by its Russian name."""

    name_en: str
    services: tuple[Service, ...]
    summary: str
    summary_en: str
    down: int | None = None
    up: int | None = None
    channels: int | None = None
    minutes: int | None = None
    volume: int | None = None
    floor: int | None = None
    switch_fee: int = 0


INTERNET, TV, TELEPHONY = Service.INTERNET, Service.TV, Service.TELEPHONY
ABOUT = {
    "Интернет 100": About(
        "Internet 100",
        (INTERNET,),
        "Почта, музыка, фильмы на одном экране.",
        "Mail, music, films on one screen.",
        100,
        100,
    ),
    "Интернет 300": About(
        "Internet 300",
        (INTERNET,),
        "Для семьи: несколько экранов и видеозвонки сразу.",
        "For a family: several screens and calls at once.",
        300,
        300,
    ),
    "Интернет 300 + ТВ": About(
        "Internet 300 + TV",
        (INTERNET, TV),
        "Интернет для семьи и цифровое ТВ.",
        "Internet and digital TV.",
        300,
        300,
        180,
    ),
    "Интернет 500 + ТВ": About(
        "Internet 500 + TV",
        (INTERNET, TV),
        "Запас скорости и все каналы.",
        "Speed to spare, every channel.",
        500,
        500,
        230,
    ),
    "Интернет 1000 + ТВ": About(
        "Internet 1000 + TV",
        (INTERNET, TV),
        "Самая быстрая линия и все каналы.",
        "The fastest line and every channel.",
        1000,
        1000,
        230,
        switch_fee=200,
    ),
    "Гигабит": About(
        "Gigabit", (INTERNET,), "До 1 Гбит/с в обе стороны.", "Up to 1 Gbit/s both ways.", 1000, 1000, switch_fee=200
    ),
    "Интернет 60": About("Internet 60", (INTERNET,), "Прежний тариф.", "A former tariff.", 60, 60),
    "Кабельное ТВ": About(
        "Cable TV", (TV,), "Кабельные каналы без приставки.", "Cable channels without a set-top box.", channels=72
    ),
    "Городской телефон": About(
        "City telephone", (TELEPHONY,), "Городской номер и 300 минут.", "A city number and 300 minutes.", minutes=300
    ),
    "Интернет 100 + телефон": About(
        "Internet 100 + telephone",
        (INTERNET, TELEPHONY),
        "Интернет и городской номер.",
        "Internet and a city number.",
        100,
        100,
        minutes=300,
    ),
    "Дачный 50": About(
        "Cottage 50",
        (INTERNET,),
        "200 ГБ в месяц на полной скорости, дальше — 2 Мбит/с.",
        "200 GB a month at full speed, then 2 Mbit/s.",
        50,
        25,
        volume=200,
        floor=2,
    ),
    "Бизнес 50": About(
        "Business 50", (INTERNET,), "Для небольшого офиса.", "For a small office.", 50, 50, switch_fee=500
    ),
    "Бизнес 100": About(
        "Business 100", (INTERNET,), "Офис до тридцати рабочих мест.", "An office of up to thirty desks.", 100, 100
    ),
    "Бизнес 100 + телефония": About(
        "Business 100 + telephony",
        (INTERNET, TELEPHONY),
        "Интернет и четыре городских номера.",
        "Internet and four city numbers.",
        100,
        100,
        minutes=2000,
    ),
    "Бизнес 500": About(
        "Business 500",
        (INTERNET,),
        "Для компаний с серверами и филиалами.",
        "For companies with servers and branches.",
        500,
        500,
        switch_fee=500,
    ),
}


@dataclass(frozen=True)
class Sold:
    name_en: str
    needs: Service | None
    summary: str
    summary_en: str
    activation: int = 0
    most: int = 1
    choices: tuple[str, ...] = ()


OPTIONS = {
    "Статический IP-адрес": Sold(
        "Static IP address",
        INTERNET,
        "Постоянный адрес для камер, сервера и удалённой работы.",
        "A constant address for cameras, a server, remote work.",
    ),
    "Антивирус на три устройства": Sold(
        "Antivirus for three devices", INTERNET, "Лицензия продлевается сама.", "The licence renews itself."
    ),
    "Wi-Fi-роутер в аренду": Sold(
        "Wi-Fi router for rent",
        INTERNET,
        "Роутер с настройкой и заменой, если сломается.",
        "A router, set up, and replaced when it breaks.",
        activation=150,
    ),
    "ТВ-приставка в аренду": Sold(
        "TV box for rent", TV, "По одной на телевизор, не больше четырёх.", "One for each set, four at most.", 100, 4
    ),
    "Пакет каналов": Sold(
        "Package of channels",
        TV,
        "Тематический пакет на ваш выбор.",
        "A package on a theme that you choose.",
        choices=("Кино", "Спорт", "Детям", "Познавательный"),
    ),
    "Определитель номера": Sold(
        "Caller's number", TELEPHONY, "Номер звонящего на экране телефона.", "Who calls, on the telephone's screen."
    ),
}
FOR_COMPANIES = {
    "Дополнительный городской номер": (
        150,
        Sold("Another city number", TELEPHONY, "До десяти номеров.", "Up to ten numbers.", 300, 10),
    ),
    "Резервный канал": (
        900,
        Sold(
            "Reserve line", INTERNET, "Вторая линия, проложенная другим путём.", "A second line by another way.", 2000
        ),
    ),
}


@dataclass(frozen=True)
class Catalogue:
    tariffs: dict[tuple[int, str], models.Tariff]  # by city and name
    options: dict[str, models.Option]
    offers: dict[str, models.Offer]
    turbo_day: models.TurboPackage


def fill(today: date) -> Catalogue:
    cities = list(City.objects.order_by("pk"))
    tariffs = {(city.pk, row.name): row for city in cities for row in _tariffs(city, days.month_of(today))}
    return Catalogue(tariffs, _options(), _offers(cities, today, tariffs), _turbo())


def _tariffs(city: City, current: int) -> list[models.Tariff]:
    of_kind = [(tariff, PERSON) for tariff in (*FOR_PERSONS, NEW, OLD)]
    of_kind += [(tariff, LEGAL) for tariff in FOR_LEGAL_ENTITIES]
    rows = [_tariff(city, audience, tariff.title, position) for position, (tariff, audience) in enumerate(of_kind, 1)]
    models.Tariff.objects.bulk_create(rows)
    models.TariffPrice.objects.bulk_create(
        models.TariffPrice(tariff=row, fee=fee, since=since)
        for row, (tariff, _audience) in zip(rows, of_kind, strict=True)
        for since, fee in _prices(tariff, current)
    )
    return rows


def _tariff(city: City, audience: str, name: str, position: int) -> models.Tariff:
    about = ABOUT[name]
    return models.Tariff(
        city=city,
        audience=audience,
        services=list(about.services),
        name=name,
        name_en=about.name_en,
        summary=about.summary,
        summary_en=about.summary_en,
        position=position * 10,
        is_archived=name == OLD.title,
        speed_down=about.down,
        speed_up=about.up,
        volume_gb=about.volume,
        floor_speed=about.floor,
        channels=about.channels,
        minutes=about.minutes,
        switch_fee=about.switch_fee,
    )


def _prices(tariff: Tariff, current: int) -> list[tuple[date, Decimal]]:
    """Each fee from the day it came into force; what does not change has one."""
    starts = [LONG_AGO, *(days.first_day(current - ago) for ago in RISES)]
    prices = list(zip(starts, map(Decimal, tariff.fees), strict=True))
    return [(since, fee) for place, (since, fee) in enumerate(prices) if not place or fee != prices[place - 1][1]]


def _options() -> dict[str, models.Option]:
    fees = {option.title: option.fee for option in HELD}
    of_kind = [(name, fees[name], sold, "") for name, sold in OPTIONS.items()]
    of_kind += [(name, fee, sold, str(LEGAL)) for name, (fee, sold) in FOR_COMPANIES.items()]
    rows = [
        models.Option(
            name=name,
            name_en=sold.name_en,
            summary=sold.summary,
            summary_en=sold.summary_en,
            position=position * 10,
            audience=audience,
            needs=sold.needs or "",
            activation_fee=sold.activation,
            max_quantity=sold.most,
            choice_label="Какой пакет" if sold.choices else "",
            choices=list(sold.choices),
        )
        for position, (name, _fee, sold, audience) in enumerate(of_kind, 1)
    ]
    models.Option.objects.bulk_create(rows)
    models.OptionPrice.objects.bulk_create(
        models.OptionPrice(option=row, fee=fee, since=LONG_AGO)
        for row, (_name, fee, _sold, _audience) in zip(rows, of_kind, strict=True)
    )
    return {row.name: row for row in rows}


def _offers(cities: list[City], today: date, tariffs: dict[tuple[int, str], models.Tariff]) -> dict[str, models.Offer]:
    year = days.month_of(today) // 12 * 12  # its January, as a number
    rows = [
        models.Offer(
            name=NEWCOMER,
            name_en="Newcomer: 30% off for three months",
            summary="Для тех, кто с нами первый месяц. Скидка действует с первого полного месяца.",
            summary_en="For those in their first month with us: off the monthly fee from the first full month.",
            position=10,
            audience=PERSON,
            tenure_to=1,
            starts_on=LONG_AGO,
            percent=30,
            months=3,
        ),
        models.Offer(
            name=LONG_TOGETHER,
            name_en="Longer together: 10% off for half a year",
            summary="Для тех, кто с нами два года и дольше. Подключить можно один раз.",
            summary_en="For two years together. It can be taken once.",
            position=20,
            audience=PERSON,
            tenure_from=24,
            starts_on=LONG_AGO,
            percent=10,
            months=6,
        ),
        models.Offer(
            name="Три нажатия турбо-кнопки в подарок",
            name_en="Three turbo presses as a gift",
            summary="Попробуйте свою линию на полной скорости.",
            summary_en="Try your line at its full speed.",
            position=30,
            starts_on=days.first_day(year),
            ends_on=days.first_day(year + 12).replace(month=12, day=31),
            presses=3,
        ),
        models.Offer(
            name="100 ₽ на счёт за переход на Интернет 500 + ТВ",
            name_en="100 ₽ for moving to Internet 500 + TV",
            summary="Для тех, у кого уже этот тариф.",
            summary_en="For those who have this tariff already.",
            position=40,
            city=cities[0],
            audience=PERSON,
            starts_on=days.first_day(days.month_of(today) - 1),
            ends_on=days.first_day(days.month_of(today) + 2),
            credit=100,
        ),
        models.Offer(
            name="Лето на даче",
            name_en="Summer at the cottage",
            summary="Скидка на «Дачный 50».",
            summary_en="Off «Cottage 50».",
            position=50,
            audience=PERSON,
            starts_on=days.first_day(year - 12 + 4),
            ends_on=days.first_day(year - 12 + 7),
            percent=25,
            months=3,
        ),
    ]
    models.Offer.objects.bulk_create(rows)
    offers = {row.name: row for row in rows}
    rows[3].tariffs.add(tariffs[cities[0].pk, "Интернет 500 + ТВ"])
    rows[4].tariffs.add(*(tariffs[city.pk, COTTAGE.title] for city in cities))
    return offers


def _turbo() -> models.TurboPackage:
    prices = {1: Decimal(29), 3: Decimal(59), 24: TURBO_DAY}
    rows = [models.TurboPackage(hours=hours, price=price, factor=2) for hours, price in prices.items()]
    models.TurboPackage.objects.bulk_create(rows)
    return rows[-1]
