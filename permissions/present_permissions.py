"""What the roles hold on many tasks now, for forms that show it before anything is changed."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import connection

from permissions import queries
from permissions.flags import Flag
from permissions.roles import MAY_CHANGE_CREATOR


class PresentRole(NamedTuple):
    """A role by code and name, in how many projects, of how many tasks, and what it holds on how many."""

    code: int
    name: str
    projects: int
    tasks: int
    holding: Mapping[Flag, int]


class PresentPermissions(NamedTuple):
    """The roles over all tasks and projects; in how many of these the actor may change role -3."""

    roles: Sequence[PresentRole]
    tasks: int
    following: int
    projects: int
    creator_changeable: int


def read_present_permissions(*, actor: User, task_ids: Sequence[int]) -> PresentPermissions:
    """Return what each role holds on how many of the tasks, in three statements."""
    arguments: dict[str, Any] = {"ids": list(task_ids)}
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_PRESENT_ROLES, arguments)
        roles = [
            PresentRole(code, name, projects, tasks, dict(zip(Flag, holding, strict=True)))
            for code, name, projects, tasks, holding in cursor.fetchall()
        ]
        cursor.execute(queries.READ_PROJECTS_OF_TASKS, arguments)
        projects = cursor.fetchall()
    keys = [project_id for project_id, _, _ in projects]
    return PresentPermissions(
        roles=roles,
        tasks=sum(tasks for _, tasks, _ in projects),
        following=sum(following for _, _, following in projects),
        projects=len(projects),
        creator_changeable=_count_creator_changeable(actor=actor, project_ids=keys),
    )


def _count_creator_changeable(*, actor: User, project_ids: Sequence[int]) -> int:
    if actor.is_superuser:
        return len(project_ids)
    arguments: dict[str, Any] = {
        "actor": actor.pk,
        "ids": list(project_ids),
        "codes": list(MAY_CHANGE_CREATOR),
    }
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_PROJECTS_WITH_ROLE, arguments)
        return len(cursor.fetchall())
