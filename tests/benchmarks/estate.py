"""An estate of tasks as a large organisation has it, made by the database set by set.

The first project holds 20,000 tasks and is what the batches work on; its tasks lie scattered
among those of all others, and their ids are random, as those of imported tasks are. One task in ten
has a matrix of its own that no other task has: the worst case for interned matrices. All of it was
made two years ago, and has a history since then.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone
from psycopg import sql
from simple_history.models import registered_models

from audit.context import Origin
from audit.models import Channel, Operation
from audit.recorder import new_operation
from permissions.flags import Flag, bits_of
from permissions.roles import BUILT_IN_ROLES, BuiltInRole
from tasks.models import Task
from tests.benchmarks import estate_queries as queries


ORIGIN = Origin(channel=Channel.COMMAND)
KIND = "build_estate"
AGE = timedelta(days=731)

_TEXT = {"type": "string", "minLength": 1, "maxLength": 500}
_SWITCH = {"type": "boolean"}


def _record(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


SCHEMA = {
    **_record(
        repository=_record(
            url={"type": "string", "format": "uri"},
            branch=_TEXT,
            depth={"type": "integer", "minimum": 0},
            submodules=_SWITCH,
            token={**_TEXT, "writeOnly": True},
        ),
        build=_record(
            tool={"enum": ["maven", "gradle", "npm"]},
            version={"type": "string", "pattern": r"^\d+(\.\d+)*$"},
            goals={"type": "array", "items": _TEXT, "maxItems": 20},
            environment={"type": "object", "additionalProperties": _TEXT},
        ),
        notifications=_record(
            enabled=_SWITCH,
            channels={"type": "array", "items": {"enum": ["mail", "chat"]}},
            recipients={"type": "array", "items": {"type": "string", "format": "email"}},
        ),
        schedule=_record(cron=_TEXT, zone=_TEXT, enabled=_SWITCH),
    ),
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "required": ["repository"],
}

SETTINGS = {
    "repository": {
        "url": "https://git.example/team/service",
        "branch": "main",
        "depth": 1,
        "submodules": False,
    },
    "build": {
        "tool": "maven",
        "version": "3.9.9",
        "goals": ["clean", "verify", "deploy"],
        "environment": {"MAVEN_OPTS": "-Xmx2g", "PROFILE": "release", "REGION": "eu-de"},
    },
    "notifications": {
        "enabled": True,
        "channels": ["mail", "chat"],
        "recipients": ["team@example.com", "release@example.com"],
    },
    "schedule": {"cron": "0 3 * * *", "zone": "Europe/Berlin", "enabled": True},
}


class OtherEstate(Exception):
    """The data hold an estate of another size."""


@dataclass(frozen=True, kw_only=True)
class Size:
    """How large an estate is."""

    tasks: int
    projects: int

    @property
    def stride(self) -> int:
        """Every how many tasks one is of the first project, which holds 20,000 if it can."""
        return max(self.tasks // 20_000, 2)


@dataclass(frozen=True, kw_only=True)
class Estate:
    """What the cases ask about."""

    size: Size
    # Views through a role in every project, and through a role in ten of them.
    heavy: User
    light: User
    # Manages the project that the batches work on.
    manager: User
    project_id: int
    project_uid: str

    def batch_tasks(self, count: int) -> list[tuple[int, str]]:
        """Return key and uid of this many tasks of the first project, spread over all of it.

        Raises:
            ValueError: it has not so many.
        """
        with connection.cursor() as cursor:
            cursor.execute(queries.BATCH_TASKS, {"project": self.project_id, "count": count})
            found: list[tuple[int, str]] = cursor.fetchall()
        if len(found) != count:
            raise ValueError(f"the estate has {len(found)} tasks for a batch of {count}")
        return found


def build_estate(size: Size) -> Estate:
    """Fill the empty database."""
    born = timezone.now() - AGE
    with (
        transaction.atomic(),
        connection.cursor() as cursor,
        bare(queries.LARGE_TABLES),
        unguarded(_tables()),
    ):
        cursor.execute(queries.ADD_PEOPLE, {"born": born})
        operation = add_operation(born)
        arguments = _arguments(size=size, operation=operation)
        for statement in queries.BUILD:
            cursor.execute(statement, arguments)
        _add_history(arguments)
        for statement in queries.BUILD_MATRICES:
            cursor.execute(statement, arguments)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    estate = find_estate(size)
    assert estate is not None
    return estate


def _tables() -> list[str]:
    histories = [model.history.model._meta.db_table for model in registered_models.values()]
    return [*registered_models, *histories, Operation._meta.db_table]


def _add_history(arguments: dict[str, Any]) -> None:
    """Add the first row of history of everything there is by now; rows of interned matrices have none."""
    with connection.cursor() as cursor:
        for table, model in registered_models.items():
            history = model.history.model
            columns = [history._meta.get_field(each.name).column for each in history.tracked_fields]
            cursor.execute(queries.OPEN_MONTH, {**arguments, "table": history._meta.db_table})
            statement = sql.SQL(queries.ADD_HISTORY).format(
                history=sql.Identifier(history._meta.db_table),
                columns=sql.SQL(", ").join(map(sql.Identifier, columns)),
                table=sql.Identifier(table),
            )
            cursor.execute(statement, arguments)


@contextmanager
def unguarded(tables: Sequence[str]) -> Iterator[None]:
    """Switch the tables' triggers off, and on again."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(queries.LET_PASS.format(table))
        yield
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(queries.GUARD_AGAIN.format(table))


@contextmanager
def bare(tables: Sequence[str]) -> Iterator[None]:
    """Take constraints and indexes off the tables, except primary keys, and put them back."""
    with connection.cursor() as cursor:
        made_again = []
        # A table cannot be altered while checks of its rows are put off to the end.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for listing in (queries.CONSTRAINTS, queries.INDEXES):
            cursor.execute(listing, {"tables": list(tables)})
            for drop, make in cursor.fetchall():
                cursor.execute(drop)
                made_again.append(make)
        yield
        for make in reversed(made_again):
            cursor.execute(make)


def find_estate(size: Size) -> Estate | None:
    """Return the estate of this size that the database holds, if it does.

    Raises:
        OtherEstate: it holds one of another size.
    """
    if not Operation.objects.filter(kind=KIND).exists():
        return None
    if Task.objects.count() != size.tasks:
        raise OtherEstate(f"the data hold an estate that has not {size.tasks} tasks; remove them")
    actors = User.objects.in_bulk(["heavy", "light", "manager"], field_name="username")
    with connection.cursor() as cursor:
        cursor.execute(queries.FIRST_PROJECT)
        project_id, project_uid = cursor.fetchone()
    return Estate(size=size, project_id=project_id, project_uid=project_uid, **actors)


def add_operation(born: datetime) -> Operation:
    """Add the operation under which something of the estate was made, and let it wait for its seal."""
    owner = User.objects.get(username="owner")
    operation = new_operation(actor=owner, kind=KIND, origin=ORIGIN, at=born)
    operation.started_at = operation.finished_at = born
    operation.save(force_insert=True)
    with connection.cursor() as cursor:
        cursor.execute(queries.AWAIT_SEAL, {"operation": operation.pk})
    return operation


def _arguments(*, size: Size, operation: Operation) -> dict[str, Any]:
    return {
        "actor": operation.actor_id,
        "operation": operation.pk,
        "born": operation.created_at,
        "projects": size.projects,
        "tasks": size.tasks,
        "stride": size.stride,
        "schema": json.dumps(SCHEMA),
        "settings": json.dumps(SETTINGS),
        "codes": [role.code for role in BUILT_IN_ROLES],
        "names": [role.name for role in BUILT_IN_ROLES],
        "external_ids": [role.external_id for role in BUILT_IN_ROLES],
        "flags": [usual_flags(role) for role in BUILT_IN_ROLES],
    }


def usual_flags(role: BuiltInRole) -> int:
    """Return the flags that the role has by default, as bits."""
    return bits_of(flag for flag, held in zip(Flag, role.flags, strict=True) if held == "1")
