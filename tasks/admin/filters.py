"""Filters of the list of tasks; they offer, and name, only what the visitor may see."""

from typing import Any

from django.db.models import Field, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    DropdownFilter,
    RelatedDropdownFilter,
)
from unfold.contrib.filters.forms import AutocompleteDropdownForm

from audit.admin.requests import actor_of
from tasks.models import TaskType
from tasks.visibility import visible_projects


# The value of `BinFilter` for the tasks in the recycle bin.
IN_BIN = "recycled"


def visible_task_types(request: HttpRequest) -> QuerySet[TaskType]:
    """Return the task types: part of the language of everybody in some project."""
    actor = actor_of(request)
    if visible_projects(actor=actor).exists():
        return TaskType.objects.all()
    return TaskType.objects.none()


class VisibleProjectForm(AutocompleteDropdownForm):  # type: ignore[misc]  # the theme has no types
    """A choice of project that names none that the visitor may not see."""

    def __init__(self, request: HttpRequest, name: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, name, *args, **kwargs)
        self.fields[name].queryset = visible_projects(actor=actor_of(request))


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


def lists_bin(request: HttpRequest) -> bool:
    """Return whether the list is that of the recycle bin."""
    return request.GET.get(BinFilter.parameter_name) == IN_BIN
