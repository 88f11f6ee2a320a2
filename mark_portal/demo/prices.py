"""What the demo's contracts pay a month, with the two price rises of the last two years."""

from dataclasses import dataclass
from decimal import Decimal

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

FOR_PERSONS = {
    STARTER: 24,
    Tariff("Интернет 300", (520, 550, 590)): 24,
    FAMILY: 22,
    Tariff("Интернет 500 + ТВ", (720, 770, 830)): 10,
    Tariff("Интернет 1000 + ТВ", (920, 980, 1090)): 4,
    Tariff("Кабельное ТВ", (190, 210, 230)): 8,
    Tariff("Городской телефон", (240, 260, 280)): 3,
    Tariff("Интернет 100 + телефон", (600, 640, 690)): 5,
}

FOR_LEGAL_ENTITIES = {
    Tariff("Бизнес 50", (1900, 2000, 2200)): 6,
    Tariff("Бизнес 100", (2900, 3100, 3400)): 8,
    Tariff("Бизнес 100 + телефония", (3900, 4200, 4600)): 6,
    Tariff("Бизнес 500", (7200, 7600, 8200)): 3,
}
