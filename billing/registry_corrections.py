"""Correcting what a terminal network's register and our payments disagree about, line by line.

The network and its bank have the last word about who paid what. A correction is one entry or two, under keys that name
the line, and then the payment says what is true: its contract, its sum, or that it was none.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts import journal
from accounts.models import Contract, User
from billing import crediting, ledger, registries, terminals
from billing.models import Account, EntryKind, Payment, Registry, RegistryLine
from billing.templatetags.money import rubles
from notifications import live, outbox
from notifications.models import Topic

Difference = RegistryLine.Difference


class CorrectionRefused(Exception):
    """The message says why this member of staff cannot correct the line."""


def refusal(line: RegistryLine, *, by: User) -> str:
    """Why `by` cannot correct the line; empty when they can. Wants `registry` and `payment`."""
    if line.corrected_at or line.difference == Difference.NONE:
        return _("Nothing is left to correct.")
    if line.difference == Difference.UNKNOWN:
        return _("No contract has this number: ask the terminal network whose payment it is.")
    limit = settings.ADJUSTMENT_NEEDS_SECOND_ABOVE
    if _at_stake(line) > limit and line.registry.uploaded_by_id == by.pk:
        return _("Above %(limit)s another person than the one who uploaded the register corrects.") % {
            "limit": rubles(limit)
        }
    return ""


def _at_stake(line: RegistryLine) -> Decimal:
    if line.difference == Difference.SUM and line.payment:
        return abs(line.amount - line.payment.amount)
    return max(line.amount, line.payment.amount) if line.payment else line.amount


@transaction.atomic
def correct(line_id: int, *, by: User, now: datetime) -> RegistryLine:
    """Make the accounts say what the register says about one line; corrected already, it stays as it is.

    What has changed since the upload is seen under the lock: the line then tells the new difference, and nothing is
    posted. Raises CorrectionRefused.
    """
    line = _locked(line_id)
    if line.corrected_at:
        return line
    if refused := refusal(line, by=by):
        raise CorrectionRefused(refused)
    current = _current(line)
    if current != line.difference:
        line.difference = current
        line.save(update_fields=["difference", "payment"])
        return line
    particulars = _particulars(line)
    _CORRECTIONS[current](line, by=by, now=now)
    line.corrected_at, line.corrected_by = now, by
    line.save(update_fields=["corrected_at", "corrected_by", "payment"])
    journal.record(by, "register_corrected", line.registry, changes=particulars, now=now)
    return line


def _locked(line_id: int) -> RegistryLine:
    """The line, its payment as it is now, and their accounts, all locked: accounts first, by ascending number."""
    seen = RegistryLine.objects.select_related("registry").filter(pk=line_id).first()
    if seen is None:
        raise CorrectionRefused(_("The register has been uploaded again meanwhile."))
    ours = Payment.objects.filter(gateway=seen.registry.gateway, gateway_id=seen.number)
    wanted = {*ours.values_list("account_id", flat=True)}
    wanted |= {*Contract.objects.filter(number=seen.contract_number).values_list("pk", flat=True)}
    for contract_id in sorted(wanted):
        Account.objects.lock(contract_id)
    # The register too: one that is replaced meanwhile would take the corrected line with it.
    registry = Registry.objects.select_for_update().filter(pk=seen.registry_id).first()
    line = RegistryLine.objects.select_for_update(of=("self",)).select_related("registry").filter(pk=line_id).first()
    if registry is None or line is None:
        raise CorrectionRefused(_("The register has been uploaded again meanwhile."))
    payment = ours.select_for_update(of=("self",), no_key=True).select_related("account__contract").first()
    if payment and payment.account_id not in wanted:
        raise CorrectionRefused(_("The payment is being corrected just now. Try again."))
    line.payment = payment
    return line


def _current(line: RegistryLine) -> Difference:
    if line.difference == Difference.EXTRA:
        told = registries.told_of(line.registry.gateway, line.number)
        is_credited = line.payment is not None and line.payment.state == Payment.State.SUCCEEDED
        is_told = RegistryLine.objects.filter(told, pk=line.pk).exists()
        return Difference.EXTRA if is_credited and not is_told else Difference.NONE
    return registries.difference_of(
        line, line.payment, is_known=Contract.objects.filter(number=line.contract_number).exists()
    )


def _credit_missing(line: RegistryLine, *, by: User, now: datetime) -> None:
    contract = Contract.objects.get(number=line.contract_number)
    title = str(terminals.TITLES[line.registry.gateway])
    if line.payment is None:
        line.payment = crediting.take(
            contract.pk,
            gateway=line.registry.gateway,
            number=line.number,
            amount=line.amount,
            paid_at=line.paid_at,
            title=title,
            now=now,
        )
        return
    payment = line.payment
    payment.state, payment.failure, payment.finished_at = Payment.State.SUCCEEDED, "", now
    payment.account_id, payment.amount = contract.pk, line.amount
    payment.save(update_fields=["state", "failure", "finished_at", "account", "amount"])
    _post(line, contract.pk, line.amount, title=title, kind=EntryKind.TOP_UP, by=by, now=now)


def _mend_sum(line: RegistryLine, *, by: User, now: datetime) -> None:
    payment = _payment_of(line)
    title = _("Sum of a payment, by the terminal's register")
    _post(line, payment.account_id, line.amount - payment.amount, title=title, by=by, now=now)
    told = {"was": str(payment.amount), "sum": str(line.amount)}
    payment.amount = line.amount
    payment.save(update_fields=["amount"])
    outbox.tell(payment.account_id, Topic.MONEY, "payment_mended", about=payment.key, now=now, **told)


def _move(line: RegistryLine, *, by: User, now: datetime) -> None:
    """To the contract that the register names, with the register's sum."""
    payment = _payment_of(line)
    wrong, right = payment.account_id, Contract.objects.get(number=line.contract_number).pk
    taken, given = _("Payment of another contract"), str(terminals.TITLES[line.registry.gateway])
    _post(line, wrong, -payment.amount, title=taken, side=":from", by=by, now=now)
    _post(line, right, line.amount, title=given, kind=EntryKind.TOP_UP, side=":to", by=by, now=now)
    was, told = {"sum": str(payment.amount)}, {"sum": str(line.amount)}
    outbox.tell(wrong, Topic.MONEY, "payment_reversed", about=payment.key, now=now, **was)
    outbox.tell(right, Topic.MONEY, "payment_credited", about=payment.key, now=now, **told)
    for account_id in (wrong, right):
        live.publish(account_id, "payment")
    payment.account_id, payment.amount = right, line.amount
    payment.save(update_fields=["account", "amount"])


def _take_back(line: RegistryLine, *, by: User, now: datetime) -> None:
    """Also when the money is spent: it never came, and the balance may go below zero."""
    payment = _payment_of(line)
    title = _("The terminal's register does not have this payment")
    _post(line, payment.account_id, -payment.amount, title=title, by=by, now=now)
    terminals.close_as_reversed(payment, now=now)


def _payment_of(line: RegistryLine) -> Payment:
    if line.payment is None:
        raise ValueError(f"line {line.pk} has no payment to correct")
    return line.payment


def _post(
    line: RegistryLine,
    account_id: int,
    amount: Decimal,
    *,
    title: str,
    by: User,
    now: datetime,
    kind: EntryKind = EntryKind.ADJUSTMENT,
    side: str = "",
) -> None:
    key = f"register:{line.pk}{side}"  # the accountant's day report reads it
    ledger.post(account_id, kind=kind, amount=amount, key=key, title=title, author=by, now=now)


def _particulars(line: RegistryLine) -> dict[str, str]:
    ours = f"{line.payment.account.contract.number}: {line.payment.amount}" if line.payment else "—"
    return {
        "number": line.number,
        "difference": str(line.get_difference_display()),
        "register": f"{line.contract_number}: {line.amount}",
        "ours": ours,
    }


_CORRECTIONS = {
    Difference.MISSING: _credit_missing,
    Difference.SUM: _mend_sum,
    Difference.CONTRACT: _move,
    Difference.EXTRA: _take_back,
}
