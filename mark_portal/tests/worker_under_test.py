"""The portal's own Celery application with tasks that die, for the workers that test_celery.py starts.

`celery -A mark_portal.tests.worker_under_test worker`
"""

import os
import signal
import time

import redis
from celery import signals
from django.conf import settings
from django.db import connection

from mark_portal.celery import app

RUNS = "test:runs"


@app.task
def note(**_):
    _redis().rpush(RUNS, "note")


@app.task
def kill_own_process_once(**_):
    """What the kernel does to a process that takes too much memory."""
    if _redis().rpush(RUNS, "kill") == 1:
        os.kill(os.getpid(), signal.SIGKILL)


@app.task
def take_long_once(**_):
    if _redis().rpush(RUNS, "long") == 1:
        time.sleep(60)


@app.task
def take_a_moment(**_):
    _redis().rpush(RUNS, "moment")
    time.sleep(1)


@app.task
def tell_patience(**_):
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        _redis().rpush(RUNS, cursor.fetchone()[0])


@signals.celeryd_init.connect
def hurry(conf, **_):
    """Notice a hung Redis in one second, not ten; if asked, give back at once what a dead worker held."""
    options = settings.WORKER_TRANSPORT_OPTIONS | {"socket_timeout": 1}
    if "TEST_VISIBILITY" in os.environ:
        options |= {"visibility_timeout": int(os.environ["TEST_VISIBILITY"])}
        options |= {"unacked_restore_interval": 1, "unacked_restore_throttle": 1}
    conf.broker_transport_options = options


def _redis():
    return redis.Redis.from_url(settings.REDIS_URL)
