"""What the tables hold, read plainly: to compare before and after, and history with the present."""

import json
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

from django.contrib.auth.models import Group, User
from django.db import connection
from simple_history.models import registered_models

from audit.visibility import AUDITORS
from permissions.flags import ALL, flags_in
from permissions.models import PermissionMatrix, RoleMember, RolePermission, TaskPermission
from tasks.models import Task


# Everything that a batch may change. Previews are remembered even if nothing is applied.
TABLES = (
    *sorted(model._meta.db_table for model in registered_models.values()),
    *sorted(model.history.model._meta.db_table for model in registered_models.values()),
    "audit_operation",
    "tasks_secret",
    "procrastinate_jobs",
)


_WITH_HISTORY = {
    # An interned matrix is written once and never changes: its rows are their own history.
    RolePermission: (
        "WHERE matrix_id IN (SELECT id FROM permissions_permissionmatrix WHERE digest IS NULL)"
    ),
    # After a test's database was emptied, this group is made again unrecorded.
    Group: f"WHERE name <> '{AUDITORS}'",
    Group.permissions.through: (
        f"WHERE group_id NOT IN (SELECT id FROM auth_group WHERE name = '{AUDITORS}')"  # noqa: S608
    ),
}


class Observed(NamedTuple):
    """One task: its row, and what governs it as (role code → flags as bits)."""

    key: int
    settings: Any
    enabled: bool
    disabled_reason: str
    version: int
    updated_at: Any
    matrix_id: int
    own_matrix_id: int | None
    follows: bool
    roles: dict[int, int]
    own_roles: dict[int, int] | None

    @property
    def wanted(self) -> tuple[Any, ...]:
        """What a change is about: everything but the version and the time of the last change."""
        return (self.settings, self.enabled, self.disabled_reason, *self[6:])


def observe() -> dict[str, Observed]:
    """Read every task, by uid."""
    matrices: dict[int, dict[int, int]] = {}
    for matrix_id, code, bits in RolePermission.objects.values_list(
        "matrix_id", "role_code", "flags"
    ):
        matrices.setdefault(matrix_id, {})[code] = bits
    own = set(PermissionMatrix.objects.exclude(digest=None).values_list("pk", flat=True))
    observed = {}
    for governed in TaskPermission.objects.select_related("task"):
        task = governed.task
        observed[task.uid] = Observed(
            task.pk,
            task.settings,
            task.enabled,
            task.disabled_reason,
            task.version,
            task.updated_at,
            governed.matrix_id,
            governed.own_matrix_id,
            governed.matrix_id not in own,
            matrices[governed.matrix_id],
            matrices[governed.own_matrix_id] if governed.own_matrix_id else None,
        )
    return observed


def digest_of_everything() -> list[tuple[str, str]]:
    """Return a digest of each table that a batch may change; that one was refused changes nothing."""
    parts = [
        f"SELECT '{table}', md5(coalesce(string_agg(r::text, '' ORDER BY r::text), ''))"  # noqa: S608
        f" FROM {table} AS r {'WHERE state <> $$refused$$' if table == 'audit_operation' else ''}"
        for table in TABLES
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts))
        return list(cursor.fetchall())


def assert_history_replays() -> None:
    """Assert that the last history row of everything tracked is its present row, or its end."""
    for model in registered_models.values():
        history = model.history.model
        columns = [history._meta.get_field(field.name).column for field in history.tracked_fields]
        listed = ", ".join(columns)
        key = model._meta.pk.column
        which = _WITH_HISTORY.get(model, "")
        present = f"SELECT {listed} FROM {model._meta.db_table} {which}"  # noqa: S608
        last = (
            f"SELECT {listed} FROM (SELECT DISTINCT ON ({key}) * FROM"  # noqa: S608
            f" {history._meta.db_table} ORDER BY {key}, history_id DESC) AS r"
            " WHERE history_type <> '-'"
        )
        with connection.cursor() as cursor:
            cursor.execute(f"({present} EXCEPT {last}) UNION ALL ({last} EXCEPT {present})")
            differing = cursor.fetchall()
            assert not differing, f"{model.__name__}: {differing}"
            cursor.execute(
                f"SELECT {key} FROM {history._meta.db_table} GROUP BY {key}"  # noqa: S608
                " HAVING count(*) FILTER (WHERE history_type = '+') <> 1"
                " OR (array_agg(history_type ORDER BY history_id))[1] <> '+'"
            )
            assert not cursor.fetchall(), f"{model.__name__}: history does not begin with '+'"


def history_rows(operation_id: Any) -> dict[str, list[int]]:
    """Return, for each kind of history of tasks, the keys of the operation's rows, sorted."""
    return {
        model.__name__: sorted(
            model.history.filter(operation_id=operation_id).values_list(
                model._meta.pk.attname, flat=True
            )
        )
        for model in (Task, TaskPermission)
    }


def codes_held(user: User, uid: str) -> set[int]:
    """Say which roles the user has where the task is, from members and creators."""
    task = Task.objects.select_related("project").get(uid=uid)
    groups = set(user.groups.values_list("pk", flat=True))
    codes = {
        member.role.code
        for member in RoleMember.objects.filter(role__project=task.project).select_related("role")
        if member.user_id == user.pk or member.group_id in groups
    }
    codes |= {-1} if task.project.created_by_id == user.pk else set()
    return codes | ({-3} if task.created_by_id == user.pk else set())


def flags_held(user: User, uid: str) -> int:
    """Say what the user may do to the task, from members and rows, without the view."""
    user = User.objects.get(pk=user.pk)
    if not user.is_active or user.is_superuser:
        return ALL if user.is_active else 0
    codes, bits = codes_held(user, uid), 0
    for row in RolePermission.objects.filter(matrix__tasks__task__uid=uid):
        if row.role_code in codes:
            bits |= row.flags
    return bits


def names_of(roles: dict[int, int]) -> dict[str, list[str]]:
    """Return the roles as an outcome's document writes them."""
    return {
        str(code): [flag.vendor_name for flag in flags_in(bits)] for code, bits in roles.items()
    }


def without_references(value: Any) -> Any:
    """Return the document with every reference alike: each binding makes fresh ones."""
    return json.loads(re.sub(r"secret:[0-9a-f]{32}", "secret:*", json.dumps(value)))


def administrator_is_whole(observed: Iterable[Observed]) -> bool:
    """Return whether the project's administrators hold everything, under every matrix there is."""
    return all(
        roles.get(-1) == ALL
        for task in observed
        for roles in (task.roles, task.own_roles)
        if roles is not None
    )
