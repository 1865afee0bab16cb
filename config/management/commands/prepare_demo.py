"""What `make run` does before it serves: tables, demo data, and how to log in."""

import secrets
from io import StringIO
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand

from config.private_file import read_or_create


ADMIN = "admin"
TOKEN_OWNER = "manager"  # noqa: S105 -- the name of an account
SCOPES = (
    "settings:write",
    "permissions:write",
    "tasks:read",
    "tasks:write",
    "audit:read",
    "access:evaluate",
)


class Command(BaseCommand):
    """Prepare this database for a first look; a second run finds everything in place."""

    help = "Migrate, load the demo into an empty database, and print how to log in."

    def handle(self, *_args: object, **_options: object) -> None:
        """Prepare, and print the login and the token."""
        call_command("migrate", verbosity=0, interactive=False)
        call_command("load_demo", stdout=self.stdout)
        password = _admin_password(file=settings.DATA_DIR / "admin_password")
        token = _demo_token(file=settings.DATA_DIR / "demo_token")
        self.stdout.write(f"  Log in     {ADMIN}, password {password}")
        self.stdout.write(f"  API token  {token} (of the demo account {TOKEN_OWNER})")


def _admin_password(*, file: Path) -> str:
    """Make the first administrator, and return the password or where it went."""
    users = get_user_model().objects
    admin = users.filter(username=ADMIN).first()
    if admin is None:
        password = read_or_create(path=file, make=lambda: secrets.token_urlsafe(12))
        users.create_superuser(ADMIN, password=password)
        return password
    if file.exists() and admin.check_password(read_or_create(path=file, make=str)):
        return read_or_create(path=file, make=str)
    return f"as it was set (forgotten: manage.py changepassword {ADMIN})"


def _demo_token(*, file: Path) -> str:
    """Return the token that is shown on every start, made at the first one."""

    def make() -> str:
        shown = StringIO()
        call_command("create_api_token", TOKEN_OWNER, name="demo", scope=list(SCOPES), stdout=shown)
        return shown.getvalue().strip()

    return read_or_create(path=file, make=make)
