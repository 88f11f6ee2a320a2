"""The Celery application and the timetable: everything that happens by itself is listed here."""

import logging.config
import os
import time
from datetime import timedelta
from typing import Any

import structlog
from celery import Celery, signals
from celery.contrib.django.task import DjangoTask
from celery.worker.request import Request
from django.conf import settings
from django.db import transaction
from django_structlog.celery.steps import DjangoStructLogInitStep
from kombu.exceptions import OperationalError
from kombu.transport.virtual import QoS

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mark_portal.settings")
log = structlog.get_logger(__name__)

REST_SECONDS = 5.0


class PortalRequest(Request):
    """A worker that takes its next task although Redis did not take its word that the last one is done.

    Celery logs the failed acknowledgement and keeps the place occupied; with one message ahead it then waits for ever,
    also when Redis answers again (tried: Redis stopped for 30 seconds). Here the place is free in any case. The message
    may come again after the visibility timeout; tasks are made for that.
    """

    def acknowledge(self) -> None:
        super().acknowledge()
        self._free_its_place()

    def reject(self, requeue: bool = False) -> None:
        super().reject(requeue=requeue)
        self._free_its_place()

    def _free_its_place(self) -> None:
        QoS.ack(self.message.channel.qos, self.message.delivery_tag)


class PortalTask(DjangoTask):  # type: ignore[type-arg]  # generic for mypy only
    """A task that a page can send without depending on the broker."""

    Request = PortalRequest  # type: ignore[assignment]  # a class will do as well as its name
    _rests_until = 0.0  # of the process: one page in five seconds waits for a broker that does not answer

    def delay_on_commit(self, **kwargs: Any) -> None:  # type: ignore[override]  # the stub promises a result
        """Send it once the transaction commits. Lost quietly without a broker: a row tells the sweeper what waits."""
        transaction.on_commit(lambda: self._send(kwargs), robust=True)

    def _send(self, kwargs: dict[str, Any]) -> None:
        if time.monotonic() < PortalTask._rests_until:
            return
        try:
            self.apply_async(kwargs=kwargs)
        except OperationalError as error:
            PortalTask._rests_until = time.monotonic() + REST_SECONDS
            log.warning("task_not_sent", task=self.name, error=type(error.__cause__ or error).__name__)


app = Celery("mark_portal", task_cls=PortalTask)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["worker"].add(DjangoStructLogInitStep)


@app.on_after_finalize.connect
def set_timetable(sender: Celery, **_kwargs: Any) -> None:
    """What runs how often. A run that nobody took until the next is due is dropped: every verb catches up by itself."""
    import django

    django.setup()  # a worker asks for its tasks before it has set Django up
    from accounts.tasks import close_expired, resend_address_imports
    from billing.tasks import (
        close_due_promises,
        deliver_bank_notices,
        forget_gateway_messages,
        recheck_payments,
        remind_of_promises,
        run_autopay,
        send_receipts,
        send_refunds,
    )
    from mark_portal.tasks import heartbeat
    from tariffs.tasks import (
        announce_prices,
        begin_month,
        end_boosts,
        end_options,
        import_traffic,
        provision,
        reconcile_services,
        remind_of_months,
        return_lately_paid,
        run_suspensions,
        switch_tariffs,
        tell_of_volumes,
        tell_offer_ends,
    )

    timetable = [
        (heartbeat, timedelta(seconds=15)),
        (resend_address_imports, timedelta(minutes=1)),
        (send_receipts, timedelta(seconds=30)),
        (close_expired, timedelta(minutes=10)),
        (recheck_payments, timedelta(seconds=15)),
        (forget_gateway_messages, timedelta(hours=6)),
        (run_autopay, timedelta(minutes=2)),
        (send_refunds, timedelta(seconds=30)),
        (close_due_promises, timedelta(seconds=30)),
        (remind_of_promises, timedelta(minutes=10)),
        (return_lately_paid, timedelta(seconds=5)),
        (reconcile_services, timedelta(minutes=2)),
        (end_boosts, timedelta(seconds=5)),
        (provision, timedelta(seconds=5)),
        (begin_month, timedelta(minutes=1)),
        (remind_of_months, timedelta(minutes=30)),
        (run_suspensions, timedelta(minutes=1)),
        (switch_tariffs, timedelta(minutes=1)),
        (end_options, timedelta(minutes=1)),
        (tell_offer_ends, timedelta(minutes=10)),
        (announce_prices, timedelta(minutes=1)),
        (import_traffic, timedelta(minutes=1)),
        (tell_of_volumes, timedelta(minutes=5)),
    ]
    if "sandbox" in settings.PAYMENT_GATEWAYS:
        timetable.append((deliver_bank_notices, timedelta(seconds=5)))
    sender.conf.beat_schedule = {
        task.name: {"task": task.name, "schedule": every, "options": {"expires": every.total_seconds()}}
        for task, every in timetable
    }


@signals.celeryd_init.connect
@signals.beat_init.connect
def wait_longer_than_a_page(**_kwargs: Any) -> None:
    """A worker and beat have time: settings.py bounds what a page may wait for the broker and for PostgreSQL."""
    app.conf.broker_transport_options = settings.WORKER_TRANSPORT_OPTIONS
    app.conf.task_publish_retry = True
    settings.DATABASES["default"]["OPTIONS"]["options"] = settings.WORKER_DATABASE_OPTIONS


@signals.worker_ready.connect
def show_life_at_once(**_kwargs: Any) -> None:
    from mark_portal.tasks import heartbeat

    heartbeat.delay()


@signals.setup_logging.connect
def log_as_the_pages_do(**_kwargs: Any) -> None:
    logging.config.dictConfig(settings.LOGGING)
