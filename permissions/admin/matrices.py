"""Matrices, for reading: a project's own is changed on the project's page, others never change."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import DropdownFilter

from audit.admin.described import Described, describe, leave_out
from audit.admin.history import HistoryAdmin
from audit.admin.panels import Panel, register_panel
from audit.admin.theme import display
from permissions.admin.grids import FLAG_LABELS, Grid, grid_rows
from permissions.admin.named_then import flags_at_first, grants_by_role
from permissions.admin.visible import matrices_for
from permissions.models import PermissionMatrix, Role, RolePermission, TaskPermission
from tasks.admin.filters import ProjectFilter


# The number of tasks is counted so far.
_COUNTED = 10_000


class KindFilter(DropdownFilter):  # type: ignore[misc]  # the theme has no types
    """Projects' own matrices, unless others are asked for."""

    title = "kind"
    parameter_name = "kind"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both kinds."""
        del request, model_admin
        return [("", "of projects"), ("tasks", "of tasks with permissions of their own")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the matrices of the chosen kind."""
        del request
        return queryset.filter(digest__isnull=self.value() != "tasks")


@admin.register(PermissionMatrix)
class PermissionMatrixAdmin(HistoryAdmin):
    """The list of matrices and the grid of one."""

    empty = "You see the matrices of the projects in which you hold a role. So far there are none."
    list_display = ("shown_name", "project", "kind")
    list_filter = (("project", ProjectFilter), KindFilter)
    list_select_related = ("project",)
    ordering = ("project__name", "pk")
    sortable_by = ()
    fields = ("shown_name", "shown_project", "kind")

    def visible(self, request: HttpRequest) -> QuerySet[PermissionMatrix]:
        """Return the matrices of the projects that the visitor has anything to do with."""
        return matrices_for(request)

    @display(description="matrix")
    def shown_name(self, matrix: PermissionMatrix) -> str:
        """Return the number under which histories name the matrix."""
        return f"Matrix {matrix.pk}"

    @display(description="kind", label={"of the project": "info"})
    def kind(self, matrix: PermissionMatrix) -> str:
        """Return whether it is the project's own."""
        return "of the project" if matrix.digest is None else "of tasks"

    @display(description="project")
    def shown_project(self, matrix: PermissionMatrix) -> SafeString:
        """Link the project."""
        address = reverse("admin:tasks_project_change", args=[matrix.project_id])
        return format_html('<a class="bh-link" href="{}">{}</a>', address, matrix.project)


def _grid(request: HttpRequest, matrix: PermissionMatrix) -> Grid:
    del request
    count = TaskPermission.objects.filter(matrix=matrix)[: _COUNTED + 1].count()
    tasks = f"More than {_COUNTED:,}" if count > _COUNTED else f"{count:,}"
    note = f"{tasks} task(s) {_OF_PROJECT if matrix.digest is None else _OF_TASKS}"
    return Grid(FLAG_LABELS, grid_rows(matrix_id=matrix.pk), note)


_OF_PROJECT = "follow these permissions. They are changed on the project's page."
_OF_TASKS = (
    "have exactly these permissions of their own. A matrix like this never changes: tasks that get"
    " other permissions get another matrix."
)

# That there is one is told by what it holds, and by the tasks that got it.
leave_out(PermissionMatrix)
register_panel(PermissionMatrix, Panel("Permissions", "admin/panels/grid.html", _grid))
describe(
    RolePermission,
    Described(
        page=PermissionMatrix,
        key="matrix_id",
        label=lambda row: f"what role {row.role or row.role_code} may do",
        names=grants_by_role,
        gather=flags_at_first,
        related=("role__project",),
        also={Role: lambda key: Q(role_id=key)},
    ),
)
