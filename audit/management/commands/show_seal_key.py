"""Print the public key that verifies the seals that are made here."""

from django.core.management.base import BaseCommand, CommandError

from audit.proof.signing import KeyUnusable, seal_key


class Command(BaseCommand):
    """Print the public key."""

    help = "Print the public key of the seals that are made here, for whoever verifies them."

    def handle(self, *_args: object, **_options: object) -> None:
        """Print it.

        Raises:
            CommandError: there is no key.
        """
        try:
            self.stdout.write(seal_key().public)
        except KeyUnusable as error:
            raise CommandError(str(error)) from error
