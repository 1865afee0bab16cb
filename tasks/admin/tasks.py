"""The list of tasks and the page of one; both only show, what changes tasks has pages of its own."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR, ChangeList
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from unfold.contrib.filters.admin import BooleanRadioFilter

from audit.admin.described import Described, describe
from audit.admin.filters import PeriodFilter
from audit.admin.history import HistoryAdmin
from audit.admin.paginator import EstimatingPaginator, KeyedChangeList
from audit.admin.requests import actor_of, typed
from audit.admin.theme import action
from tasks.admin.bulk_actions import BulkAction, actions_for, rights_anywhere
from tasks.admin.crafted import record_action_without_right, record_forged_selection
from tasks.admin.filters import (
    BinFilter,
    CreatorFilter,
    LastOperationFilter,
    ProjectFilter,
    TaskTypeFilter,
    lists_bin,
    projects_of,
    registered_task_filters,
)
from tasks.admin.flow import Flow
from tasks.admin.setting_filter import SettingFilter
from tasks.admin.shown import settings_differences
from tasks.admin.task_columns import NAME_IN_CAPITALS, TaskColumns, capitals
from tasks.admin.task_files import TaskFiles
from tasks.admin.told_changes import changes_page
from tasks.batch.authority import rights_on
from tasks.models import Project, Task
from tasks.visibility import readable_tasks


class TaskPaginator(EstimatingPaginator):
    """Counts as many tasks as can be chosen at once, and estimates more."""

    bound = settings.BULKHEAD_MAX_TARGETS


class TaskList(KeyedChangeList):
    """The list; of a search it knows which projects are called so."""

    projects_named: Sequence[tuple[str, str]] = ()

    def get_results(self, request: HttpRequest) -> None:
        """Read the page."""
        super().get_results(request)
        term = typed(self.query)
        if not term:
            return
        named = projects_of(request).filter(name__istartswith=term).order_by("name", "pk")
        self.projects_named = [
            (project.name, self._address_of(project)) for project in named[:_MOST_NAMED]
        ]

    def _address_of(self, project: Project) -> str:
        """Return where the list shows the tasks of the project, with all other filters as they are."""
        asked: dict[str, object] = {
            "project__id__exact": project.pk,
            SEARCH_VAR: None,
            PAGE_VAR: None,
        }
        address: str = self.get_query_string(asked)
        return address


_CHOOSE = "tasks_task_choose"
# Beside the tasks that a search finds, so many projects are named.
_MOST_NAMED = 5


@admin.register(Task)
class TaskAdmin(TaskFiles, TaskColumns, HistoryAdmin):
    """Tasks that the visitor may view, and what can be done to them; to auditors all, to read."""

    rank = 1
    empty = "You see the tasks of the projects in which you hold a role. So far there are none."
    list_display = ("task_name", "task_id", "project", "task_type", "state", "updated")
    list_filter = (
        ("project", ProjectFilter),
        ("task_type", TaskTypeFilter),
        ("enabled", BooleanRadioFilter),
        SettingFilter,
        ("updated_at", PeriodFilter),
        CreatorFilter,
        LastOperationFilter,
        BinFilter,
    )
    paginator = TaskPaginator
    list_select_related = ("project", "task_type")
    search_fields = ("uid", "name")
    search_help_text = "Beginning of a name or an id"
    ordering = ("-pk",)
    sortable_by = ("task_name",)
    actions_list = ("choose", *TaskFiles.actions_list)
    list_before_template = "admin/projects_named.html"
    list_after_template = "admin/choose_all.html"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("task_id", "project"),
                    ("task_type", "state"),
                    ("creator", "created"),
                    ("updated", "version"),
                    "disabled_reason",
                )
            },
        ),
    )

    def visible(self, request: HttpRequest) -> QuerySet[Task]:
        """Return the tasks that the visitor reads, on whichever side of the recycle bin's lid."""
        tasks = readable_tasks(actor=actor_of(request))
        return tasks.select_related("project", "task_type", "created_by")

    def told_apart(self, found: Task) -> str:
        """Return where the task is, what kind it is, and its id."""
        in_bin = ", in the recycle bin" if found.recycled_at else ""
        return f"{found.task_type} in {found.project}{in_bin}, {found.uid}"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Find tasks by the beginning of their name, in whatever case, or of their id."""
        del request
        term = typed(search_term)
        if not term:
            return queryset, False
        found = Q(uid__startswith=term.lower()) | Q(name_in_capitals__startswith=capitals(term))
        return queryset.alias(name_in_capitals=NAME_IN_CAPITALS).filter(found), False

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Filter also by what other apps know of tasks."""
        *most, last = super().get_list_filter(request)
        return [*most, *registered_task_filters(), last]

    def get_changelist(self, request: HttpRequest, **_: Any) -> type[ChangeList]:
        """Use lists that read whole no more than a page."""
        del request
        return TaskList

    def get_urls(self) -> list[URLPattern]:
        """Serve the pages of bulk changes as well, and that of what was done to all tasks."""
        view = self.admin_site.admin_view(partial(changes_page, self))
        return [
            path("changes/", view, name="tasks_task_changes"),
            *self.flow.urls,
            *super().get_urls(),
        ]

    @property
    def flow(self) -> Flow:
        """The pages of bulk changes."""
        return Flow(self)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, or do what its form asks for."""
        record_action_without_right(request=request)
        if ACTION_CHECKBOX_NAME in request.POST:
            record_forged_selection(request=request)
        return super().changelist_view(request, extra_context)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer the bulk actions that the visitor may do to some task or other."""
        offered = actions_for(rights=rights_anywhere(request), in_bin=lists_bin(request))
        return {each.name: (partial(_chosen, each), each.name, each.label) for each in offered}

    def has_choose_permission(self, request: HttpRequest) -> bool:
        """Let choose by id who may do anything to some task or other; record who tries without."""
        if rights_anywhere(request):
            return True
        if request.resolver_match and request.resolver_match.url_name == _CHOOSE:
            record_action_without_right(request=request)
        return False

    @action(description="Choose by id", icon="list_alt", permissions=["choose"], path="drafts")
    def choose(self, request: HttpRequest) -> HttpResponse:
        """Choose tasks by ids that are pasted or uploaded."""
        return self.flow.choose(request)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Add the bulk actions that the visitor may do to this task."""
        if task := kwargs.get("obj"):
            rights = rights_on(actor=actor_of(request), task_ids=[task.pk])[task.pk]
            allowed = actions_for(rights=rights, in_bin=bool(task.recycled_at))
            context["bulk_actions"] = [each for each in allowed if each.suits(task)]
        return super().render_change_form(request, context, *args, **kwargs)


def _chosen(
    chosen: BulkAction, page: TaskAdmin, request: HttpRequest, tasks: QuerySet[Task]
) -> HttpResponse | None:
    """Freeze the tasks that were chosen in the list, and lead on."""
    draft = page.flow.freeze(request, action=chosen, tasks=tasks)
    if draft is None:
        return None
    ticked = len(set(request.POST.getlist(ACTION_CHECKBOX_NAME)))
    if request.POST.get("select_across") != "1" and (left_out := ticked - len(draft.uids)) > 0:
        text = f"{left_out} of the ticked tasks are not in the list any more, so they are left out."
        messages.warning(request, text)
    return page.flow.start(request, action=chosen, draft=draft)


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
