"""Sums in Russian words, as papers of account have them: «Шестьсот пятьдесят рублей 00 копеек»."""

from decimal import Decimal

UNITS = (
    *("ноль", "один", "два", "три", "четыре", "пять", "шесть", "семь", "восемь", "девять", "десять", "одиннадцать"),
    *("двенадцать", "тринадцать", "четырнадцать", "пятнадцать", "шестнадцать", "семнадцать", "восемнадцать"),
    "девятнадцать",
)
FEMININE = {1: "одна", 2: "две"}
TENS = ("", "", "двадцать", "тридцать", "сорок", "пятьдесят", "шестьдесят", "семьдесят", "восемьдесят", "девяносто")
HUNDREDS = ("", "сто", "двести", "триста", "четыреста", "пятьсот", "шестьсот", "семьсот", "восемьсот", "девятьсот")
# One, two to four, five and more.
ROUBLES, KOPECKS = ("рубль", "рубля", "рублей"), ("копейка", "копейки", "копеек")
THOUSANDS = ("тысяча", "тысячи", "тысяч")
GROUPS = (THOUSANDS, ("миллион", "миллиона", "миллионов"), ("миллиард", "миллиарда", "миллиардов"))
LIMIT = 1000 ** (len(GROUPS) + 1)


def form(number: int, forms: tuple[str, str, str]) -> str:
    """The form of a noun that goes with a number: «1 рубль», «2 рубля», «11 рублей»."""
    if number % 100 in range(11, 15):
        return forms[2]
    return forms[0] if number % 10 == 1 else forms[1] if number % 10 in (2, 3, 4) else forms[2]


def rubles_in_words(amount: Decimal) -> str:
    """A sum in whole kopecks, not negative, below a trillion. Raises ValueError for others."""
    kopecks = int(amount * 100)
    if amount * 100 != kopecks or not 0 <= amount < LIMIT:
        raise ValueError(f"{amount} is not a sum to be written in words")
    whole, rest = divmod(kopecks, 100)
    words = f"{_number(whole)} {form(whole, ROUBLES)} {rest:02d} {form(rest, KOPECKS)}"
    return words[0].upper() + words[1:]


def _number(number: int) -> str:
    if not number:
        return UNITS[0]
    number, last = divmod(number, 1000)
    parts = [_below_thousand(last, feminine=False)]
    for forms in GROUPS:
        number, group = divmod(number, 1000)
        if group:
            parts.append(f"{_below_thousand(group, feminine=forms is THOUSANDS)} {form(group, forms)}")
    return " ".join(filter(None, reversed(parts)))


def _below_thousand(number: int, *, feminine: bool) -> str:
    words = [HUNDREDS[number // 100]]
    rest = number % 100
    if rest >= 20:
        words.append(TENS[rest // 10])
        rest %= 10
    if rest:
        words.append(FEMININE.get(rest, UNITS[rest]) if feminine else UNITS[rest])
    return " ".join(filter(None, words))
