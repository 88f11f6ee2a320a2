"""manage.py fill_demo: cities, staff, contracts and their money for the demo, once."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from mark_portal import demo


class Command(BaseCommand):
    help = "Fill the demo's empty database, once. Refuses to run anywhere else."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("fill_demo works in the demo only: set MARK_DEMO=1.")
        lines = demo.fill(timezone.now())
        for line in lines or ["The demo is filled already: nothing done."]:
            self.stdout.write(line)
