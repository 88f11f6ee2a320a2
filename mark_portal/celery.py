"""The Celery application and the timetable: everything that happens by itself is listed here."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mark_portal.settings")

app = Celery("mark_portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
