"""Verify the audit trail against its seals."""

from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from audit.archived import newest_archive
from audit.management.moments import moment
from audit.proof.checkpoints import CheckpointUnreadable, read_checkpoint
from audit.proof.signing import KeyUnusable, trusted_keys
from audit.proof.verification.archives import ArchiveUnknown
from audit.proof.verification.tampered import Tampered
from audit.proof.verification.verify import Scope, Verified, verify


TAMPERED, UNKNOWN = 1, 2


class Command(BaseCommand):
    """Say that the trail is as it was sealed, or name the first place where it is not."""

    help = (
        "Verify the audit trail against its seals. Exit code 0: it is as it was sealed; 1: it is not,"
        " and the message names the first place; 2: that cannot be told."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the span of time, checkpoints and keys."""
        parser.add_argument(
            "--from", dest="since", type=moment, metavar="TIME", help="only seals made since then"
        )
        parser.add_argument(
            "--to", dest="until", type=moment, metavar="TIME", help="only seals made until then"
        )
        parser.add_argument(
            "--checkpoint",
            dest="checkpoints",
            action="append",
            type=Path,
            default=[],
            metavar="FILE",
            help="a seal that was exported before and must still be there; may be repeated",
        )
        parser.add_argument(
            "--public-key",
            dest="keys",
            action="append",
            default=[],
            metavar="HEX",
            help="believe seals of this key alone, not those of the configured keys; may be repeated",
        )

        parser.add_argument(
            "--archive",
            dest="archives",
            action="append",
            type=Path,
            default=[],
            metavar="FOLDER",
            help="an archive of old months, which is verified, too; once for each",
        )
        parser.add_argument(
            "--accept-late",
            action="store_true",
            help="go on although operations were sealed long after the end that they state",
        )

    def handle(
        self,
        *_args: object,
        since: datetime | None,
        until: datetime | None,
        checkpoints: Sequence[Path],
        keys: Sequence[str],
        archives: Sequence[Path],
        accept_late: bool,
        **_options: object,
    ) -> None:
        """Verify, and report.

        Raises:
            CommandError: the trail is not as it was sealed, or that cannot be told.
        """
        try:
            verified = verify(
                scope=Scope(since=since, until=until),
                trusted=trusted_keys(given=keys),
                checkpoints=[read_checkpoint(path) for path in [*self._own(), *checkpoints]],
                archives=archives,
            )
        except Tampered as error:
            raise CommandError(f"NOT AS SEALED: {error}", returncode=TAMPERED) from error
        except (ArchiveUnknown, CheckpointUnreadable, KeyUnusable) as error:
            raise CommandError(str(error), returncode=UNKNOWN) from error
        self._report(verified)
        self._judge(verified, accept_late=accept_late)

    def _judge(self, verified: Verified, *, accept_late: bool) -> None:
        if verified.late and verified.late.number:
            late = (
                f"{verified.late.number:,} operations were sealed long after the end that they state; the"
                f" first is {verified.late.first}"
            )
            if not accept_late:
                raise CommandError(f"NOT AS SEALED: {late} (--accept-late)", returncode=TAMPERED)
            self.stdout.write(late)
        if verified.unproven and (archive := newest_archive()):
            raise CommandError(
                f"{verified.unproven:,} rows are missing. Operations say that they were archived, the last"
                f" one into {archive.parameters.get('archive')}, by {archive.actor_name}. Whether that is"
                " so, the archives tell: --archive FOLDER, once for each",
                returncode=UNKNOWN,
            )

    def _own(self) -> list[Path]:
        """Return the file of the newest seal that was made here, if there is one."""
        path = settings.BULKHEAD_SEAL_CHECKPOINT
        if path and path.exists():
            return [path]
        self.stderr.write("There is no checkpoint here: removing the newest seals would not show.")
        return []

    def _report(self, verified: Verified) -> None:
        up_to = f"{verified.up_to:%Y-%m-%d %H:%M:%S %Z}" if verified.up_to else "the beginning"
        self.stdout.write(
            f"verified {verified.operations:,} operations, {verified.rows:,} rows, up to {up_to}"
        )
        if verified.in_archives:
            self.stdout.write(f"{verified.in_archives:,} rows are in the archives that you showed")
        if verified.waiting:
            wait = (
                "operation waits for its" if verified.waiting == 1 else "operations wait for their"
            )
            self.stdout.write(f"{verified.waiting:,} {wait} seal")
