"""Import a file of traffic, for cron."""

from pathlib import Path
from time import sleep
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import User
from tariffs import traffic_files, traffic_import
from tariffs.models import TrafficImport

SECONDS_BETWEEN_LOOKS = 1


class Command(BaseCommand):
    help = "Imports bytes by contract and hour from a CSV file (contract;hour;down;up); exits with 1 on an error."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--by", required=True, help="login of the member of staff in whose name it is imported")

    def handle(self, *args: Any, file: Path, by: str, **options: Any) -> None:
        author = User.objects.filter(login=by, is_staff=True, is_active=True).first()
        if author is None:
            raise CommandError(f"no member of staff has the login {by}")
        row = self._finished(self._accepted(file, author))
        if row.state == TrafficImport.State.FAILED:
            for line, reason, value in row.errors:
                self.stderr.write(f"line {line}: {traffic_files.ERRORS[reason]} {value}")
            raise CommandError(f"not imported, lines with errors: {len(row.errors)}")
        self.stdout.write(f"{row.rows} lines, {row.unknown} of unknown contracts")

    def _accepted(self, path: Path, author: User) -> TrafficImport:
        try:
            with path.open("rb") as file:
                return traffic_import.accept(File(file), name=path.name, author=author, now=timezone.now())
        except (OSError, traffic_files.FileRefused) as error:
            raise CommandError(str(error)) from None

    def _finished(self, row: TrafficImport) -> TrafficImport:
        """Here or in a worker, whoever is first; those uploaded earlier come before it."""
        while not row.is_finished:
            traffic_import.run(clock=timezone.now)
            row.refresh_from_db()
            if not row.is_finished:
                sleep(SECONDS_BETWEEN_LOOKS)
        return row
