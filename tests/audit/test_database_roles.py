"""With two database roles, what the application connects as cannot touch what was recorded.

A superuser can, and no trigger tells of it: then verification does.
"""

from collections.abc import Iterator
from contextlib import closing
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from psycopg import sql

from audit.append_only import missing_guards
from audit.models import Operation
from audit.months import open_months
from audit.proof.seals import seal_all
from tasks.changes import UpdateSettings
from tasks.models import Task
from tests.audit.sealed import UNDER_SEAL, assert_named, execute, partitions_of, verified
from tests.batches import apply
from tests.conftest import Governed
from tests.tracked import HISTORIES


ROLE = 'the "application"'


def connected(**as_whom: str) -> psycopg.Connection[Any]:
    """Connect to the tests' database as another role."""
    parameters = {**connection.get_connection_params(), **as_whom}
    names = ("host", "port", "dbname", "user", "password")
    return psycopg.connect(
        **{name: parameters[name] for name in names if parameters.get(name)}, autocommit=True
    )


@pytest.fixture
def superuser(committed: Governed) -> Iterator[psycopg.Connection[Any]]:
    """Whoever can do everything in the database."""
    try:
        superuser = connected(user="postgres")
    except psycopg.OperationalError as error:
        pytest.skip(f"nobody may connect as a superuser: {error}")
    with closing(superuser):
        yield superuser


@pytest.fixture
def role(superuser: psycopg.Connection[Any]) -> Iterator[str]:
    """The application's role, with the grants that the command prints and nothing else."""
    name, owner = (
        sql.Identifier(ROLE),
        sql.Identifier(connection.settings_dict["USER"] or "bulkhead"),
    )
    superuser.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
    try:
        # Not as the documentation says: so that the application's own code can become the role.
        superuser.execute(sql.SQL("GRANT {} TO {}").format(name, owner))
        printed = StringIO()
        call_command("audit_grants", ROLE, stdout=printed)
        execute(printed.getvalue())
        yield ROLE
    finally:
        superuser.execute(sql.SQL("DROP OWNED BY {}").format(name))
        superuser.execute(sql.SQL("DROP ROLE {}").format(name))


def test_the_application_works_with_its_grants(role: str, committed: Governed) -> None:
    uids = committed.add_tasks(2)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        try:
            applied = apply(
                committed.developer, UpdateSettings(patch={"repository": {"branch": "main"}}), uids
            )
            committed.add_tasks(1)
            open_months(at=timezone.now())
            assert seal_all() == [1]
            assert verified().waiting == 0
        finally:
            cursor.execute("RESET ROLE")
    assert Operation.objects.get(pk=applied.operation.pk).changed == 2


FIRST = "history_id = (SELECT min(history_id) FROM tasks_historicaltask)"
# What a superuser does to some rows of a table while no trigger fires, and what is said of it.
SILENT_HARMS = [
    ("tasks_historicaltask", "UPDATE {} SET name = 'x' WHERE {}", FIRST, "row .* was altered"),
    ("tasks_historicaltask", "DELETE FROM {} WHERE {}", FIRST, "row .* was removed"),
    ("audit_operation", "UPDATE {} SET token_id = 7 WHERE {}", "kind = 'add_tasks'", "was altered"),
    ("audit_operation", "DELETE FROM {} WHERE {}", "kind = 'add_tasks'", "itself was removed"),
    ("audit_seal", "DELETE FROM {} WHERE {}", "number = 1", "seal 1 is missing"),
    (
        "audit_seal",
        "UPDATE {} SET document = replace(document, ':0}}', ':1}}') WHERE {}",
        "number = 2",
        "seal 2 was altered: its signature",
    ),
    (
        "audit_seal",
        "UPDATE {0} SET document = former.document FROM {0} AS former WHERE {1}",
        "audit_seal.number = 2 AND former.number = 1",
        "seal 2 was altered: its signature does not fit",
    ),
    ("tasks_task", "UPDATE {} SET name = 'x' WHERE {}", "true", "row .* is not what its newest"),
]


def test_what_a_superuser_does_while_no_trigger_fires_is_named(
    superuser: psycopg.Connection[Any], committed: Governed
) -> None:
    seal_all()
    committed.add_tasks(1)
    seal_all()
    superuser.execute("SET session_replication_role = replica")
    for table, harm, which, named in SILENT_HARMS:
        superuser.execute(f"CREATE TEMP TABLE kept AS TABLE {table}")
        superuser.execute(harm.format(table, which))
        assert_named(named)
        superuser.execute(f"DELETE FROM {table}")  # noqa: S608 - a table of ours
        superuser.execute(f"INSERT INTO {table} TABLE kept")
        superuser.execute("DROP TABLE kept")
    # No trigger tells of it, as none was touched.
    assert missing_guards(connection) == []
    assert verified().waiting == 0


HARMS = [
    "UPDATE {table} SET {column} = {column}",
    "DELETE FROM {table}",
    "TRUNCATE {table} CASCADE",
    "ALTER TABLE {table} DISABLE TRIGGER USER",
    "ALTER TABLE {table} DISABLE TRIGGER {trigger}",
    "DROP TRIGGER {trigger} ON {table}",
    "CREATE TRIGGER mine BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION audit_refuse_change()",
    "ALTER TABLE {table} RENAME TO mine",
    "DROP TABLE {table} CASCADE",
]


def test_the_application_s_role_can_do_no_harm_to_the_trail(role: str, committed: Governed) -> None:
    seal_all()
    counts = {model: model._default_manager.count() for model in UNDER_SEAL}
    with closing(connected(user=role)) as application:
        for model in UNDER_SEAL:
            (trigger,) = execute(
                "SELECT min(tgname) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = %s::regclass",
                [model._meta.db_table],
            )[0]
            for harm in HARMS[model is Operation :]:
                statement = harm.format(
                    table=model._meta.db_table,
                    column=model._meta.concrete_fields[-1].column,
                    trigger=trigger,
                )
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    application.execute(statement)
    assert {model: model._default_manager.count() for model in UNDER_SEAL} == counts
    assert verified().waiting == 0


@pytest.mark.parametrize(
    "harm",
    [
        "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE sql AS 'SELECT'",
        "DROP FUNCTION audit_guard_operation() CASCADE",
        "CREATE TABLE mine (id bigint)",
        "DELETE FROM django_migrations",
        "UPDATE auth_permission SET codename = 'view_operation' WHERE codename = 'view_seal'",
        "UPDATE django_content_type SET model = 'operation' WHERE model = 'seal'",
        "SET ROLE {owner}",
        "SET SESSION AUTHORIZATION {owner}",
        "ALTER ROLE CURRENT_USER SUPERUSER",
    ],
)
def test_the_application_s_role_cannot_get_around_the_guards(role: str, harm: str) -> None:
    owner = connection.settings_dict["USER"] or "bulkhead"
    with (
        closing(connected(user=role)) as application,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        application.execute(harm.format(owner=owner))


def test_the_application_s_role_makes_months_but_does_not_reach_them(role: str) -> None:
    table = "tasks_historicaltask"
    with closing(connected(user=role)) as application:
        with application.transaction(force_rollback=True):
            application.execute(f"SELECT audit_open_month('{table}', '2001-01-01')")
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(f"SELECT 1 FROM {table}_2001_01")  # noqa: S608
        for harm in ("SELECT 1 FROM {}", "INSERT INTO {} DEFAULT VALUES", "DELETE FROM {}"):
            for part in partitions_of(table):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    application.execute(harm.format(part))


def test_the_application_s_role_does_not_number_rows_of_history(role: str) -> None:
    add = "INSERT INTO {0} ({1}) SELECT {1} FROM (VALUES (1)) AS one LEFT JOIN {0} ON false"
    with closing(connected(user=role)) as application:
        for history in HISTORIES:
            table = history._meta.db_table
            columns = [str(field.column) for field in history._meta.concrete_fields]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                application.execute(add.format(table, ", ".join(columns)))
            columns.remove("history_id")
            with pytest.raises(psycopg.errors.NotNullViolation):
                application.execute(add.format(table, ", ".join(columns)))


def test_the_application_s_role_changes_no_finished_operation(role: str) -> None:
    with closing(connected(user=role)) as application:
        application.execute("SET pgtrigger.ignore = '{pgtrigger_forward_only_b4de4}'")
        with pytest.raises(psycopg.errors.RestrictViolation, match="finished"):
            application.execute("UPDATE audit_operation SET reason = 'another'")


CATALOGS = ("pg_class", "pg_inherits", "pg_trigger", "pg_proc", "pg_depend")
RUN_AS_OWNER = """
CREATE FUNCTION pg_temp.mine() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> session_user THEN
        RAISE EXCEPTION 'this runs as the owner';
    END IF;
    RETURN true;
END
$$
"""


def test_the_application_s_role_has_nothing_run_as_the_owner(role: str) -> None:
    with closing(connected(user=role)) as application:
        application.execute(RUN_AS_OWNER)
        for catalog in CATALOGS:
            application.execute(
                f"CREATE TEMP VIEW {catalog} AS SELECT * FROM pg_catalog.{catalog} WHERE pg_temp.mine()"  # noqa: S608
            )
            application.execute(f"GRANT SELECT ON pg_temp.{catalog} TO PUBLIC")
        application.execute("SELECT audit_open_month('tasks_historicaltask', now())")
        application.execute("SELECT audit_begin_month('tasks_historicaltask')")
        application.execute("CREATE TEMP TABLE own (id bigint) PARTITION BY RANGE (id)")
        with pytest.raises(psycopg.errors.RaiseException, match="no month of"):
            application.execute("SELECT audit_open_month('own', now())")


def test_temporary_tables_take_no_record_and_excuse_none(role: str, committed: Governed) -> None:
    (uid,) = committed.add_tasks(1)
    finished = Operation.objects.latest("finished_at")
    with closing(connected(user=role)) as application:
        for table in ("tasks_historicaltask", "audit_operation", "audit_unsealed"):
            application.execute(f"CREATE TEMP TABLE {table} (LIKE public.{table})")
        application.execute("UPDATE tasks_task SET name = 'renamed' WHERE uid = %s", [uid])
        with pytest.raises(psycopg.errors.RestrictViolation, match="gets no further rows"):
            application.execute(
                "INSERT INTO public.permissions_historicalgroup"
                " (id, name, history_date, history_type, operation_id) VALUES (1, '', now(), '+', %s)",
                [finished.pk],
            )
    renamed = Task.history.get(name="renamed").operation
    assert (renamed.channel, renamed.state) == ("database", "applied")
    assert seal_all()
    assert verified().waiting == 0
