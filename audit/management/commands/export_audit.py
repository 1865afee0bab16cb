"""Export the audit trail into files that anybody can verify without a database."""

from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet

from audit.archived import archived_until
from audit.context import Origin
from audit.management.actors import auditor
from audit.management.moments import moment
from audit.models import Channel, Seal
from audit.proof.documents import sha256
from audit.proof.export import MANIFEST, NothingToExport, export
from audit.proof.verification.verify import Scope
from audit.trail.exports import Terms, begin_export, end_export


class Command(BaseCommand):
    """Write seals, documents and a manifest into a new folder."""

    help = "Export seals and everything under them. docs/verify_export.py verifies it with no database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the folder and the span of time."""
        parser.add_argument("folder", type=Path)
        parser.add_argument("--from", dest="since", type=moment, metavar="TIME")
        parser.add_argument("--to", dest="until", type=moment, metavar="TIME")
        parser.add_argument(
            "--actor", required=True, metavar="USER", help="the auditor whose export it is"
        )

    def handle(
        self,
        *_args: object,
        folder: Path,
        since: datetime | None,
        until: datetime | None,
        actor: str,
        **_options: object,
    ) -> None:
        """Export, and say how much.

        Raises:
            CommandError: the account may not, there is nothing to export, or the files cannot be written.
        """
        exports = auditor(actor)
        scope = Scope(since=since, until=until)
        try:
            # What an archive has is exported already, and its rows are not here any more.
            seals = scope.seals().filter(number__gt=archived_until())
            manifest = _export(_begin(exports, folder, scope), seals, folder)
        except FileExistsError as error:
            raise CommandError(f"{folder} is there already: name a new folder") from error
        except (NothingToExport, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"exported {manifest['operations']:,} operations, {manifest['rows']:,} rows,"
            f" seals {manifest['first_seal']} to {manifest['last_seal']}, into {folder}"
        )


def _begin(actor: User, folder: Path, scope: Scope) -> Terms:
    span = {"from": scope.since, "to": scope.until}
    return begin_export(
        actor=actor,
        origin=Origin(channel=Channel.COMMAND),
        asked={name: at.isoformat() for name, at in span.items() if at} | {"folder": folder.name},
        form="seals",
    )


def _export(terms: Terms, seals: QuerySet[Seal], folder: Path) -> dict[str, Any]:
    """Write the files, and record how that ended."""
    said: dict[str, Any] | None = None
    rows = 0
    try:
        manifest = export(seals=seals, folder=folder, at=terms.asked_at)
        rows = manifest["rows"]
        said = {"rows": rows, "sha256": sha256((folder / MANIFEST).read_bytes())}
    finally:
        end_export(terms=terms, manifest=said, rows=rows)
    return manifest
