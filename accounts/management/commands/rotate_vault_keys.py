"""Seal every passport and INN with the newest key of VAULT_KEYS, so that the older ones can be taken away."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts import rotation


class Command(BaseCommand):
    help = "Re-seals what an older vault key sealed; may be stopped and run again."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{rotation.reseal_all()} values sealed anew")
