"""Filters of the list of tasks; they offer, and name, only what the visitor may see."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.admin import ListFilter
from django.contrib.auth.models import User
from django.db.models import Exists, Field, OuterRef, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    DropdownFilter,
    RelatedDropdownFilter,
    TextFilter,
)
from unfold.contrib.filters.forms import AutocompleteDropdownForm

from audit.admin.requests import actor_of, typed
from tasks.models import Project, Task, TaskType
from tasks.visibility import readable_projects


_ATTRIBUTE = "bulkhead_readable_projects"
# The value of `BinFilter` for the tasks in the recycle bin.
IN_BIN = "recycled"


def projects_of(request: HttpRequest) -> QuerySet[Project]:
    """Return the projects that the visitor may see, found out once per request."""
    known: QuerySet[Project] | None = getattr(request, _ATTRIBUTE, None)
    if known is None:
        known = readable_projects(actor=actor_of(request))
        setattr(request, _ATTRIBUTE, known)
    return known.all()


def visible_task_types(request: HttpRequest) -> QuerySet[TaskType]:
    """Return the task types: part of the language of everybody in some project."""
    if projects_of(request).exists():
        return TaskType.objects.all()
    return TaskType.objects.none()


class VisibleProjectForm(AutocompleteDropdownForm):  # type: ignore[misc]  # the theme has no types
    """A choice of project that names none that the visitor may not see."""

    def __init__(self, request: HttpRequest, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, name, *args, **kwargs)
        self.fields[name].queryset = projects_of(request)


class ProjectFilter(AutocompleteSelectFilter):  # type: ignore[misc]  # the theme has no types
    """The tasks of a project."""

    form_class = VisibleProjectForm


class TaskTypeFilter(RelatedDropdownFilter):  # type: ignore[misc]  # the theme has no types
    """The tasks of a type."""

    def field_choices(
        self, field: "Field[Any, Any]", request: HttpRequest, model_admin: Any
    ) -> list[tuple[int, str]]:
        """Offer the types that the visitor may see."""
        del field, model_admin
        return list(visible_task_types(request).order_by("name").values_list("pk", "name"))


class BinFilter(DropdownFilter):  # type: ignore[misc]  # the theme has no types
    """The tasks outside the recycle bin, unless those in it are asked for."""

    title = "recycle bin"
    parameter_name = "bin"
    all_option = None

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer both sides of the lid."""
        del request, model_admin
        return [("", "Tasks in use"), (IN_BIN, "In the recycle bin")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the tasks on the chosen side."""
        del request
        return queryset.filter(recycled_at__isnull=self.value() != IN_BIN)


class CreatorFilter(TextFilter):  # type: ignore[misc]  # the theme has no types
    """The tasks that the account of exactly this name created."""

    title = "creator"
    parameter_name = "creator"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the tasks of this creator."""
        del request
        name = typed(self.value())
        if not name:
            return queryset
        return queryset.filter(created_by__in=User.objects.filter(username=name))


class LastOperationFilter(TextFilter):  # type: ignore[misc]  # the theme has no types
    """The tasks of which an operation was the last to change something, and nobody since."""

    title = "last operation (id)"
    parameter_name = "operation"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the tasks that the operation changed last; what is no id names no operation."""
        del request
        if not self.value():
            return queryset
        try:
            operation = UUID(self.value().strip())
        except ValueError:
            return queryset.none()
        first, *others = (changed(operation) for changed in _last_changes)
        return queryset.filter(pk__in=first.union(*others, all=True))


# Given an operation, returns the keys of the tasks of which it was the last to change something.
LastChanges = Callable[[UUID], QuerySet[Any]]


def _settings_last_changed_by(operation: UUID) -> QuerySet[Any]:
    rows: QuerySet[Any] = Task.history.filter(operation=operation)
    later = Task.history.filter(id=OuterRef("id"), history_id__gt=OuterRef("history_id"))
    return rows.filter(~Exists(later)).values("id")


_registered: list[type[ListFilter]] = []
_last_changes: list[LastChanges] = [_settings_last_changed_by]


def register_task_filter(added: type[ListFilter]) -> None:
    """Add a filter to the list of tasks."""
    _registered.append(added)


def registered_task_filters() -> list[type[ListFilter]]:
    """Return the filters that apps have added to the list of tasks."""
    return list(_registered)


def register_last_changes(changes: LastChanges) -> None:
    """Let the filter by last operation find what else of a task is changed."""
    _last_changes.append(changes)


def lists_bin(request: HttpRequest) -> bool:
    """Return whether the list is that of the recycle bin."""
    return request.GET.get(BinFilter.parameter_name) == IN_BIN
