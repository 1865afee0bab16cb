"""The tables as migrations make them: forward, back, and as the models say."""

import pytest
from django.core.management import call_command
from django.db import connection


APPS = ("permissions", "tasks", "audit")


def relations() -> set[str]:
    """Return the names of all tables and views of our apps."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_table_list(cursor)
    return {table.name for table in found if table.name.partition("_")[0] in APPS}


@pytest.mark.django_db
def test_the_models_need_no_migration_that_is_not_there() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db(transaction=True)
def test_all_migrations_go_back_to_nothing_and_forward_again() -> None:
    before = relations()
    try:
        for app in APPS:
            call_command("migrate", app, "zero", verbosity=0)
        assert relations() == set()
    finally:
        call_command("migrate", verbosity=0)
    assert relations() == before
    assert "permissions_effective" in before
