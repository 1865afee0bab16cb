"""What can be done with an operation on its page: cancel it, undo it, keep what it left out selected."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.contrib import admin, messages
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.template.response import TemplateResponse
from django.urls import reverse

from audit.admin.base import BaseAdmin
from audit.admin.buttons import Button, register_buttons
from audit.admin.panels import FurtherPage, register_page
from audit.admin.requests import actor_of, origin_of
from audit.models import UNFINISHED, Operation, State
from tasks.admin.bulk_actions import actions_for, bulk_action, rights_anywhere
from tasks.admin.drafts import draft_of_batch, left_out, new_draft
from tasks.admin.flow import Flow
from tasks.admin.refused import refused_targets
from tasks.batch.cancelling import cancel
from tasks.batch.change import Change
from tasks.batch.errors import BatchError, OperationUnknown, TooLate
from tasks.batch.operations import is_own, visible_operation
from tasks.batch.revert import Undo, batch_to_undo
from tasks.models import Task


UNDO = "undo"


def _cancel(_: BaseAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Cancel the operation, and lead back to its page.

    Raises:
        Http404: there is no such operation, or it is somebody else's.
    """
    operation = own_operation(request, object_id)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        operation = cancel(actor=actor_of(request), operation_id=operation.pk)
    except TooLate as error:
        messages.warning(request, sentence(error))
    else:
        if operation.state == State.CANCELLED:
            messages.success(request, "The operation is cancelled; nothing was changed.")
    return to_operation(operation.pk)


def _undo(_: BaseAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Lead to the preview of what undoing the operation would do now.

    Raises:
        Http404: there is no such operation, or it is somebody else's.
    """
    operation = own_operation(request, object_id)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    actor, undo = actor_of(request), Undo(operation_id=operation.pk)
    try:
        batch = batch_to_undo(actor=actor, undo=undo, origin=origin_of(request))
        draft = draft_of_batch(actor=actor, action=UNDO, batch=batch)
    except BatchError as error:
        messages.warning(request, sentence(error))
        return to_operation(operation.pk)
    return HttpResponseRedirect(reverse("admin:tasks_task_draft_preview", args=[draft.pk]))


def _select(page: BaseAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Ask what shall be done with the targets that the operation left out, and lead on with them.

    Raises:
        Http404: there is no such operation, or it is somebody else's.
    """
    operation = own_operation(request, object_id)
    uids = _left_out(request, operation)
    offered = actions_for(rights=rights_anywhere(request), in_bin=False) if uids else []
    chosen = bulk_action(request.POST.get("action", ""))
    if request.method == "POST" and chosen and chosen in offered:
        draft = new_draft(actor=actor_of(request), action=chosen.name, uids=uids)
        flow = Flow(admin.site.get_model_admin(Task))  # type: ignore[arg-type]  # ours
        return flow.start(request, action=chosen, draft=draft)
    context = {
        **page.admin_site.each_context(request),
        "opts": page.opts,
        "original": operation,
        "title": "What was left out",
        "operation": operation,
        "uids": uids,
        "actions": offered,
    }
    return TemplateResponse(request, "admin/operation_select.html", context)


def own_operation(request: HttpRequest, key: str) -> Operation:
    """Return the visitor's operation that an address names.

    Raises:
        Http404: there is no such operation, or it is somebody else's.
    """
    try:
        return visible_operation(actor=actor_of(request), operation_id=UUID(key))
    except (ValueError, OperationUnknown) as error:
        raise Http404 from error


def to_operation(operation_id: UUID) -> HttpResponse:
    """Lead to the page of the operation."""
    return HttpResponseRedirect(reverse("admin:audit_operation_change", args=[operation_id]))


def sentence(error: Exception) -> str:
    """Return what an error says, as a sentence."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."


def _left_out(request: HttpRequest, operation: Operation) -> Sequence[str]:
    """Return the ids of the targets that stood in the way, or were left out by choice."""
    refused = [refusal["target"] for refusal in refused_targets(operation)]
    left = left_out(actor=actor_of(request), operation_id=operation.pk)
    return list(dict.fromkeys([*refused, *left]))


def _buttons(request: HttpRequest, operation: Operation) -> Iterator[Button]:
    if not is_own(actor=actor_of(request), operation=operation):
        return
    kind = Change.of_kind(operation.kind)
    if kind is None:
        return
    if operation.state in UNFINISHED:
        yield Button("Cancel", reverse("admin:audit_operation_cancel", args=[operation.pk]))
    if operation.state == State.APPLIED and operation.changed and kind.inverse:
        yield Button("Undo", reverse("admin:audit_operation_undo", args=[operation.pk]))
    if operation.state in {State.APPLIED, State.REFUSED} and (
        uids := _left_out(request, operation)
    ):
        label = f"Keep the {len(uids):,} left out selected"
        address = reverse("admin:audit_operation_select", args=[operation.pk])
        yield Button(label, address, does=False)


for path, view in (("cancel", _cancel), ("undo", _undo), ("select", _select)):
    register_page(Operation, FurtherPage(path, view))
register_buttons(Operation, _buttons)
