"""What the page of a project shows below its form: roles, permissions, what happened last."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpRequest
from django.urls import reverse

from audit.admin.panels import Panel, register_panel
from audit.admin.requests import actor_of
from audit.models import Operation, State
from audit.trail.reader import Filter
from audit.visibility import may_audit
from permissions import project_queries
from permissions.admin.grids import FLAG_LABELS, Grid, grid_rows
from permissions.models import PermissionMatrix, Role, RoleMember
from permissions.roles import ADMINISTRATOR, TASK_CREATOR
from tasks.models import Project
from tasks.trail import reader_of


# So many members of a project are named on its page.
_LISTED = 200
_LATEST = 8
# Of these many latest operations those are named that the visitor may know of.
_LOOKED_AT = 100


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


class Latest(NamedTuple):
    """The latest operations, and where to find all that the visitor may open."""

    rows: Sequence[ShownOperation]
    address: str
    is_all: bool


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


def _latest(request: HttpRequest, project: Project) -> Latest | None:
    actor = actor_of(request)
    audits = may_audit(actor=actor)
    known = Operation.objects.filter(pk__in=set(_known(actor, project, audits=audits)))
    rows = [
        ShownOperation(
            operation.created_at,
            operation.title,
            operation.actor_name,
            reverse("admin:audit_operation_change", args=[operation.pk])
            if audits or operation.actor_id == actor.pk
            else "",
        )
        for operation in known.order_by("-created_at", "-pk")[:_LATEST]
    ]
    address = reverse("admin:audit_operation_changelist", query={"project": project.uid})
    return Latest(rows, address, is_all=audits) if rows else None


def _known(actor: User, project: Project, *, audits: bool) -> Iterator[UUID]:
    """Yield the latest operations that the actor may know of: on tasks, those on tasks that they view."""
    touching = Operation.objects.filter(
        facets__contains=[f"project:{project.uid}"], state=State.APPLIED
    )
    latest = touching.order_by("-created_at", "-pk").values_list("pk", flat=True)
    chosen = Operation.objects.filter(pk__in=list(latest[:_LOOKED_AT]))
    reader = replace(reader_of(actor=actor, wanted=Filter()), chosen=chosen)
    yield from reader.operations().values_list("pk", flat=True)
    if not audits:
        # Who is in a project sees its roles, members and permissions, and what was done to them.
        with connection.cursor() as cursor:
            arguments = {"project": project.pk, "limit": _LATEST}
            cursor.execute(project_queries.READ_LATEST_OPERATIONS, arguments)
            yield from (key for (key,) in cursor.fetchall())


register_panel(Project, Panel("Roles and members", "admin/panels/roles.html", _roles))
register_panel(Project, Panel("Permissions", "admin/panels/grid.html", _matrix))
register_panel(
    Project,
    Panel("What changed here and on its tasks last", "admin/panels/operations.html", _latest),
)
