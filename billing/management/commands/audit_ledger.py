"""Prove that every balance is the sum of its entries."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing import audit


class Command(BaseCommand):
    help = "Compares every balance with the sum of its ledger entries; exits with 1 on a difference."

    def handle(self, *args: Any, **options: Any) -> None:
        differences = audit.differences()
        for found in differences:
            self.stderr.write(f"contract {found.number}: balance {found.balance}, entries {found.entries}")
        if differences:
            raise CommandError(f"{len(differences)} accounts differ from their entries")
        self.stdout.write(f"{audit.accounts_checked()} accounts, no difference")
