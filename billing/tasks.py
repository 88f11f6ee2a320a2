"""What money does by the timetable (mark_portal/celery.py)."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from billing import autopay_run, gateway_messages, payments, promises, receipts, refunds
from billing.gateways.sandbox import notices


@shared_task
def recheck_payments(**_: Any) -> None:
    payments.recheck_hanging(now=timezone.now())


@shared_task
def deliver_bank_notices(**_: Any) -> None:
    """Of the sandbox; not in the timetable without it."""
    notices.deliver_due(now=timezone.now())


@shared_task
def forget_gateway_messages(**_: Any) -> None:
    gateway_messages.forget_old(now=timezone.now())


@shared_task
def send_receipts(**_: Any) -> None:
    receipts.send_due(now=timezone.now())


@shared_task
def run_autopay(**_: Any) -> None:
    autopay_run.run_due(now=timezone.now())


@shared_task
def send_refunds(**_: Any) -> None:
    refunds.send_due(now=timezone.now())


@shared_task
def close_due_promises(**_: Any) -> None:
    promises.close_due(now=timezone.now())


@shared_task
def remind_of_promises(**_: Any) -> None:
    promises.remind(now=timezone.now())
