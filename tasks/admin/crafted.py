"""Requests that no page of ours sends: they get nothing, and are recorded like any refused attempt."""

from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone

from audit.admin.requests import actor_of, origin_of
from audit.recorder import new_operation
from tasks.admin.bulk_actions import bulk_action, rights_anywhere
from tasks.batch.refusals import record_refused_attempt
from tasks.models import Draft


def record_use_of_anothers_draft(*, request: HttpRequest, draft_id: UUID) -> None:
    """Record that somebody sent something to a draft that is somebody else's, if it is."""
    others = Draft.objects.filter(pk=draft_id).exclude(actor=actor_of(request))
    if request.method == "POST" and others.exists():
        detail = "the draft is somebody else's"
        _record(request, kind="use_draft", code="not_own", detail=detail, asked=str(draft_id))


def record_action_without_right(*, request: HttpRequest) -> None:
    """Record that somebody asked for an action whose right they hold on no task, if it is so."""
    action = bulk_action(request.POST.get("action", ""))
    if action and action.right not in rights_anywhere(request):
        detail = f"{action.label}: you hold no {action.right} right on any task"
        _record(request, kind="choose_tasks", code="no_right", detail=detail, asked=action.name)


def record_forged_selection(*, request: HttpRequest, left_out: int) -> None:
    """Record that so many rows were ticked that are no tasks which the visitor may view."""
    detail = f"{left_out} of the ticked rows are no tasks that you may view"
    keys = sorted(request.POST.getlist("_selected_action"))
    _record(request, kind="choose_tasks", code="not_found", detail=detail, asked=keys)


def _record(request: HttpRequest, *, kind: str, code: str, detail: str, asked: object) -> None:
    operation = new_operation(
        actor=actor_of(request),
        kind=kind,
        origin=origin_of(request),
        at=timezone.now(),
        parameters={},
    )
    refusal = {"target": "", "code": code, "detail": detail}
    record_refused_attempt(operation=operation, refusals=[refusal], asked=asked)
