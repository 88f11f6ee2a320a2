"""The money of one contract, told month by month by the rules of the house: no database, only arithmetic.

Prepaid months: on the 1st at 00:10 the fee, if the money covers it; if not, nothing, and the remaining days as soon as
money arrives. Nothing is told past `until`: now, the start of a suspension by wish, or the end of the contract.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from accounts import working_time
from accounts.models import Contract
from billing.models import EntryKind, PromisedPayment
from mark_portal.demo import days
from mark_portal.demo.loans import Lent, Loan
from mark_portal.demo.plans import Plan, Rhythm
from mark_portal.demo.prices import Part

MONTHS_BACK = 24
SERVICE_RETURNS = timedelta(seconds=20)
OFFICE = "Касса в офисе"
ONLINE = ("СБП", "Банковская карта")
OPENING = "Остаток из прежней системы расчётов"
BY_WISH = "Возврат за дни добровольной блокировки"
UNUSED_DAYS = "Возврат за дни после расторжения"
PAID_OUT = "Выплата остатка при расторжении"
SAVED = "Мир •• {}".format
CARDS = ("1881", "4477", "5505", "0087", "3612")


@dataclass(frozen=True)
class Line:
    at: datetime
    kind: EntryKind
    amount: Decimal
    title: str
    code: str = ""  # which option, offer, press of the turbo button; see services.py


@dataclass(frozen=True)
class Story:
    plan: Plan
    lines: list[Line]
    state: Contract.State
    lent: Lent | None = None


def tell(plan: Plan, now: datetime, rng: Random) -> Story:
    teller = _Teller(plan, now, rng)
    teller.tell()
    lines = sorted(teller.lines, key=lambda line: line.at)  # what happened yesterday may lie before the 18th
    return Story(plan, lines, teller.state, teller.lent)


def card_of(plan: Plan) -> str:
    """The last digits of the one card that the holder pays by."""
    return CARDS[int(plan.number) % len(CARDS)]


class _Teller:
    def __init__(self, plan: Plan, now: datetime, rng: Random) -> None:
        self.plan, self.rng = plan, rng
        self.current = days.month_of(now.astimezone(days.ZONE).date())
        self.until = now
        if plan.suspended_on:
            self.until = days.moment(plan.suspended_on, 0)
        elif plan.ended_on:
            self.until = days.moment(plan.ended_on, 9)
        self.lines: list[Line] = []
        self.balance = Decimal(0)
        self.charged_whole = -1  # the last month charged in full
        self.is_unpaid = False
        self.invoices = 0
        self.lent: Lent | None = None
        self.promised = Decimal(0)  # counts towards the next fee

    @property
    def state(self) -> Contract.State:
        if self.plan.ended_on:
            return Contract.State.TERMINATED
        if self.plan.suspended_on:
            return Contract.State.SUSPENDED_BY_WISH
        return Contract.State.SUSPENDED_FOR_DEBT if self.is_unpaid else Contract.State.ACTIVE

    def tell(self) -> None:
        started, oldest = days.month_of(self.plan.started_on), self.current - MONTHS_BACK
        if started < oldest:
            first = oldest
            self._post(days.moment(days.first_day(first), 0), EntryKind.ADJUSTMENT, self._opening(first), OPENING)
        else:
            first = started + 1
            self._begin(started)
        for month in range(first, self.current + 1):
            self._month(month)
        self._end()

    def _opening(self, month: int) -> Decimal:
        return self._fee(month) + self.plan.opening

    def _fee(self, month: int) -> Decimal:
        return sum((part.fee for part in self._parts(month)), Decimal(0))

    def _parts(self, month: int) -> list[Part]:
        return self.plan.parts(month, current=self.current)

    def _rest(self, month: int, day: int) -> Decimal:
        """What the days of a month from this one on cost, each part by itself."""
        return sum((self._share(part, month, day) for part in self._parts(month)), Decimal(0))

    def _share(self, part: Part, month: int, day: int) -> Decimal:
        share = days.share(abs(part.fee), month, days.length(month) - day + 1)
        return share if part.fee > 0 else -share

    def _charge(self, at: datetime, month: int, day: int = 1) -> bool:
        """Post the month from this day on; False if that has not happened by `until`."""
        posted = False
        for part in self._parts(month):
            kind = EntryKind.MONTH if part.fee > 0 else EntryKind.DISCOUNT
            posted |= self._post(at, kind, -self._share(part, month, day), part.title, part.code)
        return posted

    def _post(self, at: datetime, kind: EntryKind, amount: Decimal, title: str, code: str = "") -> bool:
        """False for what has not happened by `until`, and for nothing."""
        if at > self.until or not amount:
            return False
        self.lines.append(Line(at, kind, amount, title, code))
        self.balance += amount
        return True

    def _begin(self, month: int) -> None:
        """The first payment on the day of the connection; the month is charged by days."""
        start = self.plan.started_on
        fee = self._rest(month, start.day)
        is_late_in_month = start.day >= 17
        wanted = fee + (self._fee(month + 1) if is_late_in_month else 0)
        at = days.moment(start, self.rng.randint(10, 17), self.rng.randrange(60))
        self._pay(at, days.rounded_up(wanted, 10))
        self._charge(at + SERVICE_RETURNS, month, start.day)
        if not is_late_in_month:
            self._pay_for_next(month)

    def _month(self, month: int) -> None:
        at = days.moment(days.first_day(month), 0, 10)
        fee = self._fee(month)
        if at > self.until:
            return
        loan = self.plan.loan
        if self.balance + self.plan.credit_limit + self.promised >= fee:
            self._charge(at, month)
            self.charged_whole, self.is_unpaid = month, False
        elif loan and loan.month == month:
            self.is_unpaid = not self._live_on(loan)
        else:
            self.is_unpaid = not self._pay_late(month)
        for extra in self.plan.extras:
            if days.month_of(extra.at.date()) == month:
                self._post(extra.at, extra.kind, extra.amount, extra.title, extra.code)
        if loan and loan.month == month + 1 and days.month_of(loan.on) == month:
            self._borrow_ahead(loan)
        self._pay_for_next(month)

    def _pay_late(self, month: int) -> bool:
        if not self._pays_for(month):
            return False
        day = self.rng.randint(2, 8)
        rest = self._rest(month, day)
        at = self._hour_of(days.day_in(month, day))
        if self._pay(at, days.rounded_up(max(rest - self.balance, Decimal(1)), self.plan.habit.step)):
            return self._charge(at + SERVICE_RETURNS, month, day)
        return False

    def _live_on(self, loan: Loan) -> bool:
        """The service returns on the promise, and the rest of the month is charged. False if it stops again."""
        self._take(loan, self._fee(loan.month - 1))
        self._charge(loan.at + SERVICE_RETURNS, loan.month, loan.on.day)
        return self._pay_back(loan, -self.balance) or loan.fate == PromisedPayment.State.OPEN

    def _borrow_ahead(self, loan: Loan) -> None:
        """While the service runs, for the fee of the next month."""
        fee = self._fee(loan.month)
        self._take(loan, fee)
        if not self._pay_back(loan, fee + self.plan.habit.reserve - self.balance):
            self.promised = days.rounded_up(fee - self.balance, 10)

    def _take(self, loan: Loan, fee: Decimal) -> None:
        self.lent = Lent(loan, self.balance, fee, self._title(loan.month))

    def _pay_back(self, loan: Loan, amount: Decimal) -> bool:
        if loan.paid_on is None or self.lent is None:
            return False
        at = self._hour_of(loan.paid_on)
        self.lent = replace(self.lent, paid_at=at)
        return self._pay(at, days.rounded_up(amount, self.plan.habit.step))

    def _pays_for(self, month: int) -> bool:
        if self.plan.loan and self.plan.loan.month == month:
            return False
        return self.plan.unpaid_from is None or month < self.plan.unpaid_from

    def _pay_for_next(self, month: int) -> None:
        """The payments between the 17th and the end of a month, by the habit of the contract."""
        if not self._pays_for(month + 1):
            return
        habit = self.plan.habit
        missing = self._fee(month + 1) + habit.reserve - self.balance
        if self.plan.credit_limit:
            missing = -self.balance
        if missing <= 0 or self._forgets(month):
            return
        if habit.rhythm == Rhythm.BY_INVOICE:
            self._pay_invoice(month, missing)
        elif habit.rhythm == Rhythm.AUTOPAY:
            at = days.moment(days.day_in(month, days.length(month)), 10, self.rng.randrange(2, 9), 7)
            self._post(at, EntryKind.TOP_UP, max(missing, Decimal(1)), SAVED(card_of(self.plan)))
        elif habit.rhythm == Rhythm.TWICE:
            half = days.rounded_up(missing / 2, 50)
            self._pay(self._hour_of(days.day_in(month, 17)), half)
            self._pay(self._hour_of(days.day_in(month, self.rng.randint(22, 28))), half)
        elif habit.rhythm == Rhythm.AHEAD:
            amount = missing + self._fee(month + 1) * self.rng.randint(2, 5)
            self._pay(self._hour_of(days.day_in(month, self.rng.randint(18, 28))), days.rounded_up(amount, 100))
        else:
            amount = days.rounded_up(missing, habit.step)
            self._pay(self._hour_of(days.day_in(month, self.rng.randint(18, 28))), amount)

    def _forgets(self, month: int) -> bool:
        if month + 1 in self.plan.declined_for:
            return True
        is_forgetful = self.plan.habit.rhythm == Rhythm.LATE and month + 1 < self.current
        return is_forgetful and self.rng.random() < 0.3

    def _hour_of(self, day: date) -> datetime:
        hours = (9, 17) if self.plan.habit.means == OFFICE else (7, 22)
        return days.moment(day, self.rng.randint(*hours), self.rng.randrange(60), self.rng.randrange(60))

    def _pay(self, at: datetime, amount: Decimal) -> bool:
        return self._post(at, EntryKind.TOP_UP, amount, self._means() or self._invoice(at.date()))

    def _means(self) -> str:
        usual = self.plan.habit.means
        return self.rng.choices([usual, *ONLINE], [8, 1, 1])[0] if usual else ""

    def _pay_invoice(self, month: int, amount: Decimal) -> None:
        day = _working_day(days.day_in(month, self.rng.randint(19, 27)))
        self._pay(days.moment(day, self.rng.randint(10, 16), self.rng.randrange(60)), amount)

    def _invoice(self, day: date) -> str:
        self.invoices += 1
        invoiced_on = _working_day(day - timedelta(3))
        return f"Оплата по счёту № {self.plan.number[-3:]}-{self.invoices:02d} от {invoiced_on:%d.%m.%Y}"

    def _title(self, month: int) -> str:
        return self.plan.tariff_in(month).title

    def _end(self) -> None:
        """Give back the days of the month that will not be used; a subscriber who leaves takes the rest along."""
        last = self.plan.suspended_on or self.plan.ended_on
        if last is None:
            return
        month = days.month_of(last)
        at, unused = self.until, last.day + (0 if self.plan.suspended_on else 1)
        if self.charged_whole == month:
            title, code = (BY_WISH, "suspension") if self.plan.suspended_on else (UNUSED_DAYS, "")
            self._post(at, EntryKind.REFUND, self._rest(month, unused), title, code)
        if self.plan.ended_on and self.plan.unpaid_from is None and self.balance > 0:
            self._post(at, EntryKind.CHARGE, -self.balance, PAID_OUT)


def _working_day(day: date) -> date:
    """This day or the last working one before it: banks rest on the others."""
    while not working_time.is_working_day(day):
        day -= timedelta(1)
    return day
