"""Registers of terminal networks: taken whole and compared with our payments. Corrections are next door.

A register spans all cities, so only staff who are given all of them handle it (`accounts.staff.sees_every_city`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import journal
from accounts.local_time import midnight
from accounts.models import Contract, User
from billing.models import Payment, Registry, RegistryLine
from billing.registry_files import Row

Difference = RegistryLine.Difference
CHUNK = 2_000  # rows in one statement


class RegistryRefused(Exception):
    """The message says why this register cannot be taken."""


# --- Taking a register ----------------------------------------------------------------------------------------------
def refusal(gateway: str, day: date, *, today: date) -> str:
    """Why the register of that day cannot be taken; empty when it can."""
    if day >= today:
        return _("The day is not over yet: its register is complete tomorrow.")
    if RegistryLine.objects.filter(registry__gateway=gateway, registry__day=day, corrected_at__isnull=False).exists():
        return _("Lines of this day's register are corrected already, so it cannot be replaced.")
    return ""


@transaction.atomic
def accept(*, gateway: str, day: date, file_name: str, rows: list[Row], by: User, now: datetime) -> Registry:
    """Keep a register and compare it; it replaces one of the same day in which nothing is corrected yet.

    Raises RegistryRefused.
    """
    former = Registry.objects.select_for_update().filter(gateway=gateway, day=day).first()
    if refused := refusal(gateway, day, today=timezone.localdate(now)):
        raise RegistryRefused(refused)
    if former:
        former.delete()
    try:
        with transaction.atomic():
            registry = Registry.objects.create(
                gateway=gateway, day=day, file_name=file_name[-200:], uploaded_by=by, uploaded_at=now
            )
    except IntegrityError:
        raise RegistryRefused(_("Somebody is uploading this day's register just now.")) from None
    for chunk in _chunks(rows):
        RegistryLine.objects.bulk_create(_compared(registry, chunk))
    for extras in _chunks(_ours_alone(registry).iterator(chunk_size=CHUNK)):
        RegistryLine.objects.bulk_create([_extra(registry, payment) for payment in extras])
    journal.record(by, "register_uploaded", registry, changes={"file": file_name, "lines": len(rows)}, now=now)
    return registry


def _chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    rest = iter(rows)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def _compared(registry: Registry, rows: list[Row]) -> list[RegistryLine]:
    ours = Payment.objects.filter(gateway=registry.gateway, gateway_id__in=[row.number for row in rows])
    payments = {payment.gateway_id: payment for payment in ours.select_related("account__contract")}
    numbers = Contract.objects.filter(number__in={row.contract_number for row in rows})
    contracts = set(numbers.values_list("number", flat=True))
    return [
        RegistryLine(
            registry=registry,
            number=row.number,
            contract_number=row.contract_number,
            amount=row.amount,
            paid_at=row.paid_at,
            payment=payments.get(row.number),
            difference=difference_of(row, payments.get(row.number), is_known=row.contract_number in contracts),
        )
        for row in rows
    ]


def difference_of(told: Row | RegistryLine, payment: Payment | None, *, is_known: bool) -> Difference:
    """What is wrong about a payment that the register has. Another contract may come with another sum."""
    if not is_known:
        return Difference.UNKNOWN
    if payment is None or payment.state != Payment.State.SUCCEEDED:
        return Difference.MISSING
    if payment.account.contract.number != told.contract_number:
        return Difference.CONTRACT
    return Difference.NONE if payment.amount == told.amount else Difference.SUM


def _ours_alone(registry: Registry) -> QuerySet[Payment]:
    """Credited payments of the day that no register has; near midnight another day's may have them."""
    start, end = midnight(registry.day), midnight(registry.day + timedelta(days=1))
    paid = Payment.objects.filter(gateway=registry.gateway, state=Payment.State.SUCCEEDED)
    return (
        paid.filter(paid_at__gte=start, paid_at__lt=end)
        .exclude(told_of(registry.gateway, OuterRef("gateway_id")))
        .select_related("account__contract")
        .order_by("pk")
    )


def told_of(gateway: str, number: object) -> Exists:
    told = RegistryLine.objects.filter(registry__gateway=gateway, number=number)
    return Exists(told.exclude(difference=Difference.EXTRA))


def _extra(registry: Registry, payment: Payment) -> RegistryLine:
    return RegistryLine(
        registry=registry,
        number=payment.gateway_id,
        contract_number=payment.account.contract.number,
        amount=payment.amount,
        paid_at=payment.paid_at or payment.created_at,
        payment=payment,
        difference=Difference.EXTRA,
    )


# --- The report -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Total:
    """Lines of one difference: how many, what the register says, what we have, how many are corrected."""

    label: str
    count: int
    told: Decimal
    ours: Decimal
    corrected: int


def totals(registry: Registry) -> list[Total]:
    """A line for each difference that occurs, agreement first, and the whole register last; one query."""
    is_told = ~Q(difference=Difference.EXTRA)
    credited = Q(payment__state=Payment.State.SUCCEEDED)
    groups = registry.lines.values("difference").annotate(
        count=Count("pk"),
        told=Sum("amount", filter=is_told, default=Decimal(0)),
        ours=Sum("payment__amount", filter=credited, default=Decimal(0)),
        corrected=Count("corrected_at"),
    )
    found: dict[str, dict[str, Any]] = {group["difference"]: dict(group) for group in groups.order_by()}
    rows = [_total(str(kind.label), [found[kind]]) for kind in Difference if kind in found]
    return [*rows, _total(_("in all"), list(found.values()))]


def _total(label: str, groups: list[dict[str, Any]]) -> Total:
    return Total(
        label,
        sum(group["count"] for group in groups),
        sum((group["told"] for group in groups), Decimal(0)),
        sum((group["ours"] for group in groups), Decimal(0)),
        sum(group["corrected"] for group in groups),
    )


def differing(registry: Registry) -> QuerySet[RegistryLine]:
    """What does not agree, what is still to be corrected first."""
    lines = registry.lines.exclude(difference=Difference.NONE)
    lines = lines.select_related("registry", "payment__account__contract", "corrected_by")
    return lines.order_by(F("corrected_at").asc(nulls_first=True), "pk")
