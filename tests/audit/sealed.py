"""A sealed trail with rows in every table, and how its owner would tamper with it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import connection, models

from audit.models import Layout, Operation, Seal, SealedOperation, SealedRows
from audit.proof.seals import seal_all
from audit.proof.signing import trusted_keys
from audit.proof.verification.tampered import Tampered
from audit.proof.verification.verify import Scope, Verified, verify
from audit.recorder import administrative_operation
from permissions.flags import Flag
from permissions.matrix import Grant, Interned, digest_of, intern_matrices
from tests.conftest import ORIGIN, Governed, build_governed
from tests.tracked import HISTORIES, TRACKED


SEALS: list[type[models.Model]] = [Seal, SealedOperation, SealedRows, Layout]
UNDER_SEAL: list[type[models.Model]] = [Operation, *HISTORIES, *SEALS]

# Another value of each type, of the same length where lengths are limited.
ANOTHER = {
    "bool": "NOT coalesce({0}, false)",
    "int2": "coalesce({0}, 0) + 1000",
    "int4": "coalesce({0}, 0) + 1000000",
    "int8": "coalesce({0}, 0) + 1000000",
    "varchar": "CASE WHEN {0} > '' THEN chr(ascii({0}) # 1) || substr({0}, 2) ELSE 'x' END",
    "timestamptz": "coalesce({0} + interval '1 microsecond', now())",
    "jsonb": """'{{"another": true}}'""",
    "inet": "'192.0.2.99'",
    "uuid": "gen_random_uuid()",
    "_varchar": "'{{another}}'",
    "_text": "'{{another}}'",
    "bytea": "set_byte({0}, 20, get_byte({0}, 20) # 1)",
}
ANOTHER["text"] = ANOTHER["varchar"]

ALL = Scope()

_TYPES = """
SELECT column_name, udt_name FROM information_schema.columns
WHERE table_schema = current_schema() AND table_name = %s
"""


@dataclass(frozen=True)
class Fact:
    """A row under seal: its table and key, and what a message that is about it must say."""

    table: str
    key: dict[str, Any]
    names: Sequence[str]

    @property
    def where(self) -> str:
        """Return the condition that is true of this row alone."""
        return " AND ".join(f"{column} = '{value}'" for column, value in self.key.items())


def fill() -> None:
    """Have several seals and, under one of them, an operation with rows in all history tables."""
    governed = build_governed()
    seal_all()
    with administrative_operation(actor=governed.admin, kind="fill", origin=ORIGIN) as operation:
        operation.parameters = {"n": 1}
        for model, (values_of, _) in TRACKED.items():
            for _ in range(2):
                model._default_manager.create(**values_of(governed))
        fill_accounts(governed)
        intern(governed)
    governed.add_tasks(2)
    seal_all()
    governed.add_tasks(3)
    seal_all()


def fill_accounts(governed: Governed) -> None:
    """Change twice what triggers write the history of."""
    groups = [Group.objects.create(name=name) for name in ("release", "guild")]
    permissions = Permission.objects.order_by("pk")[:2]
    for group, user in zip(groups, (governed.viewer, governed.developer), strict=True):
        group.permissions.set(permissions)
        user.groups.add(group)
        user.user_permissions.set(permissions)
        user.is_staff = True
        user.save()


def intern(governed: Governed) -> None:
    """Make two matrices that tasks could have as their own."""
    role = governed.role(8)
    for flags in (Flag.VIEW, Flag.EXECUTE):
        rows = {role.code: Grant(role.pk, flags.bit)}
        intern_matrices({Interned(governed.project.pk, digest_of(rows)): rows})


def become_owner() -> None:
    """Do from now on as the owner of the tables can: without triggers, until the test is over."""
    # A table is not altered while checks of its rows are put off to the end.
    execute("SET CONSTRAINTS ALL IMMEDIATE")
    execute("SET CONSTRAINTS ALL DEFERRED")
    for model in UNDER_SEAL:
        execute(f"ALTER TABLE {model._meta.db_table} DISABLE TRIGGER USER")


def execute(statement: str, arguments: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Execute a statement and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        return cursor.fetchall() if cursor.description else []


def fact_of(model: type[models.Model], *, number: int = 0) -> Fact:
    """Return the first or second row under seal, of the operation that has rows in all tables."""
    table = model._meta.db_table
    filled = Operation.objects.get(kind="fill").pk
    if model in {Operation, SealedOperation}:
        others = SealedOperation.objects.filter(seal_id=2).exclude(pk=filled).order_by("place")
        operation = [filled, *others.values_list("pk", flat=True)][number]
        key = "id" if model is Operation else "operation_id"
        return Fact(table, {key: operation}, [str(operation)])
    if model is Seal:
        return Fact(table, {"number": number + 1}, [f"seal {number + 1}"])
    if model is Layout:
        return Fact(table, {"digest": Layout.objects.get().digest}, ["layout"])
    if model is SealedRows:
        tables = SealedRows.objects.filter(operation=filled).order_by("table_name")
        name = tables.values_list("table_name", flat=True)[number]
        return Fact(table, {"operation_id": filled, "table_name": name}, [str(filled)])
    rows = model._default_manager.filter(operation=filled).order_by("history_id")
    key_of_row = rows.values_list("history_id", flat=True)[number]
    names = [str(filled), f"row {key_of_row} of {table}"]
    return Fact(table, {"history_id": key_of_row}, names)


def swap(one: Fact, two: Fact) -> None:
    """Exchange the contents of two rows of a table."""
    columns = ", ".join(
        f'"{column}"'
        for column in types_of(one.table)
        if column not in {*one.key, "table_name", "part"}
    )
    table = one.table
    execute(f"CREATE TEMP TABLE former AS SELECT * FROM {table} WHERE {one.where} OR {two.where}")  # noqa: S608
    if "place" in columns:
        execute(f"UPDATE {table} SET place = 1000 WHERE {one.where}")  # noqa: S608 - it is unique
    for fact, other in ((two, one), (one, two)):
        execute(
            f"UPDATE {table} SET ({columns}) = (SELECT {columns} FROM former WHERE {other.where})"  # noqa: S608
            f" WHERE {fact.where}"
        )


def types_of(table: str) -> dict[str, str]:
    """Return the type of each of the table's columns."""
    return dict(execute(_TYPES, [table]))


def verified(*checkpoints: Seal, scope: Scope = ALL) -> Verified:
    """Verify the trail."""
    return verify(scope=scope, trusted=trusted_keys(), checkpoints=checkpoints)


def assert_named(*names: str, checkpoints: Sequence[Seal] = ()) -> None:
    """Assert that verification fails, and that its message has all of the names."""
    with pytest.raises(Tampered) as raised:
        verified(*checkpoints)
    missing = [name for name in names if not re.search(name, str(raised.value))]
    assert not missing, str(raised.value)


def partitions_of(table: str) -> list[str]:
    """Return the names of the table's months, the newest one last."""
    found = execute(
        "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table]
    )
    return sorted((name for (name,) in found), key=lambda name: (not name.endswith("before"), name))
