"""Write the newest seal into a file, to be kept where nobody can take it back."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from audit.proof.checkpoints import write_checkpoint
from audit.proof.seal_documents import newest_seal


class Command(BaseCommand):
    """Write a checkpoint."""

    help = "Write the newest seal into a file that proves, kept elsewhere, what was there by then."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the file."""
        parser.add_argument("file", type=Path)

    def handle(self, *_args: object, file: Path, **_options: object) -> None:
        """Write it, and say which.

        Raises:
            CommandError: there is no seal, or it cannot be written.
        """
        seal = newest_seal()
        if seal is None:
            raise CommandError("nothing is sealed yet: manage.py seal_audit")
        try:
            write_checkpoint(path=file, seal=seal)
        except OSError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Seal {seal.number} of {seal.sealed_at:%Y-%m-%d %H:%M:%S %Z}: {file}")
