"""How to make a row of each tracked model, and what the database says of it and its history."""

import itertools
import json
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import connection, models
from django.utils import timezone
from simple_history.models import registered_models

from permissions.models import (
    ApiToken,
    PermissionMatrix,
    Role,
    RoleMember,
    RolePermission,
    TaskPermission,
)
from tasks.models import Project, Task, TaskType, new_uid
from tests.conftest import SETTINGS, Governed


Values = dict[str, Any]
NOW = timezone.now()
CODES = itertools.count(500)


def project_values(governed: Governed) -> Values:
    return {
        "uid": uuid.uuid4().hex,
        "name": f"project {uuid.uuid4()}",
        "description": "ünï \\ 'quoted'",
        "created_by": governed.manager,
        "created_at": NOW,
    }


def task_type_values(governed: Governed) -> Values:
    name = uuid.uuid4().hex
    schema = {"type": "object", "n": [1, 1.5, None, "é"]}
    return {"key": name, "name": name, "description": "", "schema": schema, "version": 3}


def task_values(governed: Governed) -> Values:
    return {
        "uid": new_uid(),
        "project": governed.project,
        "task_type": governed.task_type,
        "name": uuid.uuid4().hex,
        "settings": {**SETTINGS, "empty": {}, "text": 'a "quoted" ☃'},
        "enabled": False,
        "disabled_reason": "frozen",
        "created_by": governed.developer,
        "created_at": NOW,
        "updated_at": NOW,
        "recycled_at": NOW,
        "version": 7,
    }


def role_values(governed: Governed) -> Values:
    return {
        "project": governed.project,
        "code": next(CODES),
        "name": "Release manager",
        "external_id": uuid.uuid4().hex,
        "built_in": False,
    }


def member_values(governed: Governed) -> Values:
    role = Role.objects.create(**role_values(governed))
    return {"role": role, "user": governed.viewer, "group": None}


def row_values(governed: Governed) -> Values:
    role = Role.objects.create(**role_values(governed))
    matrix = PermissionMatrix.objects.get(project=governed.project, digest=None)
    flags = {"is_view": True, "is_modify": False, "is_delete": True, "is_execute": False}
    rest = {"is_copy": True, "is_forbidden": False, "is_manager": True}
    return {"matrix": matrix, "role": role, "role_code": role.code, **flags, **rest}


def task_permission_values(governed: Governed) -> Values:
    (uid,) = governed.add_tasks(1)
    task = Task.objects.get(uid=uid)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM permissions_taskpermission WHERE task_id = %s", [task.pk])
    matrix = PermissionMatrix.objects.get(project=governed.project, digest=None)
    return {"task": task, "matrix": matrix, "own_matrix": matrix}


def token_values(governed: Governed) -> Values:
    name = uuid.uuid4().hex
    return {
        "owner": governed.manager,
        "name": name,
        "digest": name,
        "hint": "bh_12345",
        "scopes": ["tasks:read", 'a "quoted", {braced}'],
        "networks": [],
        "created_at": NOW,
        "expires_at": NOW,
        "revoked_at": None,
        "last_used_at": NOW,
        "last_used_address": "2001:db8::1",
    }


# How to make a row of each tracked model, and a change of it.
TRACKED: dict[type[models.Model], tuple[Callable[[Governed], Values], Values]] = {
    Project: (project_values, {"name": "renamed", "description": ""}),
    TaskType: (task_type_values, {"schema": {"type": "object"}, "name": "renamed"}),
    Task: (task_values, {"settings": {"a": [None, 1.0]}, "enabled": True, "recycled_at": None}),
    Role: (role_values, {"name": "renamed"}),
    RoleMember: (member_values, {}),
    RolePermission: (row_values, {"is_view": False, "is_copy": True}),
    TaskPermission: (task_permission_values, {"own_matrix": None}),
    ApiToken: (token_values, {"networks": ["10.0.0.0/8", "::/0"], "scopes": [], "revoked_at": NOW}),
}

# All history, whoever writes it.
HISTORIES: list[type[models.Model]] = [model.history.model for model in registered_models.values()]

# Those that others write too, so that triggers write their history.
TRACKED_BY_TRIGGER: set[type[models.Model]] = {
    PermissionMatrix,
    User,
    Group,
    User.groups.through,
    User.user_permissions.through,
    Group.permissions.through,
}


def rows_of(table: str, *, where: Mapping[Any, Any]) -> list[Values]:
    """Return the table's rows as the database writes them, oldest first."""
    condition = " AND ".join(f"{column} = %s" for column in where)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT to_jsonb(r)::text FROM {table} AS r WHERE {condition}"  # noqa: S608 - names of ours
            " ORDER BY to_jsonb(r)->'history_id'",
            list(where.values()),
        )
        return [json.loads(text) for (text,) in cursor.fetchall()]


def history_of(row: models.Model) -> list[Values]:
    """Return the history rows of a row, oldest first."""
    key = row._meta.pk
    assert key is not None
    table = row.history.model._meta.db_table  # type: ignore[attr-defined]  # added by the library
    return rows_of(table, where={key.column: row.pk})


def assert_history_equals_row(row: models.Model) -> None:
    """Assert that the newest history row repeats the row, column by column."""
    key = row._meta.pk
    assert key is not None
    (current,) = rows_of(row._meta.db_table, where={key.column: row.pk})
    newest = history_of(row)[-1]
    history = row.history.model  # type: ignore[attr-defined]  # added by the library
    tracked = {history._meta.get_field(field.name).column for field in history.tracked_fields}
    of_tokens = {"digest", "last_used_at", "last_used_address", "known_addresses"}
    untracked = {"flags"} | (of_tokens - tracked)
    assert tracked == current.keys() - untracked
    assert {name: newest[name] for name in tracked} == {name: current[name] for name in tracked}
