"""What the audit trail says of roles, members, permissions, tokens, accounts and groups."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, LiteralString

from django.db import connection

from audit.differences import Difference
from audit.trail.facets import name_flags
from audit.trail.subjects import ADDED, REMOVED, Change, Entry, Subject, register_subject
from permissions import subject_queries as queries
from permissions.flags import Flag, flags_in
from permissions.matrix import Grant
from permissions.states import State, Wanted, state_differences


# The name that something has, or had last.
_USERNAME: LiteralString = """(
    SELECT username FROM permissions_historicaluser
    WHERE id = {row}.user_id ORDER BY history_id DESC LIMIT 1
)"""
_GROUP_NAME: LiteralString = """(
    SELECT name FROM permissions_historicalgroup
    WHERE id = {row}.group_id ORDER BY history_id DESC LIMIT 1
)"""
_PERMISSION: LiteralString = """(
    SELECT type.app_label || '.' || permission.codename
    FROM auth_permission AS permission
    JOIN django_content_type AS type ON type.id = permission.content_type_id
    WHERE permission.id = {row}.permission_id
)"""
# The role as the operation left it, also where it took it away.
_ROLE_OF_ENTRY: LiteralString = """
LEFT JOIN LATERAL (
    SELECT role.code, role.name, role.project_id
    FROM permissions_historicalrole AS role
    JOIN audit_operation AS made ON made.id = role.operation_id
    WHERE role.id = entry.role_id AND made.finished_at <= operation.finished_at
    ORDER BY role.history_id DESC
    LIMIT 1
) AS role ON true
LEFT JOIN tasks_project AS project ON project.id = role.project_id
"""

_Moment = tuple[int, datetime]
Matrices = Mapping[_Moment, Mapping[int, Grant]]


def row_changes(entries: Iterable[Entry]) -> Iterator[Change]:
    """Yield which flags a row of a project's matrix gave or took."""
    for entry in entries:
        yield Change(entry, list(_flags_of_row(entry)))


def _flags_of_row(entry: Entry) -> Iterator[Difference]:
    after = 0 if entry.kind == REMOVED else entry.after["flags"]
    before = entry.after["flags"] if entry.kind == REMOVED else entry.before["flags"] or 0
    for flag in flags_in(before ^ after):
        place = f"/roles/{entry.role}/{flag.vendor_name}"
        yield Difference(place, bool(before & flag.bit), bool(after & flag.bit))


def permission_changes(entries: Iterable[Entry]) -> Iterator[Change]:
    """Yield what changed of what governs tasks, role by role and flag by flag."""
    listed = list(entries)
    # A batch moves many tasks from the same matrices to the same.
    moves = [
        (entry.finished_at, entry.kind, *entry.before.values(), *entry.after.values())
        for entry in listed
    ]
    distinct = dict(zip(moves, listed, strict=True))
    matrices = matrices_then([entry for entry in distinct.values() if entry.before != entry.after])
    told = {move: list(_between(entry, matrices)) for move, entry in distinct.items()}
    for move, entry in zip(moves, listed, strict=True):
        yield Change(entry, told[move])


def _between(entry: Entry, matrices: Matrices) -> Iterator[Difference]:
    after = _state(entry, entry.after, matrices)
    if entry.kind == ADDED:
        yield Difference("/follows_project", after=after.follows)
    elif entry.kind == REMOVED:
        yield Difference("/follows_project", before=after.follows)
    elif entry.before["matrix"] is not None and entry.before != entry.after:
        before = _state(entry, entry.before, matrices)
        yield from state_differences(before=before, after=after)


def _state(entry: Entry, values: Mapping[str, Any], matrices: Matrices) -> State:
    def wanted(matrix_id: int) -> Wanted:
        return Wanted(matrices.get((matrix_id, entry.finished_at), {}), matrix_id)

    aside = wanted(values["own_matrix"]) if values["own_matrix"] else None
    return State(wanted(values["matrix"]), aside, follows=values["follows"])


def matrices_then(entries: Iterable[Entry]) -> Matrices:
    """Return the matrices that the rows name, as they were when each row's operation was finished."""
    asked = list(
        {
            (matrix_id, entry.finished_at)
            for entry in entries
            for values in (entry.before, entry.after)
            for matrix_id in (values["matrix"], values["own_matrix"])
            if matrix_id is not None
        }
    )
    found: list[dict[int, Grant]] = [{} for _ in asked]
    with connection.cursor() as cursor:
        cursor.execute(
            queries.READ_MATRICES_THEN,
            {"matrices": [key for key, _ in asked], "moments": [at for _, at in asked]},
        )
        for place, code, role_id, flags in cursor.fetchall():
            found[place - 1][code] = Grant(role_id, flags)
    return dict(zip(asked, found, strict=True))


def roles_then(asked: Iterable[_Moment]) -> dict[_Moment, str]:
    """Return what roles, by key, and their projects were called at moments."""
    wanted = list(asked)
    arguments: dict[str, Any] = {
        "roles": [key for key, _ in wanted],
        "moments": [at for _, at in wanted],
    }
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_ROLES_THEN, arguments)
        return {(key, at): f"{name} of {project}" for key, at, name, project in cursor.fetchall()}


_Holder = tuple[bool, int, datetime]


def holders_then(asked: Iterable[_Holder]) -> dict[_Holder, str]:
    """Return what groups (true) and accounts (false), by key, were called at moments."""
    wanted = list(asked)
    arguments: dict[str, Any] = {
        "are_groups": [is_group for is_group, _, _ in wanted],
        "ids": [key for _, key, _ in wanted],
        "moments": [at for _, _, at in wanted],
    }
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_HOLDERS_THEN, arguments)
        return {(is_group, key, at): name for is_group, key, at, name in cursor.fetchall() if name}


SUBJECTS = (
    Subject(
        name="role",
        history="permissions_historicalrole",
        joins="LEFT JOIN tasks_project AS project ON project.id = entry.project_id",
        identity="project.uid || '/' || entry.code",
        label="entry.name",
        project="project.uid",
        role="entry.code",
        values={"/name": "{row}.name", "/external_id": "nullif({row}.external_id, '')"},
    ),
    Subject(
        name="role_member",
        history="permissions_historicalrolemember",
        joins=_ROLE_OF_ENTRY,
        identity="entry.id::text",
        label="role.name",
        project="project.uid",
        role="role.code",
        values={"/user": _USERNAME, "/group": _GROUP_NAME},
    ),
    Subject(
        name="role_permission",
        history="permissions_historicalrolepermission",
        joins=_ROLE_OF_ENTRY,
        identity="project.uid || '/' || entry.role_code",
        label="role.name",
        project="project.uid",
        role="entry.role_code",
        values={
            "flags": "({row}.is_view::int + 2 * {row}.is_modify::int + 4 * {row}.is_delete::int"
            " + 8 * {row}.is_execute::int + 16 * {row}.is_copy::int"
            " + 32 * {row}.is_forbidden::int + 64 * {row}.is_manager::int)"
        },
        flags="true",
        changes=row_changes,
    ),
    Subject(
        name="task_permission",
        history="permissions_historicaltaskpermission",
        key="task_id",
        # From history where the task itself is gone.
        joins="""
        LEFT JOIN tasks_task AS present ON present.id = entry.task_id
        LEFT JOIN LATERAL (
            SELECT uid, name, project_id FROM tasks_historicaltask
            WHERE present.id IS NULL AND id = entry.task_id ORDER BY history_id DESC LIMIT 1
        ) AS gone ON true
        LEFT JOIN tasks_project AS project
          ON project.id = coalesce(present.project_id, gone.project_id)
        """,
        identity="coalesce(present.uid, gone.uid)",
        label="coalesce(present.name, gone.name)",
        project="project.uid",
        task="coalesce(present.uid, gone.uid)",
        task_column="task_id",
        values={
            "matrix": "{row}.matrix_id",
            "own_matrix": "{row}.own_matrix_id",
            "follows": """(
                SELECT digest IS NULL FROM permissions_permissionmatrix WHERE id = {row}.matrix_id
            )""",
        },
        flags="""entry.history_type = '~' AND (entry.matrix_id, entry.own_matrix_id)
            IS DISTINCT FROM (former.matrix_id, former.own_matrix_id)""",
        changes=permission_changes,
    ),
    Subject(
        name="api_token",
        history="permissions_historicalapitoken",
        identity="entry.id::text",
        label="entry.name",
        values={
            "/owner": _USERNAME.replace("user_id", "owner_id"),
            "/scopes": "{row}.scopes",
            "/networks": "{row}.networks",
            "/expires_at": "{row}.expires_at",
            "/revoked_at": "{row}.revoked_at",
        },
    ),
    Subject(
        name="account",
        history="permissions_historicaluser",
        identity="entry.id::text",
        label="entry.username",
        values={
            "/username": "{row}.username",
            "/is_active": "{row}.is_active",
            "/is_staff": "{row}.is_staff",
            "/is_superuser": "{row}.is_superuser",
        },
    ),
    Subject(
        name="group",
        history="permissions_historicalgroup",
        identity="entry.id::text",
        label="entry.name",
        values={"/name": "{row}.name"},
    ),
    Subject(
        name="group_member",
        history="permissions_historicaluser_groups",
        identity="entry.id::text",
        label=_GROUP_NAME.replace("{row}", "entry"),
        values={"/user": _USERNAME},
    ),
    Subject(
        name="account_permission",
        history="permissions_historicaluser_user_permissions",
        identity="entry.id::text",
        label=_USERNAME.replace("{row}", "entry"),
        values={"/permission": _PERMISSION},
    ),
    Subject(
        name="group_permission",
        history="permissions_historicalgroup_permissions",
        identity="entry.id::text",
        label=_GROUP_NAME.replace("{row}", "entry"),
        values={"/permission": _PERMISSION},
    ),
)

for subject in SUBJECTS:
    register_subject(subject)
name_flags(flag.vendor_name for flag in Flag)
