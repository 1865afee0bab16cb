"""The list of tasks and the page of one; both only show, what changes a task has pages of its own."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from unfold.contrib.filters.admin import BooleanRadioFilter

from audit.admin.described import Described, describe
from audit.admin.documents import document_rows
from audit.admin.history import HistoryAdmin
from audit.admin.panels import Panel, register_panel
from audit.admin.requests import actor_of
from audit.admin.theme import action
from tasks.admin.change_pages import ChangePage, EnabledPage, SettingsPage
from tasks.admin.filters import ProjectFilter, TaskTypeFilter
from tasks.admin.rights import rights_on
from tasks.admin.shown import settings_differences, shown_settings
from tasks.admin.task_columns import NAME_IN_CAPITALS, TaskColumns, capitals
from tasks.changes import SetEnabled, UpdateSettings
from tasks.models import Task
from tasks.visibility import visible_tasks


@admin.register(Task)
class TaskAdmin(TaskColumns, HistoryAdmin):
    """Tasks that the visitor may view, outside the recycle bin."""

    empty = "You see the tasks of the projects in which you hold a role. So far there are none."
    list_display = ("task_name", "task_id", "project", "task_type", "state", "updated_at")
    list_filter = (
        ("project", ProjectFilter),
        ("task_type", TaskTypeFilter),
        ("enabled", BooleanRadioFilter),
    )
    list_select_related = ("project", "task_type")
    search_fields = ("uid", "name")
    search_help_text = "Beginning of a name or an id"
    ordering = ("-pk",)
    sortable_by = ("task_name",)
    actions_detail = ("change_settings", "change_enabled")
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("task_id", "project"),
                    ("task_type", "state"),
                    ("creator", "created_at"),
                    ("updated_at", "version"),
                    "disabled_reason",
                )
            },
        ),
    )

    def visible(self, request: HttpRequest) -> QuerySet[Task]:
        """Return the visible tasks."""
        tasks = visible_tasks(actor=actor_of(request)).filter(recycled_at=None)
        return tasks.select_related("project", "task_type", "created_by")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find tasks by the beginning of their name, in whatever case, or of their id."""
        del request
        term = search_term.replace("\0", "").strip()
        if not term:
            return queryset, False
        found = Q(uid__startswith=term.lower()) | Q(name_in_capitals__startswith=capitals(term))
        return queryset.alias(name_in_capitals=NAME_IN_CAPITALS).filter(found), False

    def has_change_settings_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Let those who hold the flag modify."""
        return UpdateSettings.right in rights_on(request=request, task_id=int(object_id))

    def has_change_enabled_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Let those who hold the flag disable."""
        return SetEnabled.right in rights_on(request=request, task_id=int(object_id))

    @action(description="Change settings", icon="tune", permissions=["change_settings"])
    def change_settings(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Change the settings of the task."""
        return self._respond(SettingsPage, request, object_id)

    @action(description="Enable or disable", icon="toggle_on", permissions=["change_enabled"])
    def change_enabled(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Enable or disable the task."""
        return self._respond(EnabledPage, request, object_id)

    def _respond(
        self, kind: type[ChangePage], request: HttpRequest, object_id: str
    ) -> HttpResponse:
        task = self.get_object(request, object_id)
        if task is None:
            raise Http404
        return kind(page=self, request=request, task=task).respond()


def _settings(request: HttpRequest, task: Task) -> Any:
    del request
    return document_rows(shown_settings(task)) or None


register_panel(Task, Panel("Settings", "admin/panels/document.html", _settings))
describe(
    Task,
    Described(
        page=Task,
        key="id",
        label=lambda row: f"task {row.name}",
        related=("task_type",),
        differences={"settings": settings_differences},
    ),
)
