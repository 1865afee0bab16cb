"""What the page of a project shows below its form: roles, permissions, what happened last."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.http import HttpRequest
from django.urls import reverse

from audit.admin.panels import Panel, register_panel
from audit.admin.requests import actor_of
from audit.models import Operation
from audit.visibility import may_audit
from permissions import project_queries
from permissions.admin.grids import FLAG_LABELS, Grid, grid_rows
from permissions.models import PermissionMatrix, Role, RoleMember
from permissions.roles import ADMINISTRATOR, TASK_CREATOR
from tasks.models import Project


# So many members of a project are named on its page.
_LISTED = 200
_LATEST = 8


class ShownRole(NamedTuple):
    """A role on its project's page."""

    code: int
    name: str
    address: str
    members: list[str]
    takes_members: bool


class Roles(NamedTuple):
    """The roles of a project, where to add one, and whether the visitor may change them."""

    rows: Sequence[ShownRole]
    add: str
    may_change: bool


class ShownOperation(NamedTuple):
    """An operation; its address if the visitor may open it."""

    at: datetime
    title: str
    actor: str
    address: str


def _roles(request: HttpRequest, project: Project) -> Roles:
    members: dict[int, list[str]] = defaultdict(list)
    held = RoleMember.objects.filter(role__project=project).select_related("user", "group")
    for member in held.order_by("pk")[:_LISTED]:
        name = member.user.get_username() if member.user else f"group {member.group}"
        members[member.role_id].append(name)
    creator = {
        ADMINISTRATOR: f"{project.created_by.get_username()} (created the project)",
        TASK_CREATOR: "whoever created the task",
    }
    rows = [
        ShownRole(
            role.code,
            role.name,
            reverse("admin:permissions_role_change", args=[role.pk]),
            [name for name in [creator.get(role.code, "")] if name] + members[role.pk],
            role.code != TASK_CREATOR,
        )
        for role in Role.objects.filter(project=project).order_by("code")
    ]
    add = reverse("admin:permissions_role_add", query={"project": project.pk})
    return Roles(rows, add, may_change=actor_of(request).is_superuser)


def _matrix(request: HttpRequest, project: Project) -> Any:
    del request
    matrix = PermissionMatrix.objects.filter(project=project, digest=None).first()
    if matrix is None:
        return None
    note = "This holds on every task of the project that has no permissions of its own."
    address = reverse("admin:permissions_permissionmatrix_change", args=[matrix.pk])
    return Grid(FLAG_LABELS, grid_rows(matrix_id=matrix.pk), note, address)


def _latest(request: HttpRequest, project: Project) -> list[ShownOperation] | None:
    with connection.cursor() as cursor:
        arguments = {"project": project.pk, "limit": _LATEST}
        cursor.execute(project_queries.READ_LATEST_OPERATIONS, arguments)
        keys = [key for (key,) in cursor.fetchall()]
    actor = actor_of(request)
    audits = may_audit(actor=actor)
    found = Operation.objects.in_bulk(keys)
    return [
        ShownOperation(
            operation.created_at,
            operation.title,
            operation.actor_name,
            reverse("admin:audit_operation_change", args=[operation.pk])
            if audits or operation.actor_id == actor.pk
            else "",
        )
        for operation in (found[key] for key in keys)
    ] or None


register_panel(Project, Panel("Roles and members", "admin/panels/roles.html", _roles))
register_panel(Project, Panel("Permissions", "admin/panels/grid.html", _matrix))
register_panel(Project, Panel("What changed here last", "admin/panels/operations.html", _latest))
