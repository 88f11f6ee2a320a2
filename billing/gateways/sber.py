"""Sberbank's machines and application: check, payment; docs/payments.md has the tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import Contract
from billing import outlook, recommended, terminals
from billing.gateways import terminal
from billing.gateways.terminal import Reply, Terminal, Verdict
from billing.models import Payment
from billing.terminals import WORDS, Refusal, TerminalRefused

OK, DUPLICATE = 0, 8
CODES = {
    Refusal.LATER: 1,
    Refusal.BAD_REQUEST: 2,
    Refusal.NO_CONTRACT: 3,
    Refusal.BAD_ACCOUNT: 4,
    Refusal.TERMINATED: 5,
    Refusal.BAD_NUMBER: 6,
    Refusal.OTHER_DATA: 6,
    Refusal.STRANGER: 7,
    Refusal.REVERSED: 7,
    Refusal.BAD_SUM: 9,
    Refusal.TOO_SMALL: 10,
    Refusal.TOO_BIG: 11,
    Refusal.BAD_DATE: 12,
    Refusal.INTERNAL: 300,
}
DATE = {"shape": r"[0-9]{2}\.[0-9]{2}\.[0-9]{4}_[0-9]{2}:[0-9]{2}:[0-9]{2}", "pattern": "%d.%m.%Y_%H:%M:%S"}
WORD = re.compile(r"\w+")


class Sber(Terminal):
    name = "sber"
    actions_kept = (("ACTION", "payment"),)

    def answer(self, asked: Mapping[str, str], *, now: datetime) -> Reply:
        try:
            if asked.get("ACTION") == "check":
                return self._check(asked, now=now)
            if asked.get("ACTION") == "payment":
                return self._payment(asked, now=now)
        except TerminalRefused as refusal:
            return self.refuse(refusal.reason, asked)
        return self.refuse(Refusal.BAD_REQUEST, asked)

    def refuse(self, reason: Refusal, asked: Mapping[str, str]) -> Reply:
        code = CODES[reason]
        number = asked.get("PAY_ID", "")
        known = number if terminal.PAYMENT_NUMBER.fullmatch(number) else ""
        why = f"{code}: {reason} {known}".rstrip()
        return Reply(code, _xml(code, str(WORDS[reason])), Verdict.REFUSED, reason=why)

    def _check(self, asked: Mapping[str, str], *, now: datetime) -> Reply:
        contract = terminals.find(terminal.contract_number(asked.get("ACCOUNT", "")))
        standing = outlook.stand(contract.pk, now=now)
        wanted = recommended.sum_for(standing.outlook).amount
        about = {
            "FIO": masked_name(contract.subscriber.name),
            "ADDRESS": masked_address(contract),
            "BALANCE": _money(standing.account.balance.to_integral_value(ROUND_FLOOR)),
            "REC_SUM": _money(wanted.to_integral_value(ROUND_CEILING)),
        }
        return Reply(OK, _xml(OK, _("The contract can be paid."), **about), Verdict.ACCEPTED)

    def _payment(self, asked: Mapping[str, str], *, now: datetime) -> Reply:
        contract_number = terminal.contract_number(asked.get("ACCOUNT", ""))
        amount = terminal.amount(asked.get("AMOUNT", ""))
        number = terminal.payment_number(asked.get("PAY_ID", ""))
        paid_at = terminal.moment(asked.get("PAY_DATE", ""), **DATE, now=now)
        taken = terminals.pay(
            contract_number, gateway=self.name, number=number, amount=amount, paid_at=paid_at, now=now
        )
        if taken.is_new:
            return Reply(OK, _taken(taken.payment, OK, _("The payment is taken.")), Verdict.ACCEPTED, taken.payment)
        words = _("The payment has been taken before.")
        return Reply(DUPLICATE, _taken(taken.payment, DUPLICATE, words), Verdict.REPEATED, taken.payment)


def masked_name(name: str) -> str:
    """«М*** П*** И***»."""
    return WORD.sub(lambda word: f"{word[0][0]}***", name)


def masked_address(contract: Contract) -> str:
    """«г. Ижевск, П*** улица, д. *»: enough to see a wrong number, too little to learn where somebody lives."""
    # What begins with a small letter is the kind of the street.
    street = WORD.sub(lambda word: word[0] if word[0].islower() else f"{word[0][0]}***", contract.house.street.name)
    return _("%(city)s, %(street)s, house *") % {"city": contract.city, "street": street}


def _taken(payment: Payment, code: int, words: str) -> bytes:
    registered = timezone.localtime(payment.created_at).strftime(DATE["pattern"])
    return _xml(code, words, EXT_ID=str(payment.pk), REG_DATE=registered, AMOUNT=_money(payment.amount))


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"


def _xml(code: int, words: str, **values: str) -> bytes:
    return terminal.written("response", {"CODE": code, "MESSAGE": words, **values})


gateway = Sber()
