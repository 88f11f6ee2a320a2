"""House numbers in one spelling, so that «12 а», «12A» and «12А» are one house."""

import re

LOOK_ALIKES = str.maketrans("ABCEHKMOPTXY", "АВСЕНКМОРТХУ")
USUAL = re.compile(
    r"""
    ([0-9]+)                                        # 12
    \s*([А-ЯЁ])?                                    # А
    (?:\s*([/-])\s*([0-9]+)\s*([А-ЯЁ])?)?           # /3Б
    (?:[\s,]*(?:КОРПУС|КОРП|КОР|К)\.?\s*([0-9]+[А-ЯЁ]?))?
    (?:[\s,]*(?:СТРОЕНИЕ|СТР|С)\.?\s*([0-9]+[А-ЯЁ]?))?
    """,
    re.VERBOSE,
)
ODD = re.compile(r"[0-9][0-9A-Za-zА-Яа-яЁё /.,-]*")


def normal(typed: str) -> str | None:
    """«12А», «12/3», «12 к2», «12 с1»; another shape that starts with a figure keeps its words; None for no number."""
    text = " ".join(typed.split()).lstrip("0")
    usual = USUAL.fullmatch(text.upper().translate(LOOK_ALIKES))
    if not usual:
        return text if ODD.fullmatch(text) else None
    number, letter, sign, second, second_letter, block, building = (part or "" for part in usual.groups())
    return (
        number
        + letter
        + (sign + second + second_letter)
        + (f" к{block}" if block else "")
        + (f" с{building}" if building else "")
    )
