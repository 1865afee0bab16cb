"""The triggers that guard the trail: what was recorded stays as it is, whoever asks, and is sealed.

Their functions are in migrations. The library would wrap each function in a setting that turns it off
and that any database role may set, so its own function is made but never called. Triggers that write
history are no model's: migrations make them (`audit.migrated`), and trust stands on them as well.
"""

from typing import Any, NamedTuple

import pgtrigger
from django.db import ProgrammingError, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from audit.migrated import made_functions, made_triggers, made_views


_INSTALLED = """
SELECT trigger.tgrelid::regclass::text, trigger.tgname,
       pg_get_triggerdef(trigger.oid, true), function.prosrc
FROM pg_trigger AS trigger
JOIN pg_proc AS function ON function.oid = trigger.tgfoid
WHERE trigger.tgenabled IN ('O', 'A') AND trigger.tgname = ANY(%(names)s)
"""

# Those that look into tables look into ours, not into temporary ones of the same name.
_FUNCTIONS = """
SELECT proname, prosrc FROM pg_proc
JOIN pg_language AS language ON language.oid = prolang
WHERE pronamespace = current_schema()::regnamespace AND proname = ANY(%(names)s)
  AND (lanname = 'sql' OR proconfig @> ARRAY[
      'search_path=' || quote_ident(current_schema()) || ', pg_temp'
  ])
"""

_IS_AS_MADE = """
SELECT pg_get_viewdef(to_regclass(%(view)s)) IS NOT DISTINCT FROM pg_get_viewdef(to_regclass(%(as_made)s))
"""

_PARTITIONS = """
SELECT inhparent::regclass::text, inhrelid::regclass::text FROM pg_inherits
JOIN pg_class AS parent ON parent.oid = inhparent AND parent.relkind = 'p'
"""


class Guard(pgtrigger.Trigger):
    """A trigger that calls one of our own functions.

    `fires` says when, in the words of the database, so that a trigger of its name that fires less
    often is noticed. `of_parts` says whether the partitions of a table have it, too.
    """

    def __init__(self, *, function: str, fires: str, of_parts: bool = True, **how: Any) -> None:
        super().__init__(**how, func=f"RAISE EXCEPTION 'the trigger calls {function}() instead';")
        self.function = function
        self.fires = fires
        self.of_parts = of_parts

    def render_execute(self, model: models.Model) -> str:
        """Return what the trigger calls."""
        del model
        return f"{self.function}()"


# For whatever the trail relies on.
NEVER_TRUNCATED = Guard(
    name="append_only_truncate",
    function="audit_refuse_change",
    level=pgtrigger.Statement,
    when=pgtrigger.Before,
    operation=pgtrigger.Truncate,
    fires="BEFORE TRUNCATE ON {table} FOR EACH STATEMENT",
)

# For tables whose rows never change.
APPEND_ONLY = (
    Guard(
        name="append_only",
        function="audit_refuse_change",
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        fires="BEFORE DELETE OR UPDATE ON {table} FOR EACH ROW",
    ),
    NEVER_TRUNCATED,
)

# For history: what is written belongs to what is not over yet. Partitions are written through their table.
GUARDS_OF_HISTORY = (
    *APPEND_ONLY,
    Guard(
        name="joins_nothing_finished",
        function="audit_guard_history",
        level=pgtrigger.Statement,
        operation=pgtrigger.Insert,
        when=pgtrigger.After,
        referencing=pgtrigger.Referencing(new="new_rows"),  # type: ignore[no-untyped-call]
        fires="AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT",
        of_parts=False,
    ),
)

# For operations, which change until they are finished.
FORWARD_ONLY = (
    Guard(
        name="forward_only",
        function="audit_guard_operation",
        when=pgtrigger.Before,
        operation=pgtrigger.Update | pgtrigger.Delete,
        fires="BEFORE DELETE OR UPDATE ON {table} FOR EACH ROW",
    ),
    NEVER_TRUNCATED,
)

# For operations: whoever finishes one puts it among those that wait for their seal.
WAITS_FOR_SEAL = Guard(
    name="waits_for_seal",
    function="audit_await_seal",
    when=pgtrigger.After,
    operation=pgtrigger.Insert | pgtrigger.Update,
    condition=pgtrigger.Q(new__finished_at__isnull=False),
    fires="AFTER INSERT OR UPDATE ON {table} FOR EACH ROW WHEN (new.finished_at IS NOT NULL)",
)


# For operations: nobody writes one that ended long ago, or will end.
KEEPS_TIME = Guard(
    name="keeps_time",
    function="audit_guard_time",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.Update,
    fires="BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW",
)


class InstalledGuard(NamedTuple):
    """A guard as the database knows it: table, name, definition, and the body of its function."""

    table: str
    name: str
    definition: str
    body: str

    def on(self, partition: str) -> "InstalledGuard":
        """Return the same guard of a partition of the table, which can be reached by itself."""
        definition = self.definition.replace(f" ON {self.table} ", f" ON {partition} ")
        return self._replace(table=partition, definition=definition)


def guards() -> list[InstalledGuard]:
    """Return every trigger that the database must have: what guards the trail, and what writes it."""
    bodies = made_functions()
    of_models = [
        _installed(model._meta.db_table, trigger.get_pgid(model), trigger, bodies)
        for model, trigger in pgtrigger.registered()
        if isinstance(trigger, Guard)
    ]
    return of_models + [
        InstalledGuard(made.table, made.name, made.definition, bodies[made.function])
        for made in made_triggers()
    ]


def missing_guards(connection: BaseDatabaseWrapper) -> list[InstalledGuard]:
    """Return the guards that the database lacks, has disabled, or has made to do something else."""
    expected = guards()
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS)
        parts = cursor.fetchall()
        whole = _of_tables_alone()
        expected += [
            guard.on(part)
            for table, part in parts
            for guard in expected
            if guard.table == table and guard.name not in whole
        ]
        cursor.execute(_INSTALLED, {"names": [guard.name for guard in expected]})
        installed = set(map(InstalledGuard._make, cursor.fetchall()))
    return [guard for guard in expected if guard not in installed]


def _of_tables_alone() -> set[str]:
    """Return the names of the guards that partitions do not have."""
    return {
        trigger.get_pgid(model)
        for model, trigger in pgtrigger.registered()
        if isinstance(trigger, Guard) and not trigger.of_parts
    }


def _installed(table: str, name: str, guard: Guard, bodies: dict[str, str]) -> InstalledGuard:
    fires = guard.fires.format(table=table)
    definition = f"CREATE TRIGGER {name} {fires} EXECUTE FUNCTION {guard.function}()"
    return InstalledGuard(table, name, definition, bodies[guard.function])


def hollow_functions(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the functions that the database lacks, or has made to do something else."""
    made = made_functions()
    with connection.cursor() as cursor:
        cursor.execute(_FUNCTIONS, {"names": list(made)})
        installed = set(cursor.fetchall())
    return [name for name, body in made.items() if (name, body) not in installed]


def altered_views(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the views that the database lacks, or that say something else than they were made to say."""
    return [name for name, query in made_views().items() if not _says(connection, name, query)]


def _says(connection: BaseDatabaseWrapper, view: str, query: str) -> bool:
    """Return whether the database repeats the view as it repeats the query; it does so in its own words."""
    as_made = f"as_made_{view}"
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(f"CREATE TEMPORARY VIEW {as_made} AS {query}")
            cursor.execute(_IS_AS_MADE, {"view": view, "as_made": as_made})
            is_as_made: bool = cursor.fetchone()[0]
            transaction.set_rollback(True, using=connection.alias)
    except ProgrammingError:
        # A table that it reads is gone, or is another one.
        return False
    return is_as_made
