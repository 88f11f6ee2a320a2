"""What tariffs do by the timetable (mark_portal/celery.py)."""

from typing import Any

from celery import shared_task
from django.utils import timezone

from tariffs import (
    month_reminders,
    months,
    offers,
    options,
    prices,
    provisioning,
    reconcile,
    suspension,
    switching,
    traffic_import,
    turbo,
    volume_notices,
)


@shared_task
def reconcile_services(**_: Any) -> None:
    reconcile.run(now=timezone.now())


@shared_task
def return_lately_paid(**_: Any) -> None:
    reconcile.run_lately_paid(now=timezone.now())


@shared_task
def begin_month(**_: Any) -> None:
    """Begins the run, and sends its ranges: new ones, and those whose message or worker was lost."""
    months.begin(now=timezone.now())
    for range_id in months.take_waiting(now=timezone.now()):
        charge_month_range.delay(range_id=range_id)


@shared_task
def charge_month_range(*, range_id: int, **_: Any) -> None:
    months.charge(range_id, clock=timezone.now)


@shared_task
def remind_of_months(**_: Any) -> None:
    month_reminders.tell_due(now=timezone.now())


@shared_task
def announce_prices(**_: Any) -> None:
    prices.announce_due(now=timezone.now())


@shared_task
def import_traffic(**_: Any) -> None:
    """All that waits; a lost message or a dead worker costs the time until the timetable calls again."""
    traffic_import.run(clock=timezone.now)


@shared_task
def tell_of_volumes(**_: Any) -> None:
    volume_notices.tell_due(now=timezone.now())


@shared_task
def provision(**_: Any) -> None:
    provisioning.compare(now=timezone.now())
    provisioning.send_due(clock=timezone.now)


@shared_task
def run_suspensions(**_: Any) -> None:
    suspension.do_due(now=timezone.now())


@shared_task
def end_options(**_: Any) -> None:
    options.end_due(now=timezone.now())


@shared_task
def switch_tariffs(**_: Any) -> None:
    switching.do_due(now=timezone.now())


@shared_task
def end_boosts(**_: Any) -> None:
    turbo.end_due(now=timezone.now())


@shared_task
def tell_offer_ends(**_: Any) -> None:
    offers.tell_ends(now=timezone.now())
