"""What this app adds to the page of a task: its permissions in force, and who holds them."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.http import HttpRequest
from django.urls import reverse

from audit.admin.described import Described, Difference, describe
from audit.admin.panels import Panel, register_panel
from permissions.admin.grids import FLAG_LABELS, Grid, grid_rows
from permissions.flags import Flag, flags_in
from permissions.models import TaskPermission, TaskUserPermission
from tasks.models import Task


# So many people are named; a role may have thousands of members through a group.
_LISTED = 100


class Holder(NamedTuple):
    """A user, how they hold roles on the task, and for each flag whether they hold it."""

    username: str
    roles: str
    held: Sequence[bool]


class Holders(NamedTuple):
    """The users who hold anything on a task, as many as are named."""

    flags: Sequence[str]
    rows: Sequence[Holder]
    has_more: bool


def _grid(request: HttpRequest, task: Task) -> Grid:
    del request
    governed = TaskPermission.objects.select_related("matrix").get(task=task)
    follows = governed.matrix.digest is None
    note = (
        "The task follows its project's permissions."
        if follows
        else "The task has permissions of its own and does not follow its project."
    )
    address = reverse("admin:permissions_permissionmatrix_change", args=[governed.matrix_id])
    return Grid(FLAG_LABELS, grid_rows(matrix_id=governed.matrix_id), note, address)


def _holders(request: HttpRequest, task: Task) -> Holders:
    del request
    held = TaskUserPermission.objects.filter(content_object=task, user__is_active=True)
    names = held.order_by("user__username").values_list("user__username", flat=True).distinct()
    named = list(names[: _LISTED + 1])
    bits: dict[str, int] = dict.fromkeys(named[:_LISTED], 0)
    roles: dict[str, set[str]] = {name: set() for name in bits}
    by_codename = {flag.codename: flag.bit for flag in Flag}
    for name, codename, role, via in held.filter(user__username__in=bits).values_list(
        "user__username", "permission__codename", "role__name", "via"
    ):
        bits[name] |= by_codename[codename]
        roles[name].add(role if via == "member" else f"{role} ({_VIA[via]})")
    rows = [
        Holder(name, ", ".join(sorted(roles[name])), [flag in flags_in(each) for flag in Flag])
        for name, each in bits.items()
    ]
    return Holders(FLAG_LABELS, rows, has_more=len(named) > _LISTED)


_VIA = {
    "group": "through a group",
    "project creator": "created the project",
    "task creator": "created the task",
}


def _follows(older: Any, newer: Any) -> Any:
    yield Difference("permissions", _matrix_name(older), _matrix_name(newer))


def _matrix_name(row: Any) -> str:
    if row.matrix is None:
        return f"matrix {row.matrix_id}"
    kind = "the project's" if row.matrix.digest is None else "of its own"
    return f"{kind} (matrix {row.matrix_id})"


register_panel(Task, Panel("Permissions in force", "admin/panels/grid.html", _grid))
register_panel(Task, Panel("Who may", "admin/panels/holders.html", _holders))
describe(
    TaskPermission,
    Described(
        page=Task,
        key="task_id",
        label=lambda row: f"permissions of task {row.task.name if row.task else row.task_id}",
        related=("task", "matrix"),
        differences={"matrix": _follows},
    ),
)
