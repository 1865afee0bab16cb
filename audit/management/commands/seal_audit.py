"""Seal now what the worker would seal within a minute."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from audit.proof.checkpoints import CheckpointUnreadable, SealsRolledBack, set_aside
from audit.proof.seals import await_all, seal_all
from audit.proof.signing import KeyUnusable


class Command(BaseCommand):
    """Put every finished operation that is under no seal under one."""

    help = "Seal every finished operation that is under no seal yet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the consent to go on from older seals."""
        parser.add_argument(
            "--after-restore",
            action="store_true",
            help=(
                "the database was restored from a backup, or made anew: go on from the seals that it"
                " has, and keep the newest one that was made here in a file beside"
            ),
        )

    def handle(self, *_args: object, after_restore: bool, **_options: object) -> None:
        """Seal, and say what was sealed.

        Raises:
            CommandError: nothing can be sealed.
        """
        if after_restore and (kept := set_aside()):
            self.stdout.write(f"The newest seal that was made here is kept in {kept}.")
        await_all()
        try:
            numbers = seal_all()
        except SealsRolledBack as error:
            raise CommandError(
                f"{error}. If the database was restored or made anew: --after-restore. Otherwise"
                " somebody has removed or rewritten seals."
            ) from error
        except (CheckpointUnreadable, KeyUnusable) as error:
            raise CommandError(str(error)) from error
        if not numbers:
            self.stdout.write("Nothing waits for a seal.")
        for number in numbers:
            self.stdout.write(f"Seal {number} was made.")
