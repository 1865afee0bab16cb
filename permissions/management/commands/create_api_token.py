"""Make an API token and print it, alone, so that a script can take it."""

from argparse import ArgumentParser
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from audit.context import Origin
from audit.models import Channel
from permissions.models import Scope
from permissions.tokens import NewToken, create_token


_MOST_DAYS = 36_500


class Command(BaseCommand):
    """Make an API token for a user."""

    help = "Make an API token for a user and print it; it is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the owner and what the token may be used for."""
        parser.add_argument("user", metavar="USER", help="whose token it is: a username")
        parser.add_argument("--name", required=True, help="what the token is for")
        parser.add_argument(
            "--scope",
            action="append",
            required=True,
            dest="scopes",
            metavar="SCOPE",
            help=f"what it may be used for; may be repeated: {', '.join(Scope.values)}",
        )
        parser.add_argument("--days", type=int, metavar="D", help="expire after so many days")
        parser.add_argument(
            "--network",
            action="append",
            default=[],
            dest="networks",
            metavar="CIDR",
            help="use only from this network; may be repeated",
        )

    def handle(
        self,
        *_args: object,
        user: str,
        name: str,
        scopes: list[str],
        days: int | None,
        networks: list[str],
        **_options: object,
    ) -> None:
        """Print the token and nothing else.

        Raises:
            CommandError: The user does not exist or is inactive, or a value is wrong.
        """
        owner = get_user_model().objects.filter(username=user, is_active=True).first()
        if owner is None:
            raise CommandError(f"There is no active user {user!r}.")
        if unknown := sorted(set(scopes) - set(Scope.values)):
            raise CommandError(
                f"No such scope: {', '.join(unknown)}. There are: {', '.join(Scope.values)}."
            )
        if days is not None and not 1 <= days <= _MOST_DAYS:
            raise CommandError(f"--days must be from 1 to {_MOST_DAYS}, not {days}.")
        wanted = NewToken(
            owner=owner,
            name=name,
            scopes=scopes,
            networks=networks,
            expires_at=None if days is None else timezone.now() + timedelta(days=days),
        )
        try:
            issued = create_token(
                actor=owner, wanted=wanted, origin=Origin(channel=Channel.COMMAND)
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(issued.secret)
