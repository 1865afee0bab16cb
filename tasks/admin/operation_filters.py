"""Filters of the list of operations by what tasks know: projects, tasks and keys of settings."""

import re
from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest
from unfold.contrib.filters.admin import TextFilter

from audit.admin.filters import (
    FacetFilter,
    register_operation_filter,
    register_operation_search,
)
from audit.admin.requests import actor_of
from audit.facets import wanted_facets
from audit.queries import operations_of_task
from audit.subjects import subjects
from audit.visibility import may_audit
from tasks.models import Project
from tasks.past import TaskUnknown, task_to_read
from tasks.visibility import visible_projects


_UID = re.compile(r"[0-9a-f]{24}|[0-9a-f]{32}")


class ProjectFilter(FacetFilter):
    """What touched a project."""

    title = "project (name or id)"
    parameter_name = "project"

    def facets(self, request: HttpRequest, value: str) -> Sequence[str]:
        """Return the facets of the visible projects with this name or id."""
        actor = actor_of(request)
        seen = Project.objects.all() if may_audit(actor=actor) else visible_projects(actor=actor)
        named = seen.filter(Q(uid=value.lower()) | Q(name=value)).values_list("uid", flat=True)
        return [f"project:{uid}" for uid in named.order_by("uid")]


class TaskFilter(TextFilter):  # type: ignore[misc]  # the theme has no types
    """What was done to a task."""

    title = "task (id)"
    parameter_name = "task"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the operations that changed the task; of one that may not be viewed there are none."""
        uid = (self.value() or "").replace("\0", "").strip().lower()
        if not uid:
            return queryset
        found = _of_task(request, queryset, uid)
        return queryset.none() if found is None else found


def _of_task(request: HttpRequest, queryset: QuerySet[Any], uid: str) -> QuerySet[Any] | None:
    """Return the operations that changed the task; None if there is none that the visitor may view."""
    try:
        key = task_to_read(actor=actor_of(request), uid=uid)
    except TaskUnknown:
        return None
    of_task = operations_of_task(subjects=subjects(), task_id=key).as_string()
    return queryset.filter(pk__in=RawSQL(of_task, ()))  # noqa: S611 - no text of a visitor's


def _search(request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any] | None:
    return _of_task(request, queryset, term.lower()) if _UID.fullmatch(term.lower()) else None


class SettingsKeyFilter(FacetFilter):
    """What changed a place in settings, or below it."""

    title = "settings key"
    parameter_name = "settings_key"

    def facets(self, request: HttpRequest, value: str) -> Sequence[str]:
        """Return the facets of the place, written as `/repository/branch` or `repository.branch`."""
        del request
        place = value if value.startswith("/") else "/" + value.replace(".", "/")
        return wanted_facets(settings_key=place.rstrip("/")).any_of


register_operation_search(_search)
register_operation_filter(ProjectFilter)
register_operation_filter(TaskFilter)
register_operation_filter(SettingsKeyFilter)
