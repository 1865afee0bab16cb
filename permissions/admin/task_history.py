"""How the history of a task's permissions is told: whose they were, and flag by flag what changed.

A project's own matrix is edited in place, so what it said at the time is in its own history, and so is
what roles were called. The matrices of tasks never change.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from audit.admin.described import NOTHING, Described, Difference, describe
from audit.trail.subjects import CHANGED, Entry, subject_named
from permissions.flags import NONE, flags_in
from permissions.matrix import Grant
from permissions.models import PermissionMatrix, TaskPermission
from permissions.subjects import Matrices, matrices_then, roles_then
from tasks.models import Task


def _matrix(older: Any, newer: Any) -> Iterator[Difference]:
    """Tell whose permissions they were, where that changed; role by role is told of all rows at once."""
    if not (_is_own(older.matrix) and _is_own(newer.matrix)):
        yield Difference("permissions", _name(older), _name(newer))


def _own_matrix(older: Any, newer: Any) -> Iterator[Difference]:
    """Tell what is kept aside only where it is not what was in force a moment ago."""
    if newer.own_matrix_id and newer.own_matrix_id != older.matrix_id:
        before = f"matrix {older.own_matrix_id}" if older.own_matrix_id else NOTHING
        yield Difference("permissions kept aside", before, f"matrix {newer.own_matrix_id}")


def _is_own(matrix: PermissionMatrix | None) -> bool:
    return matrix is not None and matrix.digest is not None


def _name(row: Any) -> str:
    if row.matrix is None:
        return f"matrix {row.matrix_id}"
    kind = "of its own" if _is_own(row.matrix) else "the project's"
    return f"{kind} (matrix {row.matrix_id})"


def _role_by_role(history_ids: Sequence[int]) -> Mapping[int, Sequence[Difference]]:
    """Tell what each role, by its name of then, gained and lost where another matrix came into force."""
    entries = [
        entry
        for entry in subject_named("task_permission").read(history_ids)
        if entry.kind == CHANGED
        and entry.before["matrix"] is not None
        and entry.before["matrix"] != entry.after["matrix"]
    ]
    if not entries:
        return {}
    matrices = matrices_then(entries)
    differing = {entry.history_id: list(_differing(entry, matrices)) for entry in entries}
    at = {entry.history_id: entry.finished_at for entry in entries}
    names = roles_then(
        {(each.role_id, at[key]) for key, differs in differing.items() for each in differs}
    )
    return {
        key: [
            difference
            for each in differs
            for difference in _flag_by_flag(
                names.get((each.role_id, at[key]), f"role {each.code}"), each
            )
        ]
        for key, differs in differing.items()
    }


class _Differs(NamedTuple):
    """A role, and the flags that it had before and after."""

    code: int
    role_id: int
    before: int
    after: int


def _differing(entry: Entry, matrices: Matrices) -> Iterator[_Differs]:
    was, became = (
        matrices.get((values["matrix"], entry.finished_at), {})
        for values in (entry.before, entry.after)
    )
    for code in sorted(was.keys() | became.keys()):
        nothing = Grant((became.get(code) or was[code]).role_id, NONE)
        before, after = was.get(code, nothing), became.get(code, nothing)
        if before.flags != after.flags:
            yield _Differs(code, after.role_id, before.flags, after.flags)


def _flag_by_flag(role: str, differs: _Differs) -> Iterator[Difference]:
    """Tell the flags in which a role differs, as previews do."""
    for flag in flags_in(differs.before ^ differs.after):
        sides = ("yes" if flags & flag.bit else "no" for flags in (differs.before, differs.after))
        yield Difference(f"{role} · {flag.label.lower()}", *sides)


describe(
    TaskPermission,
    Described(
        page=Task,
        key="task_id",
        label=lambda row: f"permissions of task {row.task.name if row.task else row.task_id}",
        related=("task", "matrix"),
        differences={"matrix": _matrix, "own_matrix": _own_matrix},
        gather=_role_by_role,
    ),
)
