"""History and finished operations never change, whoever asks, and a check says if they could."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone
from simple_history.models import registered_models

from audit.append_only import altered_views, guards, hollow_functions, missing_guards
from audit.migrated import made_views
from audit.models import UNFINISHED, Channel, Operation, State
from audit.proof.seals import seal_all
from audit.recorder import administrative_operation, new_operation
from permissions.models import PermissionMatrix, RolePermission
from tasks.secrets import reveal_secret, store_secrets
from tests.audit.sealed import SEALS, fill_accounts
from tests.conftest import ORIGIN, Governed
from tests.tracked import HISTORIES, TRACKED


def execute(statement: str) -> None:
    """Do to the database what the application would not do."""
    with transaction.atomic(), connection.cursor() as cursor:
        # A table is not altered while checks of its rows are put off to the end.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement)


@pytest.fixture
def recorded(governed: Governed) -> Governed:
    """An estate with at least one history row of every tracked model, sealed."""
    with administrative_operation(actor=governed.admin, kind="fill", origin=ORIGIN):
        for model, (values_of, _) in TRACKED.items():
            model._default_manager.create(**values_of(governed))
        fill_accounts(governed)
    seal_all()
    return governed


@pytest.fixture
def queued(governed: Governed) -> Operation:
    """An operation that waits for the worker."""
    operation = new_operation(
        actor=governed.manager, kind="test", origin=ORIGIN, at=timezone.now(), reason="because"
    )
    operation.state = State.QUEUED
    operation.save()
    return operation


@pytest.mark.parametrize("model", [*HISTORIES, *SEALS])
@pytest.mark.parametrize("switched_off", [False, True])
def test_history_and_seals_can_be_neither_changed_nor_removed(
    recorded: Governed, model: type[models.Model], switched_off: bool
) -> None:
    rows = model._default_manager.all()
    column = model._meta.concrete_fields[-1].attname
    before = list(rows.values())
    assert before
    if switched_off:
        # Any role may tell the library to ignore triggers; ours do not listen.
        execute(f"SET LOCAL pgtrigger.ignore = '{{{','.join(guards_of(model))}}}'")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        rows.update(**{column: models.F(column)})
    with pytest.raises(IntegrityError, match="append-only"):
        execute(f"DELETE FROM {model._meta.db_table}")  # noqa: S608 - a table of ours
    assert list(rows.values()) == before


def guards_of(model: type[models.Model]) -> list[str]:
    """Return the names of the triggers that keep the table as it is."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass"
            " AND tgname LIKE 'pgtrigger%%'",
            [model._meta.db_table],
        )
        return [name for (name,) in cursor.fetchall()]


def test_nothing_that_has_a_history_is_truncated_without_one(recorded: Governed) -> None:
    for model in registered_models.values():
        with pytest.raises(IntegrityError, match="TRUNCATE"):
            execute(f"TRUNCATE {model._meta.db_table} CASCADE")
        assert model._default_manager.exists()


@pytest.mark.parametrize("model", [*HISTORIES, *SEALS, Operation, PermissionMatrix, RolePermission])
def test_the_trail_cannot_be_truncated(recorded: Governed, model: type[models.Model]) -> None:
    with pytest.raises(IntegrityError, match="append-only"):
        execute(f"TRUNCATE {model._meta.db_table} CASCADE")
    assert model._default_manager.exists()


def test_no_other_secret_is_put_behind_a_reference(governed: Governed) -> None:
    store_secrets({"secret:" + "0" * 32: "one", "secret:" + "1" * 32: "other"})
    for harm in ("UPDATE tasks_secret SET sealed = ''", "DELETE FROM tasks_secret"):
        with pytest.raises(IntegrityError, match="append-only"):
            execute(harm)
    with pytest.raises(IntegrityError, match="append-only"):
        execute("TRUNCATE tasks_secret")
    assert reveal_secret("secret:" + "0" * 32) == "one"


def test_a_finished_operation_neither_changes_nor_goes(governed: Governed) -> None:
    for operation in Operation.objects.exclude(state__in=UNFINISHED):
        operation.reason = "another"
        with pytest.raises(IntegrityError, match="finished"), transaction.atomic():
            operation.save()
        with pytest.raises(IntegrityError), transaction.atomic():
            Operation.objects.filter(pk=operation.pk).delete()
        operation.refresh_from_db()
        assert operation.reason == ""


def test_a_finished_operation_does_not_change_even_to_what_it_is(governed: Governed) -> None:
    with pytest.raises(IntegrityError, match="finished"):
        Operation.objects.exclude(state__in=UNFINISHED).update(state=State.APPLIED)


@pytest.mark.parametrize("state", [State.APPLIED, State.REFUSED, State.FAILED])
def test_an_operation_moves_forward_and_no_further(queued: Operation, state: State) -> None:
    one = Operation.objects.filter(pk=queued.pk)
    one.update(state=State.RUNNING, started_at=timezone.now())
    one.update(state=State.RUNNING, started_at=timezone.now())
    with pytest.raises(IntegrityError, match="forward"), transaction.atomic():
        one.update(state=State.QUEUED)
    one.update(state=state, finished_at=timezone.now(), changed=3, parameters={"a": 1})
    with pytest.raises(IntegrityError, match="finished"), transaction.atomic():
        one.update(state=State.RUNNING, finished_at=None)
    assert one.get().state == state


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "another"),
        ("actor_id", 0),
        ("actor_name", "somebody else"),
        ("channel", Channel.ADMIN),
        ("token_id", 7),
        ("token_name", "another"),
        ("request_id", "another"),
        ("address", "192.0.2.1"),
        ("user_agent", "another"),
        ("reason", "another"),
        ("created_at", timezone.now()),
    ],
)
def test_who_asked_for_what_does_not_change_while_it_waits(
    queued: Operation, field: str, value: Any
) -> None:
    with pytest.raises(IntegrityError, match="does not change"), transaction.atomic():
        Operation.objects.filter(pk=queued.pk).update(**{field: value})
    with pytest.raises(IntegrityError, match="never removed"), transaction.atomic():
        queued.delete()
    assert getattr(Operation.objects.get(pk=queued.pk), field) == getattr(queued, field)


def test_an_operation_is_finished_when_it_has_a_time_and_only_then(queued: Operation) -> None:
    one = Operation.objects.filter(pk=queued.pk)
    with pytest.raises(IntegrityError, match="finished_has_time"), transaction.atomic():
        one.update(state=State.APPLIED)
    with pytest.raises(IntegrityError, match="finished_has_time"), transaction.atomic():
        one.update(finished_at=timezone.now())


@pytest.mark.parametrize(
    ("field", "days"),
    [("finished_at", -1), ("finished_at", 1), ("created_at", -3), ("created_at", 3)],
)
def test_nobody_writes_an_operation_of_another_time(
    governed: Governed, field: str, days: int
) -> None:
    now = timezone.now()
    operation = new_operation(actor=governed.manager, kind="test", origin=ORIGIN, at=now)
    operation.finished_at = now
    setattr(operation, field, now + timedelta(days=days))
    with pytest.raises(IntegrityError, match=f"operation {operation.pk}: it"), transaction.atomic():
        operation.save(force_insert=True)


def test_nothing_is_added_to_a_finished_operation(recorded: Governed) -> None:
    for history in HISTORIES:
        table = history._meta.db_table
        with pytest.raises(IntegrityError, match="it is finished, and gets no further rows"):
            execute(
                f"INSERT INTO {table} SELECT (jsonb_populate_record("  # noqa: S608 - a table of ours
                f" row, '{{\"history_id\": -1}}')).* FROM {table} AS row LIMIT 1"
            )


@pytest.mark.parametrize("days", [-1, 1])
def test_nobody_dates_a_row_of_history_otherwise(
    recorded: Governed, queued: Operation, days: int
) -> None:
    dated = {"history_id": -1, "operation_id": str(queued.pk)}
    dated["history_date"] = (timezone.now() + timedelta(days=days)).isoformat()
    for history in HISTORIES:
        table = history._meta.db_table
        with pytest.raises(IntegrityError, match=f"{table}: rows that are written at"):
            execute(
                f"INSERT INTO {table} SELECT (jsonb_populate_record("  # noqa: S608 - a table of ours
                f" row, '{json.dumps(dated)}')).* FROM {table} AS row LIMIT 1"
            )


def test_nobody_finishes_an_operation_at_another_time(queued: Operation) -> None:
    one = Operation.objects.filter(pk=queued.pk)
    with pytest.raises(IntegrityError, match="it ends at"), transaction.atomic():
        one.update(state=State.APPLIED, finished_at=timezone.now() - timedelta(minutes=11))


@pytest.mark.parametrize(
    "harm", ["ALTER TABLE {} DISABLE TRIGGER {}", "DROP TRIGGER {1} ON {0}"], ids=["off", "gone"]
)
def test_the_check_names_every_trigger_that_is_not_in_force(db: None, harm: str) -> None:
    expected = guards()
    tracked: list[type[models.Model]] = [Operation, *HISTORIES, *SEALS, *registered_models.values()]
    assert {model._meta.db_table for model in tracked} <= {guard.table for guard in expected}
    for guard in expected:
        execute(harm.format(guard.table, guard.name))
    with pytest.raises(SystemCheckError, match=r"audit\.E001") as raised:
        call_command("check", databases=["default"])
    for guard in expected:
        assert f"{guard.table} is not guarded: the trigger {guard.name} is" in str(raised.value)


@pytest.mark.parametrize(
    "weaker",
    [
        "BEFORE DELETE ON {table} FOR EACH ROW",
        "BEFORE UPDATE OF history_type OR DELETE ON {table} FOR EACH ROW",
        "BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW WHEN (false)",
    ],
)
def test_the_check_notices_a_guard_that_fires_less_often(db: None, weaker: str) -> None:
    guard = next(guard for guard in guards() if guard.table == "tasks_historicaltask")
    execute(
        f"CREATE OR REPLACE TRIGGER {guard.name} {weaker.format(table=guard.table)}"
        " EXECUTE FUNCTION audit_refuse_change()"
    )
    missing = missing_guards(connection)
    # Its partitions have it from the table.
    assert missing[0] == guard
    assert {each.name for each in missing} == {guard.name}


@pytest.mark.parametrize("function", ["audit_refuse_change", "audit_guard_operation"])
def test_the_check_notices_a_guard_that_was_made_to_do_nothing(db: None, function: str) -> None:
    expected = {guard for guard in guards() if f"{function}()" in guard.definition}
    assert expected
    execute(
        f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RETURN NEW; END'"
    )
    missing = set(missing_guards(connection))
    assert missing >= expected
    assert {each.name for each in missing} == {each.name for each in expected}


def test_the_check_notices_any_other_function_that_was_made_to_do_something_else(db: None) -> None:
    assert hollow_functions(connection) == []
    execute(
        "CREATE OR REPLACE FUNCTION audit_current_operation() RETURNS uuid LANGUAGE sql AS"
        " 'SELECT gen_random_uuid()'"
    )
    with pytest.raises(SystemCheckError, match=r"audit\.E001.*audit_current_operation is missing"):
        call_command("check", databases=["default"])


def test_the_check_notices_a_function_that_looks_into_temporary_tables_first(db: None) -> None:
    execute("ALTER FUNCTION audit_guard_history() RESET search_path")
    assert hollow_functions(connection) == ["audit_guard_history"]


@pytest.mark.parametrize(
    "harm",
    [
        "CREATE OR REPLACE VIEW permissions_effective AS {} UNION SELECT 7, 1, 1, 1, 'member', 0",
        "ALTER VIEW permissions_effective RENAME TO formerly",
        "ALTER TABLE permissions_rolemember RENAME TO formerly",
        """
        ALTER TABLE permissions_rolemember RENAME TO formerly;
        CREATE VIEW permissions_rolemember AS TABLE formerly
        """,
    ],
)
def test_the_check_notices_a_view_that_gives_rights_which_nobody_gave(db: None, harm: str) -> None:
    assert altered_views(connection) == []
    execute(harm.format(made_views()["permissions_effective"]))
    with pytest.raises(
        SystemCheckError, match=r"the view permissions_effective is missing, or does"
    ):
        call_command("check", databases=["default"])


def test_the_check_is_content_with_what_the_migrations_make(db: None) -> None:
    call_command("check", databases=["default"])


def test_the_check_is_silent_while_migrations_wait(db: None) -> None:
    execute("DELETE FROM django_migrations WHERE app = 'audit' AND name > '0003'")
    for name in guards_of(Operation):
        execute(f"DROP TRIGGER {name} ON audit_operation")
    assert missing_guards(connection)
    call_command("check", databases=["default"])
