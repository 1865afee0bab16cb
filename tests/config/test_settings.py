import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings


PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "config.settings.prod",
    "SECRET_KEY": "a key as long as Django wants it, which signs nothing at all",
    "BULKHEAD_SEAL_KEY": "YSBrZXkgb2YgMzIgYnl0ZXMgdGhhdCBzZWFscyBub3Q=",
    "ALLOWED_HOSTS": "bulkhead.example",
    # Nobody listens there: what succeeds has not touched the database.
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the project, with these variables and no settings of this test run."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=settings.BASE_DIR,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_production_settings_pass_the_deployment_checks() -> None:
    ended = run("manage.py", "check", "--deploy", "--fail-level=WARNING", **PRODUCTION)

    assert ended.returncode == 0, ended.stderr
    assert "no issues" in ended.stdout
    # Jobs print every line of it.
    assert ended.stderr == ""


@pytest.mark.parametrize("name", ["SECRET_KEY", "BULKHEAD_SEAL_KEY", "ALLOWED_HOSTS"])
def test_production_does_not_start_without_its_settings(name: str) -> None:
    environment = {key: value for key, value in PRODUCTION.items() if key != name}

    ended = run("manage.py", "check", **environment)

    assert ended.returncode != 0
    assert f"ImproperlyConfigured: Set the environment variable {name}" in ended.stderr


def test_every_static_file_refers_to_files_that_exist(tmp_path: Path) -> None:
    ended = run(
        "manage.py", "collectstatic", "--no-input", BULKHEAD_DATA=str(tmp_path), **PRODUCTION
    )

    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "static" / "staticfiles.json").exists()


def test_loading_the_application_opens_no_connection() -> None:
    # gunicorn forks after this: workers must not share the connections of their parent.
    code = (
        "import config.gunicorn, config.wsgi\n"
        "from django.db import connection\n"
        "print(connection.settings_dict['OPTIONS']['pool']['max_size'])\n"
        "print(connection.connection, connection._connection_pools)\n"
    )

    assert run("-c", code, **PRODUCTION).stdout.splitlines() == ["4", "None {}"]


def test_the_developers_secret_key_is_made_once(tmp_path: Path) -> None:
    code = "from django.conf import settings; print(settings.SECRET_KEY)"
    environment = {"DJANGO_SETTINGS_MODULE": "config.settings.dev", "BULKHEAD_DATA": str(tmp_path)}

    keys = {run("-c", code, **environment).stdout.strip() for _ in range(2)}

    assert keys == {(tmp_path / "secret_key").read_text().strip()}
    assert len(keys.pop()) >= 50
