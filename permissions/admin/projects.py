"""Projects: the boundary inside which roles and tasks live."""

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.admin.described import Described, describe
from audit.admin.history import HistoryAdmin
from audit.admin.recorded import RecordedAdmin
from audit.admin.requests import actor_of, is_key
from audit.admin.theme import action, display, moment
from audit.models import Operation
from permissions import project_pipeline
from permissions.admin.project_matrix import MatrixPages
from permissions.admin.visible import projects_for
from permissions.roles import furnish_project
from tasks.models import Project
from tasks.visibility import visible_projects


@admin.register(Project)
class ProjectAdmin(RecordedAdmin, HistoryAdmin):
    """The list of projects and the page of one; its permissions are changed on pages of their own."""

    rank = 3
    empty = "You see the projects in which you hold a role. So far there are none."
    list_display = ("name", "uid", "creator", "made_at")
    search_fields = ("name__istartswith", "uid__startswith")
    search_help_text = "Beginning of a name or an id"
    ordering = ("name",)
    fields = ("name", "uid", "description", "creator", "made_at", "task_list")
    actions_detail = ("change_permissions",)

    def visible(self, request: HttpRequest) -> QuerySet[Project]:
        """Return the projects that the visitor has anything to do with."""
        return projects_for(request)

    def told_apart(self, found: Project) -> str:
        """Return its id."""
        return found.uid

    def get_urls(self) -> list[URLPattern]:
        """Add the preview of changed permissions."""
        view = self.admin_site.admin_view(self.preview_permissions)
        address = "<path:object_id>/change_permissions/preview/"
        return [path(address, view, name="tasks_project_preview_permissions"), *super().get_urls()]

    def has_change_permissions_permission(
        self, request: HttpRequest, object_id: Any = None
    ) -> bool:
        """Let those who hold a role that manages the project's tasks change its permissions."""
        actor = actor_of(request)
        return actor.is_superuser or (
            is_key(str(object_id))
            and project_pipeline.may_change(actor=actor, project_id=int(object_id))
        )

    @action(
        description="Change permissions", icon="lock_person", permissions=["change_permissions"]
    )
    def change_permissions(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Toggle what the roles may do."""
        return self._pages(request, object_id).grid()

    def preview_permissions(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Show what the toggled flags would do, and apply them; who may is judged there."""
        return self._pages(request, object_id).preview()

    def _pages(self, request: HttpRequest, object_id: str) -> MatrixPages:
        seen = visible_projects(actor=actor_of(request))
        # Auditors read of projects whose permissions are none of theirs to change.
        project = seen.filter(pk=object_id).first() if is_key(object_id) else None
        if project is None:
            raise Http404
        return MatrixPages(page=self, request=request, project=project)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Ask for what a new project needs; who makes it is its creator."""
        del request
        return self.fields if obj else self.fields[:3]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Keep what others know the project by, and who holds its first role."""
        del request
        return ["uid", "creator", "made_at", "task_list"] if obj else []

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

    @display(description="created at", ordering="created_at")
    def made_at(self, project: Project) -> SafeString:
        """Return when the project was created."""
        return moment(project.created_at)

    @display(description="tasks")
    def task_list(self, project: Project) -> SafeString:
        """Link the tasks of the project."""
        address = reverse("admin:tasks_task_changelist", query={"project__id__exact": project.pk})
        return format_html('<a class="bh-link" href="{}">See its tasks</a>', address)


describe(Project, Described(page=Project, key="id", label=lambda row: f"project {row.name}"))
