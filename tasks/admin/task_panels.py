"""What is below a task's fields on its page: its settings, and what happened to it lately."""

from collections.abc import Sequence
from typing import NamedTuple

from django.http import HttpRequest
from django.urls import reverse

from audit.admin.panels import Panel, register_panel
from audit.admin.requests import actor_of
from audit.admin.timeline import TimelineRow, read_timeline
from audit.visibility import may_audit
from tasks.admin.setting_rows import ShownSettings, rows_of_settings
from tasks.models import Task


# So much of the history is on the page itself.
_LATEST = 8


class Latest(NamedTuple):
    """The latest rows of the history, the address of all, and whose operations the visitor may open."""

    rows: Sequence[TimelineRow]
    has_more: bool
    address: str
    may_audit: bool
    visitor: int


def _settings(request: HttpRequest, task: Task) -> ShownSettings:
    del request
    return rows_of_settings(task=task)


def _history(request: HttpRequest, task: Task) -> Latest:
    actor = actor_of(request)
    latest = read_timeline(page=Task, key=task.pk, size=_LATEST)
    return Latest(
        rows=latest.rows,
        has_more=latest.has_next,
        address=reverse("admin:tasks_task_history", args=[task.pk]),
        may_audit=may_audit(actor=actor),
        visitor=actor.pk,
    )


register_panel(Task, Panel("Settings", "admin/panels/settings.html", _settings))
register_panel(Task, Panel("History", "admin/panels/timeline.html", _history, at_end=True))
