"""What the demo's contracts pay a month: tariffs with the two price rises of the last two years, options, offers."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from mark_portal.demo.days import KOPECK

# How many months ago the second and the third fee came into force.
RISES = (19, 7)


@dataclass(frozen=True)
class Tariff:
    title: str
    fees: tuple[int, int, int]  # rubles a month: at first, after the first rise, now

    def fee(self, month: int, *, current: int) -> Decimal:
        """The fee in force in a month, in rubles."""
        rises_passed = sum(month >= current - ago for ago in RISES)
        return Decimal(self.fees[rises_passed])


STARTER = Tariff("Интернет 100", (420, 450, 490))
FAMILY = Tariff("Интернет 300 + ТВ", (560, 600, 650))
COTTAGE = Tariff("Дачный 50", (290, 310, 340))  # with an included volume

FOR_PERSONS = {
    STARTER: 24,
    Tariff("Интернет 300", (520, 550, 590)): 24,
    FAMILY: 22,
    Tariff("Интернет 500 + ТВ", (720, 770, 830)): 10,
    Tariff("Интернет 1000 + ТВ", (920, 980, 1090)): 4,
    Tariff("Кабельное ТВ", (190, 210, 230)): 8,
    Tariff("Городской телефон", (240, 260, 280)): 3,
    Tariff("Интернет 100 + телефон", (600, 640, 690)): 5,
    COTTAGE: 5,
}

FOR_LEGAL_ENTITIES = {
    Tariff("Бизнес 50", (1900, 2000, 2200)): 6,
    Tariff("Бизнес 100", (2900, 3100, 3400)): 8,
    Tariff("Бизнес 100 + телефония", (3900, 4200, 4600)): 6,
    Tariff("Бизнес 500", (7200, 7600, 8200)): 3,
}

NEWCOMER = "Новосёл: −30 % на три месяца"
LONG_TOGETHER = "Вместе дольше: −10 % на полгода"


@dataclass(frozen=True)
class Sold:
    """An option in use; `fits` is a word in the names of the tariffs that can have it."""

    title: str
    fee: int  # rubles a month for one
    fits: str
    most: int = 1


OPTIONS = (
    Sold("Статический IP-адрес", 120, "Интернет"),
    Sold("Антивирус на три устройства", 99, "Интернет"),
    Sold("Wi-Fi-роутер в аренду", 90, "Интернет"),
    Sold("ТВ-приставка в аренду", 100, "ТВ", 3),
    Sold("Пакет каналов", 190, "ТВ"),
    Sold("Определитель номера", 60, "телефон"),
)


@dataclass(frozen=True)
class Part:
    """One line of a month; `code` names its option or offer, and is empty for the tariff."""

    code: str
    title: str
    fee: Decimal


@dataclass(frozen=True)
class Held:
    """An option that a contract has since a month; `fee` in rubles a month for all of them."""

    title: str
    fee: int
    since: int
    quantity: int = 1

    @property
    def code(self) -> str:
        return f"option:{self.title}"

    def part(self) -> Part:
        title = self.title if self.quantity == 1 else f"{self.title} × {self.quantity}"
        return Part(self.code, title, Decimal(self.fee * self.quantity))


@dataclass(frozen=True)
class Taken:
    """An offer's percentage off the tariff, from a month to before another."""

    title: str
    percent: int
    since: int
    until: int

    @property
    def code(self) -> str:
        return f"offer:{self.title}"

    def part(self, fee: Decimal) -> Part:
        return Part(self.code, self.title, -(fee * self.percent / 100).quantize(KOPECK, ROUND_HALF_UP))
