"""Filters of the list of operations by what tasks know: projects, tasks and keys of settings."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest
from unfold.contrib.filters.admin import TextFilter

from audit.admin.filters import (
    FacetFilter,
    NarrowsChanges,
    register_operation_filter,
    register_operation_search,
)
from audit.admin.requests import actor_of
from audit.trail.facets import wanted_facets
from audit.trail.queries import operations_of_task
from audit.trail.subjects import subjects
from tasks.models import Project
from tasks.past import TaskUnknown, task_to_read
from tasks.visibility import readable_projects, readable_tasks


# So many tasks can be asked about by one name, in different projects.
_MOST = 20
_UID = re.compile(r"[0-9a-f]{24}|[0-9a-f]{32}")


class ProjectFilter(FacetFilter):
    """What touched a project."""

    title = "project (name or id)"
    parameter_name = "project"

    def facets(self, request: HttpRequest, value: str) -> Sequence[str]:
        """Return the facets of the visible projects with this id, or that have, or had, this name."""
        actor = actor_of(request)
        called = Project.history.filter(name=value).values("id")
        seen = readable_projects(actor=actor)
        named = seen.filter(Q(uid=value.lower()) | Q(pk__in=called)).values_list("uid", flat=True)
        return [f"project:{uid}" for uid in named.order_by("uid")]

    def wanted(self, request: HttpRequest) -> Mapping[str, Any]:
        """Return the project, if exactly one is meant."""
        found = self.facets(request, self.asked)
        return {"project": found[0].partition(":")[2]} if len(found) == 1 else {}


class TaskFilter(NarrowsChanges, TextFilter):  # type: ignore[misc]  # the theme has no types
    """What was done to a task."""

    title = "task (id or name)"
    parameter_name = "task"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the operations that changed the task; of one that may not be viewed there are none."""
        if not self.asked:
            return queryset
        return _of_tasks(queryset, _keys(actor_of(request), self.asked))

    def wanted(self, request: HttpRequest) -> Mapping[str, Any]:
        """Return the task, if exactly one is meant."""
        found = _keys(actor_of(request), self.asked)
        return {"task_id": found[0]} if len(found) == 1 else {}


def _of_tasks(queryset: QuerySet[Any], keys: Sequence[int]) -> QuerySet[Any]:
    """Return the operations that changed one of the tasks."""
    changed = Q(pk__in=())
    for key in keys:
        of_task = operations_of_task(subjects=subjects(), task_id=key).as_string()
        changed |= Q(pk__in=RawSQL(of_task, ()))  # noqa: S611 - no text of a visitor's
    return queryset.filter(changed)


def _keys(actor: User, asked: str) -> list[int]:
    """Return the keys of the task with this id, or of those that are called so now."""
    try:
        return [task_to_read(actor=actor, uid=asked.lower())]
    except TaskUnknown:
        seen = readable_tasks(actor=actor)
        return list(seen.filter(name=asked).order_by("pk").values_list("pk", flat=True)[:_MOST])


def _search(request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any] | None:
    if not _UID.fullmatch(term.lower()):
        return None
    try:
        key = task_to_read(actor=actor_of(request), uid=term.lower())
    except TaskUnknown:
        return None
    return _of_tasks(queryset, [key])


class SettingsKeyFilter(FacetFilter):
    """What changed a place in settings, or below it."""

    title = "settings key"
    parameter_name = "settings_key"

    def facets(self, request: HttpRequest, value: str) -> Sequence[str]:
        """Return the facets of the place, written as `/repository/branch` or `repository.branch`."""
        del request
        return wanted_facets(settings_key=_place(value)).any_of

    def wanted(self, request: HttpRequest) -> Mapping[str, Any]:
        """Return the place."""
        del request
        return {"settings_key": _place(self.asked)}


def _place(written: str) -> str:
    place = written if written.startswith("/") else "/" + written.replace(".", "/")
    return place.rstrip("/")


register_operation_search(_search)
register_operation_filter(ProjectFilter)
register_operation_filter(TaskFilter)
register_operation_filter(SettingsKeyFilter)
