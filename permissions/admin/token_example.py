"""A command that tries a new token at once: it fits the token's scopes, and changes nothing."""

import json
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from audit.admin.requests import actor_of
from permissions.models import Scope
from permissions.tokens import IssuedToken
from tasks.visibility import visible_tasks


def command_for(*, request: HttpRequest, issued: IssuedToken) -> str:
    """Return the command, or nothing: not every scope has something that is asked without a body."""
    scopes = issued.token.scopes
    body: dict[str, Any]
    if Scope.SETTINGS_WRITE in scopes:
        body = {"target": [_task_of(request)], "settings": {"notifications": {"enabled": True}}}
        return _curl(request, issued, "/api/v2/settings/tasks?dry_run=true", body)
    if Scope.PERMISSIONS_WRITE in scopes:
        body = {"job_ids": [_task_of(request)], "project_switch": True}
        return _curl(request, issued, "/v1/job/permissions/batch?dry_run=true", body)
    if Scope.TASKS_READ in scopes:
        made_by = issued.token.history.latest().operation_id
        return _curl(request, issued, reverse("operation", args=[made_by]))
    return ""


def _curl(request: HttpRequest, issued: IssuedToken, path: str, body: Any = None) -> str:
    lines = [
        f"curl '{request.build_absolute_uri(path)}'",
        f"-H 'Authorization: Bearer {issued.secret}'",
    ]
    if body is not None:
        lines += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(body)}'"]
    return " \\\n  ".join(lines)


def _task_of(request: HttpRequest) -> str:
    """Return the id of a task that the owner may view, if there is one."""
    tasks = visible_tasks(actor=actor_of(request)).filter(recycled_at=None).order_by("-pk")
    return tasks.values_list("uid", flat=True).first() or "ID OF A TASK"
