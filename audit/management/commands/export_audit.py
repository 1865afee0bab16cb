"""Export the audit trail into files that anybody can verify without a database."""

from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.archived import archived_until
from audit.management.moments import moment
from audit.sealed_export import NothingToExport, export
from audit.verification.verify import Scope


class Command(BaseCommand):
    """Write seals, documents and a manifest into a new folder."""

    help = "Export seals and everything under them. docs/verify_export.py verifies it with no database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the folder and the span of time."""
        parser.add_argument("folder", type=Path)
        parser.add_argument("--from", dest="since", type=moment, metavar="TIME")
        parser.add_argument("--to", dest="until", type=moment, metavar="TIME")

    def handle(
        self,
        *_args: object,
        folder: Path,
        since: datetime | None,
        until: datetime | None,
        **_options: object,
    ) -> None:
        """Export, and say how much.

        Raises:
            CommandError: there is nothing to export, or the files cannot be written.
        """
        scope = Scope(since=since, until=until)
        try:
            # What an archive has is exported already, and its rows are not here any more.
            seals = scope.seals().filter(number__gt=archived_until())
            manifest = export(seals=seals, folder=folder, at=timezone.now())
        except (NothingToExport, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"exported {manifest['operations']:,} operations, {manifest['rows']:,} rows,"
            f" seals {manifest['first_seal']} to {manifest['last_seal']}, into {folder}"
        )
