"""The tables as migrations make them: forward, back, and as the models say."""

from typing import NamedTuple

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection

from permissions.flags import Flag
from permissions.models import PermissionBit
from tests.conftest import build_governed


APPS = ("permissions", "tasks", "audit")

# Everything of ours that the catalogue knows, by its kind, its name and its definition.
SCHEMA = """
SELECT 'column', table_name || '.' || column_name,
       concat_ws(' ', data_type, character_maximum_length, is_nullable, collation_name,
                 is_identity, generation_expression)
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL
SELECT 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index WHERE indrelid::regclass::text NOT LIKE 'pg\\_%'
UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
UNION ALL
SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(oid)
FROM pg_trigger WHERE NOT tgisinternal
UNION ALL
SELECT 'view', oid::regclass::text, pg_get_viewdef(oid)
FROM pg_class WHERE relkind = 'v' AND relnamespace = 'public'::regnamespace
UNION ALL
SELECT 'function', oid::regproc::text, pg_get_functiondef(oid)
FROM pg_proc
WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
  AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
"""


class Thing(NamedTuple):
    """One thing that a database consists of."""

    kind: str
    name: str
    definition: str

    @property
    def is_ours(self) -> bool:
        """Whether one of our apps made it."""
        return self.name.startswith((*(f"{app}_" for app in APPS), "pgtrigger_"))


def schema() -> set[Thing]:
    """Return everything of ours in the database."""
    with connection.cursor() as cursor:
        cursor.execute(SCHEMA)
        return {thing for thing in map(Thing._make, cursor.fetchall()) if thing.is_ours}


def bits() -> dict[str, int]:
    """Return which bit stands for which permission."""
    return dict(PermissionBit.objects.values_list("permission__codename", "bit"))


EVERY_BIT = {flag.codename: flag.bit for flag in Flag}


@pytest.mark.django_db
def test_the_models_need_no_migration_that_is_not_there() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db(transaction=True)
def test_all_migrations_go_back_to_nothing_and_forward_again() -> None:
    before = schema()
    try:
        for app in APPS:
            call_command("migrate", app, "zero", verbosity=0)
        # pgtrigger drops its triggers, and replaces their functions when they come back.
        assert {thing for thing in schema() if not thing.name.startswith("pgtrigger_")} == set()
    finally:
        call_command("migrate", verbosity=0)
    assert schema() == before
    assert bits() == EVERY_BIT


@pytest.mark.parametrize("app", APPS)
@pytest.mark.django_db(transaction=True)
def test_each_app_goes_back_to_nothing_and_forward_again_with_what_needs_it(app: str) -> None:
    before = schema()
    try:
        call_command("migrate", app, "zero", verbosity=0)
        assert not {thing for thing in schema() if thing.name.startswith(f"{app}_")}
    finally:
        call_command("migrate", verbosity=0)
    assert schema() == before
    assert bits() == EVERY_BIT
    # What the migrations made works: a task gets its permission row from the trigger.
    governed = build_governed()
    assert governed.add_tasks(1)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("view", "permissions_effective"),
        ("view", "permissions_effective_groups"),
        ("function", "audit_current_operation"),
        ("trigger", "tasks_task.pgtrigger_every_task_has_a_permission_row"),
        ("trigger", "permissions_rolepermission.pgtrigger_interned_rows_are_immutable"),
        ("trigger", "permissions_rolepermission.pgtrigger_interned_rows_are_as_named"),
        ("trigger", "permissions_rolepermission.pgtrigger_administrator_keeps_his_row"),
        ("trigger", "permissions_role.pgtrigger_role_keeps_its_code"),
    ],
)
def test_what_django_cannot_make_is_there(kind: str, name: str) -> None:
    assert [thing for thing in schema() if thing.kind == kind and thing.name.startswith(name)]


@pytest.mark.django_db(transaction=True)
def test_the_flags_have_their_permissions_after_a_flush_and_after_they_were_lost() -> None:
    assert bits() == EVERY_BIT
    call_command("flush", interactive=False, verbosity=0)
    assert bits() == EVERY_BIT
    Permission.objects.filter(content_type__app_label="tasks").delete()
    assert bits() == {}
    call_command("migrate", verbosity=0)
    assert bits() == EVERY_BIT
