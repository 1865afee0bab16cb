"""What this app adds to the page of a task: its permissions in force, and who holds them."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from audit.admin.panels import Panel, register_panel
from audit.admin.requests import actor_of
from permissions.admin.grids import FLAG_LABELS, grid_rows
from permissions.explain import Extent, extent_of
from permissions.flags import Flag
from permissions.models import PermissionMatrix, TaskUserPermission
from tasks.models import Task


# So many people are named; a role may have thousands of members through a group.
_LISTED = 100


class Cell(NamedTuple):
    """A flag of a role on the task, and whether the project's permissions say otherwise."""

    held: bool
    differs: bool


class GovernedRow(NamedTuple):
    """A role and its seven flags on the task."""

    code: int
    name: str
    cells: Sequence[Cell]


class Governed(NamedTuple):
    """The matrix in force for a task: where it comes from, and what it says."""

    flags: Sequence[str]
    rows: Sequence[GovernedRow]
    follows: bool
    project: str
    address: str


class Right(NamedTuple):
    """A flag of a user: by which roles it is held, if it is, and where that is explained."""

    by: str
    address: str


class Holder(NamedTuple):
    """A user, how they hold roles on the task, and for each flag what gives it."""

    username: str
    roles: str
    rights: Sequence[Right]


class Holders(NamedTuple):
    """The users who hold anything on a task, as many as are named."""

    flags: Sequence[str]
    rows: Sequence[Holder]
    has_more: bool
    explains: bool


def _grid(request: HttpRequest, task: Task) -> Governed:
    del request
    governed = task.permission
    project = PermissionMatrix.objects.get(project=task.project_id, digest=None)
    in_project = {row.code: row.held for row in grid_rows(matrix_id=project.pk)}
    nothing = [False] * len(Flag)
    return Governed(
        flags=FLAG_LABELS,
        rows=[
            GovernedRow(
                row.code,
                row.name,
                list(map(_cell, row.held, in_project.get(row.code, nothing))),
            )
            for row in grid_rows(matrix_id=governed.matrix_id)
        ],
        follows=governed.matrix_id == project.pk,
        project=task.project.name,
        address=reverse("admin:permissions_permissionmatrix_change", args=[governed.matrix_id]),
    )


def _cell(held: bool, in_project: bool) -> Cell:  # noqa: FBT001  # pairs of a row's flags
    return Cell(held, held is not in_project)


def _holders(request: HttpRequest, task: Task) -> Holders:
    held = TaskUserPermission.objects.filter(content_object=task, user__is_active=True)
    names = held.order_by("user__username").values_list("user__username", flat=True).distinct()
    named = list(names[: _LISTED + 1])
    by: dict[str, dict[str, set[str]]] = {name: defaultdict(set) for name in named[:_LISTED]}
    for name, codename, role, via in held.filter(user__username__in=by).values_list(
        "user__username", "permission__codename", "role__name", "via"
    ):
        by[name][codename].add(role if via == "member" else f"{role} ({_VIA[via]})")
    actor = actor_of(request)
    extent = extent_of(actor=actor, task=task)
    of_whom = by.keys() if extent in {Extent.PROJECT, Extent.EVERYBODY} else {actor.get_username()}
    return Holders(
        flags=FLAG_LABELS,
        rows=[_holder(name, roles, task, explains=name in of_whom) for name, roles in by.items()],
        has_more=len(named) > _LISTED,
        explains=any(name in of_whom for name in by),
    )


def _holder(
    name: str, roles: Mapping[str, Collection[str]], task: Task, *, explains: bool
) -> Holder:
    asked = reverse("admin:tasks_task_why", args=[task.pk])
    return Holder(
        username=name,
        roles=", ".join(sorted({role for each in roles.values() for role in each})),
        rights=[
            Right(
                by=", ".join(sorted(roles.get(flag.codename, ()))),
                address=f"{asked}?{urlencode({'user': name, 'flag': flag.codename})}"
                if explains
                else "",
            )
            for flag in Flag
        ],
    )


_VIA = {
    "group": "through a group",
    "project creator": "created the project",
    "task creator": "created the task",
}


register_panel(Task, Panel("Permissions in force", "admin/panels/governed.html", _grid))
register_panel(Task, Panel("Who may", "admin/panels/holders.html", _holders))
