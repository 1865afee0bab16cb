"""What `make run` does before it serves: tables, demo data, and how to log in."""

import secrets
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils import timezone

from audit.context import Origin
from audit.models import Channel
from config.private_file import read_or_create
from permissions.models import Scope
from permissions.tokens import NewToken, create_token, fault_of, find_token
from tasks.models import Project


ADMIN = "admin"
DEMO_ACCOUNT = "manager"


class Command(BaseCommand):
    """Prepare the database for a first look; a second run finds everything in place."""

    help = "Migrate, load the demo into an empty database, and print how to log in."

    def handle(self, *_args: object, **_options: object) -> None:
        """Prepare, and print the login and the token."""
        call_command("migrate", verbosity=0, interactive=False)
        login = _login(file=settings.DATA_DIR / "admin_password")
        if not Project.objects.exists():
            call_command("load_demo", stdout=self.stdout)
        self.stdout.write(f"  Log in as  {login}")
        owner = User.objects.filter(username=DEMO_ACCOUNT, is_active=True).first()
        if owner is not None:
            token = _token(owner=owner, file=settings.DATA_DIR / "demo_token")
            self.stdout.write(f"  API token  {token} (of the demo account {DEMO_ACCOUNT})")


def _login(*, file: Path) -> str:
    """Make an administrator unless there is one, and say how to log in."""
    if not User.objects.filter(is_superuser=True).exists():
        password = read_or_create(path=file, make=lambda: secrets.token_urlsafe(12))
        User.objects.create_superuser(ADMIN, password=password)
    admin = User.objects.filter(username=ADMIN, is_superuser=True).first()
    if admin is None:
        return "an administrator of this database"
    password = file.read_text().strip() if file.exists() else ""
    if not admin.check_password(password):
        return f"{ADMIN} (the password was changed; manage.py changepassword {ADMIN} sets another)"
    return f"{ADMIN}, password {password}"


def _token(*, owner: User, file: Path) -> str:
    """Return the token that every run shows, and make one if this database does not take it."""
    if file.exists():
        token = find_token(file.read_text().strip())
        if token is None or fault_of(token=token, at=timezone.now(), address="127.0.0.1"):
            file.unlink()
    return read_or_create(path=file, make=lambda: _new_token(owner=owner))


def _new_token(*, owner: User) -> str:
    # A token's name is its owner's only one of that name; an earlier one may have been lost.
    name = f"demo of {timezone.now():%Y-%m-%d %H:%M:%S}"
    return create_token(
        actor=owner,
        wanted=NewToken(owner=owner, name=name, scopes=Scope.values),
        origin=Origin(channel=Channel.COMMAND),
    ).secret
