"""Matrices: a project's own is edited as a grid, all others are for reading."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseRedirect
from unfold.contrib.filters.admin import DropdownFilter
from unfold.widgets import UnfoldBooleanWidget

from audit.admin.described import Described, describe
from audit.admin.history import HistoryAdmin
from audit.admin.recorded import RecordedAdmin
from audit.admin.theme import display
from audit.models import Operation
from permissions.admin.grids import FLAG_LABELS
from permissions.admin.visible import matrices_for
from permissions.flags import Flag
from permissions.models import PermissionMatrix, RolePermission, TaskPermission
from permissions.project_matrix import MatrixDrifted, matrix_digest, set_project_matrix
from permissions.roles import ADMINISTRATOR
from tasks.admin.filters import ProjectFilter


_DRIFTED = "The matrix was changed since you opened this page. Nothing was saved: look again."
# The number of tasks is counted so far.
_COUNTED = 10_000


class MatrixForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """One checkbox per role and flag, bound to the state of the matrix that was shown."""

    expected = forms.CharField(widget=forms.HiddenInput)

    class Meta:
        model = PermissionMatrix
        fields = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._digest = matrix_digest(matrix=self.instance)
        self.fields["expected"].initial = self._digest
        rows = RolePermission.objects.filter(matrix=self.instance).select_related("role")
        self._rows = list(rows.order_by("role_code"))
        for row in self._rows:
            for flag in Flag:
                self.fields[_name(row.role_code, flag)] = forms.BooleanField(
                    required=False,
                    initial=bool(row.flags & flag.bit),
                    disabled=row.role_code == ADMINISTRATOR,
                    widget=UnfoldBooleanWidget({"aria-label": f"{row.role.name}: {flag.label}"}),
                )

    def grid(self) -> Iterator[Mapping[str, Any]]:
        """Yield each role with its seven checkboxes and what it holds now."""
        for row in self._rows:
            yield {
                "code": row.role_code,
                "name": row.role.name,
                "is_locked": row.role_code == ADMINISTRATOR,
                "fields": [self[_name(row.role_code, flag)] for flag in Flag],
                "held": [bool(row.flags & flag.bit) for flag in Flag],
            }

    def clean_expected(self) -> str:
        """Refuse to overwrite what somebody else has saved meanwhile."""
        if self.cleaned_data["expected"] != self._digest:
            raise ValidationError(_DRIFTED)
        return self._digest

    def flags(self) -> dict[int, int]:
        """Return what each role shall hold, by code."""
        return {
            row.role_code: sum(
                flag.bit for flag in Flag if self.cleaned_data[_name(row.role_code, flag)]
            )
            for row in self._rows
        }


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
            messages.error(request, _DRIFTED)
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


def _name(code: int, flag: Flag) -> str:
    return f"role{code}_{flag.vendor_name}"


describe(
    RolePermission,
    Described(
        page=PermissionMatrix,
        key="matrix_id",
        label=lambda row: f"what role {row.role or row.role_code} may do",
        related=("role__project",),
    ),
)
