"""Task types: what kinds of task there are, and what each kind's settings must be."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.widgets import UnfoldAdminTextareaWidget

from audit.admin.described import Described, describe
from audit.admin.history import HistoryAdmin
from audit.admin.recorded import RecordedAdmin
from audit.admin.theme import display
from tasks.admin.filters import visible_task_types
from tasks.models import TaskType


class IndentedEncoder(json.JSONEncoder):
    """Writes JSON as people read it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "indent": 2})


class TaskTypeForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs alone
    """A task type with its schema as text."""

    schema = forms.JSONField(
        encoder=IndentedEncoder,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 28, "class": "bh-mono"}),
        help_text="JSON Schema, draft 2020-12. A string with writeOnly is a secret.",
    )

    class Meta:
        model = TaskType
        fields = ("key", "name", "description", "schema")


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


describe(
    TaskType,
    Described(page=TaskType, key="id", label=lambda row: f"task type {row.name}"),
)
