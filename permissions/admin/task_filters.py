"""What this app adds to the filters of the list of tasks."""

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from permissions.models import TaskPermission
from tasks.admin.filters import register_last_changes, register_task_filter


class FollowsFilter(DropdownFilter):  # type: ignore[misc]  # the theme has no types
    """The tasks that follow their project's permissions, or have their own."""

    title = "permissions"
    parameter_name = "permissions"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both."""
        del request, model_admin
        return [("project", "The project's"), ("own", "Their own")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the tasks that are governed so."""
        del request
        if not self.value():
            return queryset
        if self.value() not in {"project", "own"}:
            return queryset.none()
        return queryset.filter(permission__matrix__digest__isnull=self.value() == "project")


def _last_changed_by(operation: UUID) -> QuerySet[Any]:
    rows: QuerySet[Any] = TaskPermission.history.filter(operation=operation)
    later = TaskPermission.history.filter(
        task=OuterRef("task"), history_id__gt=OuterRef("history_id")
    )
    return rows.filter(~Exists(later)).values("task")


register_task_filter(FollowsFilter)
register_last_changes(_last_changed_by)
