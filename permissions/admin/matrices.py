"""Matrices: a project's own is edited as a grid, all others are for reading."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from unfold.contrib.filters.admin import DropdownFilter

from audit.admin.described import Described, describe
from audit.admin.history import HistoryAdmin
from audit.admin.recorded import RecordedAdmin
from audit.admin.theme import display
from audit.models import Operation
from permissions.admin.grids import FLAG_LABELS
from permissions.admin.matrix_form import DRIFTED, MatrixForm
from permissions.admin.visible import matrices_for
from permissions.models import PermissionMatrix, RolePermission, TaskPermission
from permissions.project_matrix import MatrixDrifted, set_project_matrix
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
class PermissionMatrixAdmin(RecordedAdmin, HistoryAdmin):
    """The list of matrices and the grid of one."""

    form = MatrixForm
    change_form_template = "admin/matrix.html"
    empty = "You see the matrices of the projects in which you hold a role. So far there are none."
    list_display = ("shown_name", "project", "kind")
    list_filter = (("project", ProjectFilter), KindFilter)
    list_select_related = ("project",)
    ordering = ("project__name", "pk")
    sortable_by = ()

    def visible(self, request: HttpRequest) -> QuerySet[PermissionMatrix]:
        """Return the matrices of the projects that the visitor has anything to do with."""
        return matrices_for(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let nobody add: matrices come with projects and with changes of tasks."""
        del request
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let superusers change a project's own matrix; every other is immutable."""
        is_own = not isinstance(obj, PermissionMatrix) or obj.digest is None
        return is_own and super().has_change_permission(request, obj)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Show the page anew to who loses a race for it."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except MatrixDrifted:
            messages.error(request, DRIFTED)
            return HttpResponseRedirect(request.path)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Add what the grid needs, and how many tasks it reaches."""
        context["flags"] = FLAG_LABELS
        if obj := kwargs.get("obj"):
            reached = TaskPermission.objects.filter(matrix=obj)[: _COUNTED + 1].count()
            context["reached"] = f"more than {_COUNTED:,}" if reached > _COUNTED else f"{reached:,}"
        return super().render_change_form(request, context, *args, **kwargs)

    def save_recorded(
        self, request: HttpRequest, form: Any, operation: Operation, *, change: bool
    ) -> None:
        """Save the rows that differ."""
        del request, change
        set_project_matrix(
            operation=operation,
            matrix=form.instance,
            flags=form.flags(),
            expected=form.cleaned_data["expected"],
        )

    @display(description="matrix")
    def shown_name(self, matrix: PermissionMatrix) -> str:
        """Return the number under which histories name the matrix."""
        return f"Matrix {matrix.pk}"

    @display(description="kind", label={"of the project": "info"})
    def kind(self, matrix: PermissionMatrix) -> str:
        """Return whether it is the project's own."""
        return "of the project" if matrix.digest is None else "of tasks"


describe(
    RolePermission,
    Described(
        page=PermissionMatrix,
        key="matrix_id",
        label=lambda row: f"what role {row.role or row.role_code} may do",
        related=("role__project",),
    ),
)
