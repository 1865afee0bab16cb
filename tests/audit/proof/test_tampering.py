"""Whatever the owner of the tables alters, removes, inserts or swaps, verification names it."""

import pytest
from django.db import models
from simple_history.models import registered_models

from audit.models import Layout, Operation, Seal, SealedOperation, SealedRows
from tests.audit.sealed import (
    ANOTHER,
    SEALS,
    UNDER_SEAL,
    assert_named,
    execute,
    fact_of,
    swap,
    types_of,
    verified,
)
from tests.tracked import HISTORIES


pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("owner")]

COLUMNS = [
    (model, field.column)
    for model in UNDER_SEAL
    for field in model._meta.concrete_fields
    if not isinstance(field, models.CompositePrimaryKey)
]
# Columns that the database restricts, beyond their type.
ALLOWED = {"audit_operation.state": "'failed'"}

_TABLES = """
SELECT oid::regclass::text FROM pg_class
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
  AND NOT relispartition
"""

COPY = """
INSERT INTO {table}
SELECT (jsonb_populate_record(row, jsonb_build_object({changes}))).* FROM {table} AS row WHERE {where}
"""
# What makes a copy of a row another row.
ANOTHER_KEY = {
    Operation: "'id', gen_random_uuid(), 'finished_at', now() - interval '1 day'",
    Seal: "'number', (SELECT max(number) + 1 FROM audit_seal)",
    SealedOperation: "'operation_id', gen_random_uuid(), 'place', 100",
    SealedRows: "'part', 1",
    Layout: "'digest', repeat('0', 64)",
}


# What else there is, and why nobody proves that it is as it was.
NOT_UNDER_SEAL = {
    "work that waits or runs": {
        *("audit_progress", "audit_unsealed", "tasks_draft", "tasks_previewedplan"),
        *("tasks_storedanswer", "permissions_tokenallowance", "django_session"),
        *("procrastinate_events", "procrastinate_jobs", "procrastinate_periodic_defers"),
        "procrastinate_workers",
    },
    "counted beside operations": {"audit_refusedattempt"},
    "read by the one who knows its key": {"tasks_secret"},
    "what the program itself says": {
        *(
            "auth_permission",
            "django_content_type",
            "django_migrations",
            "permissions_permissionbit",
        ),
    },
    "of a library, and not used": {
        *("django_admin_log", "guardian_groupobjectpermission", "guardian_userobjectpermission"),
    },
}


def test_every_table_is_under_seal_or_said_not_to_be() -> None:
    tables = {model._meta.db_table for model in (*UNDER_SEAL, *registered_models.values())}
    assert {table for (table,) in execute(_TABLES)} == tables.union(*NOT_UNDER_SEAL.values())
    for model in UNDER_SEAL:
        table = model._meta.db_table
        assert set(types_of(table)) == {column for each, column in COLUMNS if each is model}, table


def test_an_untouched_trail_is_verified() -> None:
    operations = Operation.objects.count()
    rows = sum(history._default_manager.count() for history in HISTORIES)
    found = verified()
    assert (found.operations, found.rows, found.waiting) == (operations, rows, 0)
    assert found.up_to == Seal.objects.order_by("number").last().sealed_at  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("model", "column"),
    COLUMNS,
    ids=[f"{model._meta.db_table}.{column}" for model, column in COLUMNS],
)
def test_an_altered_value_is_named(model: type[models.Model], column: str) -> None:
    fact = fact_of(model)
    table = fact.table
    another = ANOTHER[types_of(table)[column]].format(f'"{column}"')
    another = ALLOWED.get(f"{table}.{column}", another)
    execute(f'UPDATE {table} SET "{column}" = {another} WHERE {fact.where}')  # noqa: S608
    assert_named(*fact.names)


@pytest.mark.parametrize("model", UNDER_SEAL)
def test_a_removed_row_is_named(model: type[models.Model]) -> None:
    fact = fact_of(model)
    execute(f"DELETE FROM {fact.table} WHERE {fact.where}")  # noqa: S608
    assert_named(*fact.names, *(["removed"] if model not in SEALS else []))


@pytest.mark.parametrize("model", UNDER_SEAL)
def test_an_inserted_row_is_named(model: type[models.Model]) -> None:
    fact = fact_of(model)
    changes = ANOTHER_KEY.get(model, "'history_id', 1000000")
    execute(COPY.format(table=fact.table, where=fact.where, changes=changes))
    names = {
        Operation: ["operation .* was inserted"],
        Seal: ["seal 4 was altered"],
        SealedOperation: ["number 100 under seal 2, where it is not"],
    }
    in_history = [fact.names[0], f"row 1000000 of {fact.table} was inserted"]
    assert_named(*names.get(model, in_history if model in HISTORIES else fact.names))


@pytest.mark.parametrize("model", [model for model in UNDER_SEAL if model is not Layout])
def test_two_swapped_rows_are_named(model: type[models.Model]) -> None:
    one, two = (fact_of(model, number=number) for number in (0, 1))
    swap(one, two)
    either = f"{one.names[-1]}|{two.names[-1]}"
    assert_named(either, *(["was reordered: in its place is row"] if model in HISTORIES else []))
