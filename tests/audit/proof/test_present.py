"""What is changed without a record shows, whoever silences what would record it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import IntegrityError, models, transaction

from audit.proof.verification.present import check_present
from audit.proof.verification.tampered import Tampered
from permissions.models import PermissionMatrix, RolePermission
from tasks.models import Task
from tests.audit.sealed import ANOTHER, assert_named, execute, fact_of, types_of, verified
from tests.tracked import HISTORIES


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("trail")]


_CHECKS = "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'"


def end_transaction() -> None:
    """Do what the end of a transaction does: finish the operation of changes from outside."""
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("SET CONSTRAINTS ALL DEFERRED")


@contextmanager
def silenced(table: str) -> Iterator[None]:
    """Write as nobody records it, as the owner of the table can; it is taken back afterwards."""
    before = transaction.savepoint()
    end_transaction()
    execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for (check,) in execute(_CHECKS, [table]):
        execute(f"ALTER TABLE {table} DROP CONSTRAINT {check}")
    yield
    transaction.savepoint_rollback(before)


def of_history(history: type[models.Model]) -> tuple[str, str, object]:
    """Return the table, key and one object of which the operation that filled all tables told."""
    model = history.instance_type  # type: ignore[attr-defined]  # the library's
    key = model._meta.pk.attname
    row = history._default_manager.get(**fact_of(history).key)
    return model._meta.db_table, model._meta.pk.column, getattr(row, key)


def test_a_setting_that_any_role_may_set_hides_no_change() -> None:
    task = Task.objects.earliest("pk")
    before = task.history.count()
    execute("SET LOCAL bulkhead.recorder = 'on'")
    Task.objects.filter(pk=task.pk).update(settings={"repository": {"branch": "evil"}})
    assert task.history.count() == before
    changed = f"row {task.pk} of tasks_task is not what its newest history says"
    assert_named(changed)
    with pytest.raises(CommandError, match=changed) as raised:
        call_command("verify_audit")
    assert raised.value.returncode == 1


def test_numbers_that_are_equal_but_not_the_same_are_told_apart() -> None:
    task = Task.objects.earliest("pk")
    Task.objects.filter(pk=task.pk).update(settings={"depth": 1})
    end_transaction()
    execute("SET LOCAL bulkhead.recorder = 'on'")
    Task.objects.filter(pk=task.pk).update(settings={"depth": 1.0})
    assert_named(f"row {task.pk} of tasks_task is not")


@pytest.mark.parametrize("history", HISTORIES)
def test_any_value_that_was_changed_without_a_record_is_named(
    history: type[models.Model],
) -> None:
    table, key, value = of_history(history)
    types = types_of(table)
    tracked = {field.name for field in history.tracked_fields}  # type: ignore[attr-defined]  # the library's
    fields = [field for field in history._meta.concrete_fields if field.name in tracked]
    columns = {str(field.column) for field in fields} - {key}
    assert columns
    for column in sorted(columns):
        another = ANOTHER[types[column]].format(f'"{column}"')
        with silenced(table):
            execute(f'UPDATE {table} SET "{column}" = {another} WHERE {key} = {value}')  # noqa: S608
            with pytest.raises(Tampered, match=f"row {value} of {table} is not what its newest"):
                check_present()


@pytest.mark.parametrize("history", HISTORIES)
def test_a_row_that_was_removed_or_added_without_a_record_is_named(
    history: type[models.Model],
) -> None:
    table, key, value = of_history(history)
    moved = f"UPDATE {table} SET {key} = {{}} WHERE {key} = {value}"  # noqa: S608 - names of ours
    for another, named in (
        (-5, "row -5 of {} was added"),
        (900000, f"row {value} of {{}} was removed"),
    ):
        with silenced(table):
            execute(moved.format(another))
            assert_named(f"{named.format(table)} without a record")


def test_what_stays_the_same_is_verified() -> None:
    Group.objects.create(name="recorded")
    end_transaction()
    assert verified().waiting == 1


def test_an_interned_matrix_that_holds_something_else_is_named() -> None:
    matrix = PermissionMatrix.objects.exclude(digest=None).earliest("pk")
    with pytest.raises(IntegrityError, match="interned matrix"), transaction.atomic():
        matrix.rows.update(is_manager=True)
    with silenced("permissions_rolepermission"):
        matrix.rows.update(is_manager=True)
        assert_named(f"matrix {matrix.pk} does not hold what its digest names")


def test_a_row_of_another_role_than_it_says_is_named() -> None:
    row = RolePermission.objects.filter(matrix__digest=None, role_code=8).earliest("pk")
    RolePermission.objects.filter(pk=row.pk).update(role_code=7)
    end_transaction()
    assert_named(f"matrix {row.matrix_id} has a row of another")


def test_flags_that_stand_for_other_permissions_are_named() -> None:
    execute("UPDATE permissions_permissionbit SET bit = bit * 100")
    assert_named("flags of roles stand for other permissions")
