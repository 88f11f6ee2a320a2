"""Payment terminals in the OSMP dialect: check, pay, status, cancel; docs/payments.md has the tables."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal

from django.utils.translation import gettext as _

from billing import terminals
from billing.gateways import terminal
from billing.gateways.terminal import Reply, Terminal, Verdict
from billing.models import Payment
from billing.terminals import WORDS, Refusal, TerminalRefused

OK = 0
CODES = {
    Refusal.LATER: 1,
    Refusal.BAD_ACCOUNT: 4,
    Refusal.NO_CONTRACT: 5,
    Refusal.NO_PAYMENT: 5,
    Refusal.STRANGER: 7,
    Refusal.TERMINATED: 7,
    Refusal.REVERSED: 7,
    Refusal.TOO_LATE: 7,
    Refusal.SPENT: 8,
    Refusal.BAD_REQUEST: 202,
    Refusal.BAD_NUMBER: 202,
    Refusal.BAD_SUM: 202,
    Refusal.BAD_DATE: 202,
    Refusal.OTHER_DATA: 215,
    Refusal.TOO_SMALL: 241,
    Refusal.TOO_BIG: 242,
    Refusal.INTERNAL: 300,
}
OUR_NUMBER = re.compile(r"[0-9]{1,18}")
DATE = {"shape": r"[0-9]{14}", "pattern": "%Y%m%d%H%M%S"}


class Osmp(Terminal):
    name = "osmp"
    actions_kept = (("command", "pay"), ("command", "cancel"))

    def answer(self, asked: Mapping[str, str], *, now: datetime) -> Reply:
        try:
            return self._carry_out(asked, now=now)
        except TerminalRefused as refusal:
            return self.refuse(refusal.reason, asked)

    def refuse(self, reason: Refusal, asked: Mapping[str, str]) -> Reply:
        code, words = CODES[reason], str(WORDS[reason])
        number = _echoed(asked)
        return Reply(code, _xml(number, code, words), Verdict.REFUSED, reason=f"{code}: {reason} {number}".rstrip())

    def _carry_out(self, asked: Mapping[str, str], *, now: datetime) -> Reply:
        commands: dict[str, Callable[..., Reply]] = {
            "check": self._check,
            "pay": self._pay,
            "status": self._status,
            "cancel": self._cancel,
        }
        command = commands.get(asked.get("command", ""))
        if command is None:
            raise TerminalRefused(Refusal.BAD_REQUEST)
        return command(asked, now=now)

    def _check(self, asked: Mapping[str, str], *, now: datetime) -> Reply:
        number = terminal.payment_number(_given(asked, "txn_id"))
        contract_number = terminal.contract_number(_given(asked, "account"))
        amount = terminal.amount(asked["sum"]) if "sum" in asked else None
        terminals.find(contract_number)
        if amount is not None:
            terminals.refuse_beyond_limits(amount)
        return Reply(OK, _xml(number, OK, _("The contract can be paid."), amount=amount), Verdict.ACCEPTED)

    def _pay(self, asked: Mapping[str, str], *, now: datetime) -> Reply:
        number = terminal.payment_number(_given(asked, "txn_id"))
        contract_number = terminal.contract_number(_given(asked, "account"))
        amount = terminal.amount(_given(asked, "sum"))
        paid_at = terminal.moment(_given(asked, "txn_date"), **DATE, now=now)
        taken = terminals.pay(
            contract_number, gateway=self.name, number=number, amount=amount, paid_at=paid_at, now=now
        )
        return _about(taken.payment, _("The payment is taken."), is_new=taken.is_new)

    def _status(self, asked: Mapping[str, str], *, now: datetime) -> Reply:
        payment = terminals.payment_of(self.name, terminal.payment_number(_given(asked, "txn_id")))
        if payment.state == Payment.State.SUCCEEDED:
            return _about(payment, _("The payment is taken."), is_new=False)
        code = CODES[Refusal.REVERSED]
        return _about(payment, str(WORDS[Refusal.REVERSED]), is_new=False, code=code)

    def _cancel(self, asked: Mapping[str, str], *, now: datetime) -> Reply:
        number = _given(asked, "prv_txn")
        if not OUR_NUMBER.fullmatch(number):
            raise TerminalRefused(Refusal.BAD_NUMBER)
        taken = terminals.cancel(int(number), gateway=self.name, now=now)
        return _about(taken.payment, _("The payment is cancelled."), is_new=taken.is_new)


def _given(asked: Mapping[str, str], name: str) -> str:
    if name not in asked:
        raise TerminalRefused(Refusal.BAD_REQUEST)
    return asked[name]


def _echoed(asked: Mapping[str, str]) -> str:
    number = asked.get("txn_id", "")
    return number if terminal.PAYMENT_NUMBER.fullmatch(number) else ""


def _about(payment: Payment, words: str, *, is_new: bool, code: int = OK) -> Reply:
    xml = _xml(payment.gateway_id, code, words, prv_txn=str(payment.pk), amount=payment.amount)
    return Reply(code, xml, Verdict.ACCEPTED if is_new else Verdict.REPEATED, payment=payment)


def _xml(txn_id: str, code: int, words: str, *, prv_txn: str = "", amount: Decimal | None = None) -> bytes:
    total = "" if amount is None else f"{amount:.2f}"
    values = {"osmp_txn_id": txn_id, "prv_txn": prv_txn, "sum": total, "result": code, "comment": words}
    return terminal.written("response", values)


gateway = Osmp()
