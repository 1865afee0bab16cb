"""Load the demo into an empty database."""

import secrets
from random import Random

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from audit.context import Origin
from audit.models import Channel
from audit.recorder import administrative_operation
from config.demo.accounts import ACCOUNTS, make_accounts
from config.demo.estate import build_estate
from config.demo.story import tell_story
from config.private_file import read_or_create
from tasks.builtin_types import load_builtin_types
from tasks.models import Project, Task


SEED = 20_000


class Command(BaseCommand):
    """Make projects, tasks, accounts and a history of changes to look at."""

    help = "Load the demo: about 2,000 tasks in 8 projects, accounts, and a history of changes."

    def handle(self, *_args: object, **_options: object) -> None:
        """Load the demo unless there are projects.

        Raises:
            CommandError: there is no superuser who could own the projects.
        """
        if Project.objects.exists():
            self.stdout.write("There are projects already; the demo is for an empty database.")
            return
        owner = User.objects.filter(is_superuser=True, is_active=True).order_by("pk").first()
        if owner is None:
            raise CommandError("Make a superuser first: manage.py createsuperuser")
        origin = Origin(channel=Channel.COMMAND)
        password = read_or_create(
            path=settings.DATA_DIR / "demo_password", make=lambda: secrets.token_urlsafe(9)
        )
        load_builtin_types(actor=owner, origin=origin)
        with (
            transaction.atomic(),
            administrative_operation(actor=owner, kind="load_demo", origin=origin) as operation,
        ):
            users = make_accounts(password=password)
            # The same demo each time; nothing here is to be kept secret.
            random = Random(SEED)  # noqa: S311
            build_estate(actor=owner, users=users, operation=operation, random=random)
        tell_story(users=users, origin=origin)
        self.stdout.write(
            f"Loaded the demo: {Task.objects.count()} tasks in {Project.objects.count()} projects.\n"
            f"  Accounts   {', '.join(ACCOUNTS)}; their password is {password}"
        )
