"""Archive and drop old months of history."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.context import Origin
from audit.management.actors import superuser
from audit.models import Channel
from audit.proof.signing import KeyUnusable, trusted_keys
from audit.proof.verification.tampered import Tampered
from audit.retention import Archived, InTheWay, NothingToArchive, NotSealed, archive_old


_SPAN = re.compile(r"([1-9][0-9]{0,2})months?")


def months(text: str) -> int:
    """Return the number of months.

    Raises:
        ArgumentTypeError: the text is no span of months.
    """
    if not (match := _SPAN.fullmatch(text)):
        raise ArgumentTypeError(f"{text!r} is no span like 24months")
    return int(match[1])


def beginning(*, at: datetime, months_ago: int) -> datetime:
    """Return the beginning of the month that many months before the present one, in UTC."""
    year, month = divmod(
        at.astimezone(UTC).year * 12 + at.astimezone(UTC).month - 1 - months_ago, 12
    )
    return datetime(year, month + 1, 1, tzinfo=UTC)


class Command(BaseCommand):
    """Write what is older into a verifiable archive, and drop it."""

    help = (
        "Keep so many whole months of history besides the present one; archive and drop what is older."
        " To be run as the owner of the tables. See docs/how-to/archive-old-history.md."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to keep, where to archive, and who asks."""
        parser.add_argument("--keep", type=months, required=True, metavar="24months")
        parser.add_argument("--archive", type=Path, required=True, metavar="DIR")
        parser.add_argument(
            "--actor", required=True, metavar="USER", help="the superuser whose operation it is"
        )

    def handle(
        self, *_args: object, keep: int, archive: Path, actor: str, **_options: object
    ) -> None:
        """Archive, drop, and say what.

        Raises:
            CommandError: nothing was dropped.
        """
        archives, now = superuser(actor), timezone.now()
        before = beginning(at=now, months_ago=keep)
        try:
            archived = archive_old(
                actor=archives,
                origin=Origin(channel=Channel.COMMAND),
                before=before,
                folder=archive / f"before-{before:%Y-%m}",
                at=now,
                trusted=trusted_keys(),
            )
        except NothingToArchive as error:
            self.stdout.write(f"Nothing to archive: {error}.")
            return
        except Tampered as error:
            raise CommandError(f"NOT AS SEALED: {error}") from error
        except (NotSealed, InTheWay, KeyUnusable, OSError) as error:
            raise CommandError(str(error)) from error
        self._report(archived)

    def _report(self, archived: Archived) -> None:
        self.stdout.write(
            f"archived {archived.operations:,} operations, {archived.rows:,} rows,"
            f" seals {archived.first_seal} to {archived.last_seal}, into {archived.folder}"
        )
