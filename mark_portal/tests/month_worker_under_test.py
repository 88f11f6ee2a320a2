"""The portal's own Celery application for the workers that test_month_storm.py kills: its ranges take a moment.

`celery -A mark_portal.tests.month_worker_under_test worker`
"""

import random
import time
from datetime import timedelta

from celery import signals

from mark_portal.celery import app as app


@signals.worker_process_init.connect
def take_a_moment(**_):
    """All of a range is done but its commit: here most deaths are to happen."""
    from tariffs import months

    stop = months._stop

    def stop_slowly(*args, **kwargs):
        stopped = stop(*args, **kwargs)
        time.sleep(random.uniform(0, 0.1))
        return stopped

    months._stop = stop_slowly
    months.SENT_AGAIN_AFTER = timedelta(seconds=5)
