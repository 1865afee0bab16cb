import re
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from pytest_django.fixtures import Settings

from permissions.tokens import find_token
from tasks.models import Task


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_dir(settings: Settings, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


def prepare() -> str:
    """Run the command and return what it prints."""
    printed = StringIO()
    call_command("prepare_demo", stdout=printed)
    return printed.getvalue()


def token_in(printed: str) -> str:
    (token,) = re.findall(r"bh_\S+", printed)
    return str(token)


def test_the_printed_login_and_token_work_and_are_kept_for_their_owner_only(data_dir: Path) -> None:
    printed = prepare()

    assert Task.objects.exists()
    (password,) = re.findall(r"admin, password (\S+)", printed)
    assert User.objects.get(username="admin").check_password(password)
    token = find_token(token_in(printed))
    assert token is not None
    assert token.owner.username == "manager"
    modes = {file.name: file.stat().st_mode & 0o777 for file in data_dir.iterdir()}
    assert modes == {"admin_password": 0o600, "demo_password": 0o600, "demo_token": 0o600}


def test_a_second_run_changes_nothing_and_prints_the_same_login() -> None:
    first = prepare()
    tasks = Task.objects.count()

    second = prepare()

    assert second.splitlines() == first.splitlines()[-2:]
    assert Task.objects.count() == tasks


def test_a_changed_password_is_neither_reset_nor_shown() -> None:
    prepare()
    admin = User.objects.get(username="admin")
    admin.set_password("chosen by the administrator")
    admin.save()

    printed = prepare()

    assert "manage.py changepassword admin" in printed
    assert "chosen" not in printed
    admin.refresh_from_db()
    assert admin.check_password("chosen by the administrator")


def test_no_administrator_is_added_to_those_who_are_there() -> None:
    User.objects.create_superuser("operator", password="an operator's own")

    printed = prepare()

    assert "an administrator of this database" in printed
    assert not User.objects.filter(username="admin").exists()


def test_a_token_that_another_database_gave_is_replaced(data_dir: Path) -> None:
    (data_dir / "demo_token").write_text("bh_of_another_database")

    assert find_token(token_in(prepare())) is not None
