"""Projects: the boundary inside which roles and tasks live."""

from collections import defaultdict
from typing import Any, NamedTuple

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.admin.described import Described, describe
from audit.admin.history import HistoryAdmin
from audit.admin.panels import Panel, register_panel
from audit.admin.recorded import RecordedAdmin
from audit.admin.requests import actor_of
from audit.admin.theme import display
from audit.models import Operation
from permissions.admin.grids import FLAG_LABELS, Grid, grid_rows
from permissions.admin.visible import projects_for
from permissions.models import PermissionMatrix, Role, RoleMember
from permissions.roles import ADMINISTRATOR, TASK_CREATOR, furnish_project
from tasks.models import Project


# So many members of a project are named on its page.
_LISTED = 200


@admin.register(Project)
class ProjectAdmin(RecordedAdmin, HistoryAdmin):
    """The list of projects and the page of one, with its roles and its matrix."""

    empty = "You see the projects in which you hold a role. So far there are none."
    list_display = ("name", "uid", "creator", "created_at")
    search_fields = ("name__istartswith", "uid__startswith")
    search_help_text = "Beginning of a name or an id"
    ordering = ("name",)
    fields = ("name", "uid", "description", "creator", "created_at", "task_list")

    def visible(self, request: HttpRequest) -> QuerySet[Project]:
        """Return the projects that the visitor has anything to do with."""
        return projects_for(request)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Ask for what a new project needs; who makes it is its creator."""
        del request
        return self.fields if obj else self.fields[:3]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Keep what others know the project by, and who holds its first role."""
        del request
        return ["uid", "creator", "created_at", "task_list"] if obj else []

    def save_recorded(
        self, request: HttpRequest, form: Any, operation: Operation, *, change: bool
    ) -> None:
        """Save the project; a new one gets its built-in roles and its matrix."""
        if not change:
            form.instance.created_by = actor_of(request)
        super().save_recorded(request, form, operation, change=change)
        if not change:
            furnish_project(project=form.instance, operation=operation)

    @display(description="created by")
    def creator(self, project: Project) -> str:
        """Return who created the project."""
        return project.created_by.get_username()

    @display(description="tasks")
    def task_list(self, project: Project) -> SafeString:
        """Link the tasks of the project."""
        address = reverse("admin:tasks_task_changelist", query={"project__id__exact": project.pk})
        return format_html('<a class="bh-link" href="{}">See its tasks</a>', address)


class ShownRole(NamedTuple):
    """A role on its project's page."""

    code: int
    name: str
    address: str
    members: list[str]


def _roles(request: HttpRequest, project: Project) -> Any:
    del request
    members: dict[int, list[str]] = defaultdict(list)
    held = RoleMember.objects.filter(role__project=project).select_related("user", "group")
    for member in held.order_by("pk")[:_LISTED]:
        name = member.user.get_username() if member.user else f"group {member.group}"
        members[member.role_id].append(name)
    creator = {
        ADMINISTRATOR: f"{project.created_by.get_username()} (created the project)",
        TASK_CREATOR: "whoever created the task",
    }
    return [
        ShownRole(
            role.code,
            role.name,
            reverse("admin:permissions_role_change", args=[role.pk]),
            [name for name in [creator.get(role.code, "")] if name] + members[role.pk],
        )
        for role in Role.objects.filter(project=project).order_by("code")
    ]


def _matrix(request: HttpRequest, project: Project) -> Any:
    del request
    matrix = PermissionMatrix.objects.filter(project=project, digest=None).first()
    if matrix is None:
        return None
    note = "This holds on every task of the project that has no permissions of its own."
    address = reverse("admin:permissions_permissionmatrix_change", args=[matrix.pk])
    return Grid(FLAG_LABELS, grid_rows(matrix_id=matrix.pk), note, address)


register_panel(Project, Panel("Roles and members", "admin/panels/roles.html", _roles))
register_panel(Project, Panel("Permissions", "admin/panels/grid.html", _matrix))
describe(Project, Described(page=Project, key="id", label=lambda row: f"project {row.name}"))
