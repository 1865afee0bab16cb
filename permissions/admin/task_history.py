"""How the history of a task's permissions is told: whose they were, and flag by flag what changed.

A project's own matrix is edited in place, so what it said at the time is in its own history. The
matrices of tasks never change: two of them can be compared whenever.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from audit.admin.described import NOTHING, Described, Difference, describe
from audit.subjects import CHANGED, subject_named
from permissions.flags import flags_in
from permissions.matrix import Grant
from permissions.models import PermissionMatrix, Role, TaskPermission
from permissions.subjects import matrices_then
from tasks.models import Task


def _matrix(older: Any, newer: Any) -> Iterator[Difference]:
    if _is_own(older.matrix) and _is_own(newer.matrix):
        yield from _flags(older.matrix, newer.matrix)
    else:
        yield Difference("permissions", _name(older), _name(newer))


def _own_matrix(older: Any, newer: Any) -> Iterator[Difference]:
    """Tell what is kept aside only where it is not what was in force a moment ago."""
    if newer.own_matrix_id and newer.own_matrix_id != older.matrix_id:
        before = f"matrix {older.own_matrix_id}" if older.own_matrix_id else NOTHING
        yield Difference("permissions kept aside", before, f"matrix {newer.own_matrix_id}")


def _is_own(matrix: PermissionMatrix | None) -> bool:
    return matrix is not None and matrix.digest is not None


def _flags(older: PermissionMatrix, newer: PermissionMatrix) -> Iterator[Difference]:
    before, after = (
        {row.role_code: (row.role.name, row.flags) for row in matrix.rows.all()}
        for matrix in (older, newer)
    )
    for code in sorted(before.keys() | after.keys()):
        (name, _), old, new = after.get(code) or before[code], before.get(code), after.get(code)
        if old != new:
            yield Difference(name, _in_words(old), _in_words(new))


def _in_words(row: tuple[str, int] | None) -> str:
    return ", ".join(flag.label for flag in flags_in(row[1])) if row and row[1] else NOTHING


def _name(row: Any) -> str:
    if row.matrix is None:
        return f"matrix {row.matrix_id}"
    kind = "of its own" if _is_own(row.matrix) else "the project's"
    return f"{kind} (matrix {row.matrix_id})"


def _role_by_role(history_ids: Sequence[int]) -> Mapping[int, Sequence[Difference]]:
    """Tell what each role gained and lost where a task began or ceased to follow its project."""
    entries = [
        entry
        for entry in subject_named("task_permission").read(history_ids)
        if entry.kind == CHANGED and entry.before["follows"] is (not entry.after["follows"])
    ]
    if not entries:
        return {}
    matrices = matrices_then(entries)
    names = _names_of_roles({entry.project for entry in entries})
    told = {}
    for entry in entries:
        before, after = (
            matrices.get((values["matrix"], entry.finished_at), {})
            for values in (entry.before, entry.after)
        )
        told[entry.history_id] = [
            Difference(names.get((entry.project, code), f"role {code}"), old, new)
            for code in sorted(before.keys() | after.keys())
            if (old := _held(before.get(code))) != (new := _held(after.get(code)))
        ]
    return told


def _names_of_roles(projects: Collection[str | None]) -> Mapping[tuple[str | None, int], str]:
    roles = Role.objects.filter(project__uid__in=projects)
    return {
        (uid, code): name for uid, code, name in roles.values_list("project__uid", "code", "name")
    }


def _held(grant: Grant | None) -> str:
    return _in_words(("", grant.flags)) if grant else NOTHING


describe(
    TaskPermission,
    Described(
        page=Task,
        key="task_id",
        label=lambda row: f"permissions of task {row.task.name if row.task else row.task_id}",
        related=("task", "matrix"),
        fetched=("matrix__rows__role",),
        differences={"matrix": _matrix, "own_matrix": _own_matrix},
        gather=_role_by_role,
    ),
)
