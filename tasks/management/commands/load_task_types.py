"""Bring the built-in task types of this version into the database."""

from argparse import ArgumentParser

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from audit.context import Origin
from audit.models import Channel
from tasks.builtin_types import load_builtin_types


class Command(BaseCommand):
    """Load the built-in task types; a second run finds nothing to do."""

    help = "Add the built-in task types, and change those that differ from this version's files."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the account that the operation is recorded for."""
        parser.add_argument("--actor", required=True, metavar="USER", help="a superuser")

    def handle(self, *_args: object, actor: str, **_options: object) -> None:
        """Load the types and say what was done.

        Raises:
            CommandError: the actor is no superuser, or a name is taken.
        """
        user = get_user_model().objects.filter(username=actor).first()
        if user is None or not (user.is_active and user.is_superuser):
            msg = f"{actor!r} is no active superuser; only those may change task types this way"
            raise CommandError(msg)
        try:
            loaded = load_builtin_types(actor=user, origin=Origin(channel=Channel.COMMAND))
        except ValidationError as error:
            raise CommandError("; ".join(error.messages)) from error
        for what, keys in loaded._asdict().items():
            if keys:
                self.stdout.write(f"{what}: {', '.join(keys)}")
