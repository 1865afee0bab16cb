"""Requests that no page of ours sends: they get nothing, and are recorded like any refused attempt."""

from collections.abc import Sequence
from uuid import UUID

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest
from django.utils import timezone

from audit.admin.requests import actor_of, is_key, origin_of
from audit.recorder import new_operation
from tasks.admin.bulk_actions import bulk_action, rights_anywhere
from tasks.admin.change_forms import ChangeForm, Crafted
from tasks.batch.refusals import record_refused_attempt
from tasks.models import Draft
from tasks.visibility import visible_tasks


def record_use_of_anothers_draft(*, request: HttpRequest, draft_id: UUID) -> None:
    """Record that somebody sent something to a draft that is somebody else's, if it is."""
    others = Draft.objects.filter(pk=draft_id).exclude(actor=actor_of(request))
    if request.method == "POST" and others.exists():
        detail = "the draft is somebody else's"
        _record(request, kind="use_draft", found=[Crafted("not_own", detail)], asked=str(draft_id))


def record_action_without_right(*, request: HttpRequest) -> None:
    """Record that somebody asked for an action whose right they hold on no task, if it is so."""
    action = bulk_action(request.POST.get("action", ""))
    if action and action.right not in rights_anywhere(request):
        detail = f"{action.label}: you hold no {action.right} right on any task"
        _record(
            request, kind="choose_tasks", found=[Crafted("no_right", detail)], asked=action.name
        )


def record_forged_selection(*, request: HttpRequest) -> None:
    """Record that rows were ticked that are no tasks which the visitor may view, if there are any.

    A task that somebody moved meanwhile, or that left the list's filter, is still one of those.
    What could be no key at all is dropped from the request.
    """
    ticked = set(request.POST.getlist(ACTION_CHECKBOX_NAME))
    keys = {int(key) for key in ticked if is_key(key)}
    seen = visible_tasks(actor=actor_of(request)).filter(pk__in=keys).count()
    if forged := len(ticked) - seen:
        detail = f"{forged} of the ticked rows are no tasks that you may view"
        found = [Crafted("not_found", detail)]
        _record(request, kind="choose_tasks", found=found, asked=sorted(ticked))
    if len(keys) < len(ticked):
        sent = request.POST.copy()
        sent.setlist(ACTION_CHECKBOX_NAME, [str(key) for key in sorted(keys)])
        request.POST = sent  # type: ignore[assignment]  # Django reads the selection from there


def record_crafted_form(*, request: HttpRequest, form: ChangeForm) -> None:
    """Record that the form of an action was sent with what its page does not offer, if it was."""
    if found := form.crafted():
        _record(request, kind="write_down", found=found, asked=sorted(form.chosen.uids))


def record_import_without_right(*, request: HttpRequest) -> None:
    """Record that somebody sent a file who may add tasks to no project, if they did."""
    if request.method == "POST":
        found = [("no_right", "you may add tasks to no project")]
        record_forged_import(request=request, forged=found)


def record_forged_import(*, request: HttpRequest, forged: Sequence[tuple[str, str]]) -> None:
    """Record that an import was sent that its pages do not offer: code and detail of each reason."""
    if forged:
        found = [Crafted(*each) for each in forged]
        _record(request, kind="import_tasks", found=found, asked=request.path)


def _record(request: HttpRequest, *, kind: str, found: Sequence[Crafted], asked: object) -> None:
    operation = new_operation(
        actor=actor_of(request),
        kind=kind,
        origin=origin_of(request),
        at=timezone.now(),
        parameters={},
    )
    refusals = [{"target": "", "code": each.code, "detail": each.detail} for each in found]
    record_refused_attempt(operation=operation, refusals=refusals, asked=asked)
