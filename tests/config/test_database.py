import pytest
from django.core.exceptions import ImproperlyConfigured

from config.database import database


def test_without_an_address_the_embedded_postgresql_is_used() -> None:
    assert database(url="", pool=0)["ENGINE"] == "config.embedded_postgres"


def test_an_address_names_any_postgresql_and_may_bring_options() -> None:
    settings = database(url="postgresql://bulkhead@db.example:5433/tasks?sslmode=require", pool=0)

    assert (settings["HOST"], settings["PORT"], settings["NAME"]) == ("db.example", 5433, "tasks")
    assert settings["OPTIONS"]["sslmode"] == "require"
    assert settings["OPTIONS"]["server_side_binding"] is True
    assert "pool" not in settings["OPTIONS"]


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["/srv/manage.py", "createsuperuser", "--username", "x"], "manage.py createsuperuser"),
        (["manage.py"], "manage.py"),
        (["/venv/gunicorn/__main__.py", "--config"], "gunicorn"),
        (["/venv/bin/gunicorn"], "gunicorn"),
    ],
)
def test_the_server_is_told_which_program_connects(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], name: str
) -> None:
    monkeypatch.setattr("sys.argv", arguments)
    assert database(url="", pool=0)["OPTIONS"]["application_name"] == name


def test_a_pool_is_as_large_as_asked_and_checks_its_connections() -> None:
    settings = database(url="", pool=4)

    assert settings["OPTIONS"]["pool"]["max_size"] == 4
    assert settings["CONN_HEALTH_CHECKS"] is True


@pytest.mark.parametrize("url", ["sqlite:///tasks.sqlite3", "mysql://root@db.example/tasks"])
def test_another_database_system_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="postgresql"):
        database(url=url, pool=0)
