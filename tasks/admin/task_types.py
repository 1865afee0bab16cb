"""Task types: what kinds of task there are, and what each kind's settings must be."""

import json
from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from audit.admin.described import Described, Difference, describe
from audit.admin.history import HistoryAdmin
from audit.admin.recorded import RecordedAdmin
from audit.admin.theme import display
from audit.models import Operation
from tasks.admin.filters import visible_task_types
from tasks.admin.shown import differences
from tasks.admin.task_type_form import TaskTypeForm
from tasks.changes import changed_places
from tasks.models import TaskType


@admin.register(TaskType)
class TaskTypeAdmin(RecordedAdmin, HistoryAdmin):
    """The list of task types and the page of one."""

    form = TaskTypeForm
    empty = "You see the task types when you hold a role in a project."
    list_display = ("name", "key", "description", "version")
    search_fields = ("name__istartswith", "key__startswith")
    search_help_text = "Beginning of a name or a key"
    ordering = ("name",)

    def visible(self, request: HttpRequest) -> QuerySet[TaskType]:
        """Return the task types to whoever is in some project."""
        return visible_task_types(request)

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Keep the key: programs name the type by it."""
        del request
        return ["key", "shown_schema"] if obj else []

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        """Show the schema as text to whoever may not edit it."""
        editable = obj is None or self.has_change_permission(request, obj)
        return ["key", "name", "description", "schema" if editable else "shown_schema"]

    @display(description="schema")
    def shown_schema(self, task_type: TaskType) -> SafeString:
        """Return the schema as people read it, without the styles that the theme would write into it."""
        return format_html(
            '<pre class="bh-mono bh-wrap">{}</pre>', json.dumps(task_type.schema, indent=2)
        )

    def save_recorded(
        self, request: HttpRequest, form: Any, operation: Operation, *, change: bool
    ) -> None:
        """Save the type, and say what its new schema means for its tasks."""
        super().save_recorded(request, form, operation, change=change)
        if form.impact and not form.impact.broken:
            messages.info(
                request, f"Its {form.impact.tasks:,} task(s) satisfy the new schema as before."
            )

    def recorded_parameters(self, form: Any) -> dict[str, Any]:
        """Return the type and, with another schema, how many tasks that broke."""
        broken = {"tasks_broken": len(form.impact.broken)} if form.impact else {}
        return {**super().recorded_parameters(form), **broken}


def _schema_differences(older: Any, newer: Any) -> Iterator[Difference]:
    """Yield, place by place, how the schemas of two rows of a type's history differ."""
    places = changed_places(older.schema, newer.schema)
    found = differences(before=older.schema, after=newer.schema, places=places, secrets=())
    yield from (each._replace(what=f"schema: {each.what}") for each in found)


describe(
    TaskType,
    Described(
        page=TaskType,
        key="id",
        label=lambda row: f"task type {row.name}",
        differences={"schema": _schema_differences},
    ),
)
