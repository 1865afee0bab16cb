"""What can be done with an operation on its page: cancel, undo, try again, go on with what it left out."""

from collections.abc import Callable, Iterator, Sequence
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import Q
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.urls import reverse
from django.utils.text import capfirst

from audit.admin.base import BaseAdmin
from audit.admin.buttons import Button, register_buttons
from audit.admin.panels import FurtherPage, register_page
from audit.admin.requests import actor_of, origin_of
from audit.models import UNFINISHED, Operation, State
from tasks.admin.bulk_actions import BulkAction, actions_for, bulk_action, rights_anywhere
from tasks.admin.drafts import (
    DraftUnusable,
    draft_again,
    draft_of_batch,
    draft_of_operation,
    left_out,
    new_draft,
)
from tasks.admin.flow import Flow
from tasks.admin.refused import refused_targets
from tasks.arrays import EqualsAny
from tasks.batch.cancelling import cancel
from tasks.batch.change import Change
from tasks.batch.errors import BatchError, OperationUnknown
from tasks.batch.operations import is_own, visible_operation
from tasks.batch.revert import Undo, batch_to_undo
from tasks.models import Draft, Task
from tasks.visibility import visible_tasks


UNDO = "undo"
_TOO_OLD = "It is too old to be previewed again: choose the tasks again."
# What ended so in the worker changed nothing, and can be tried again.
_IN_VAIN = frozenset({State.REFUSED, State.FAILED, State.CANCELLED})


# Does something with the visitor's operation, and answers where that leads.
Order = Callable[[HttpRequest, Operation], HttpResponse]


def _ordered(order: Order) -> Callable[[BaseAdmin, HttpRequest, str], HttpResponse]:
    """Return the view that does it when its button is pressed, or says on the page why not."""

    def view(_: BaseAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
        operation = _own_operation(request, object_id)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            return order(request, operation)
        except DraftUnusable:
            messages.warning(request, _TOO_OLD)
        except BatchError as error:
            messages.warning(request, f"{capfirst(str(error))}.")
        return _to_operation(operation)

    return view


def _cancel(request: HttpRequest, operation: Operation) -> HttpResponse:
    """Cancel the operation, and lead back to its page."""
    cancelled = cancel(actor=actor_of(request), operation_id=operation.pk)
    if cancelled.state == State.CANCELLED:
        messages.success(request, "The operation is cancelled; nothing was changed.")
    return _to_operation(operation)


def _undo(request: HttpRequest, operation: Operation) -> HttpResponse:
    """Lead to the preview of what undoing the operation would do now."""
    actor, undo = actor_of(request), Undo(operation_id=operation.pk)
    batch = batch_to_undo(actor=actor, undo=undo, origin=origin_of(request))
    return _to_preview(draft_of_batch(actor=actor, action=UNDO, batch=batch))


def _again(request: HttpRequest, operation: Operation) -> HttpResponse:
    """Lead to the preview of what the operation did not do, as of now."""
    draft = _draft_in_vain(request, operation)
    if draft is None:
        raise DraftUnusable
    again = draft_again(
        actor=actor_of(request),
        draft=draft,
        drifted=_drifted(operation),
        origin=origin_of(request),
    )
    return _to_preview(again)


def _select(page: BaseAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """Ask what shall be done with the targets that the operation left out, and lead on with them.

    Raises:
        Http404: there is no such operation, or it is somebody else's.
    """
    operation = _own_operation(request, object_id)
    uids = _left_out(request, operation)
    offered = _offered_for(request, uids)
    chosen = bulk_action(request.POST.get("action", ""))
    if request.method == "POST" and chosen and chosen in offered:
        draft = new_draft(actor=actor_of(request), action=chosen.name, uids=uids)
        flow = Flow(admin.site.get_model_admin(Task))  # type: ignore[arg-type]  # ours
        return flow.start(request, action=chosen, draft=draft)
    context = {
        "original": operation,
        "title": "What was left out",
        "operation": operation,
        "uids": uids,
        "actions": offered,
    }
    return page.render(request, "admin/operation_select.html", context)


def _own_operation(request: HttpRequest, key: str) -> Operation:
    """Return the visitor's operation that an address names.

    Raises:
        Http404: there is no such operation, or it is somebody else's.
    """
    try:
        return visible_operation(actor=actor_of(request), operation_id=UUID(key))
    except (ValueError, OperationUnknown) as error:
        raise Http404 from error


def _to_operation(operation: Operation) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:audit_operation_change", args=[operation.pk]))


def _to_preview(draft: Draft) -> HttpResponse:
    return HttpResponseRedirect(reverse("admin:tasks_task_draft_preview", args=[draft.pk]))


def _draft_in_vain(request: HttpRequest, operation: Operation) -> Draft | None:
    """Return the visitor's draft of an operation that changed nothing in the worker, if it is kept."""
    if operation.state not in _IN_VAIN:
        return None
    return draft_of_operation(actor=actor_of(request), operation=operation)


def _drifted(operation: Operation) -> list[str]:
    return [each["target"] for each in refused_targets(operation) if each["code"] == "drifted"]


def _offered_for(request: HttpRequest, uids: Sequence[str]) -> list[BulkAction]:
    """Return what can be done to the tasks, on whichever side of the recycle bin's lid they are."""
    if not uids:
        return []
    tasks = visible_tasks(actor=actor_of(request)).filter(EqualsAny("uid", uids)).order_by()
    sides = tasks.annotate(in_bin=Q(recycled_at__isnull=False)).values_list("in_bin", flat=True)
    rights = rights_anywhere(request)
    return [
        action
        for in_bin in sorted(set(sides.distinct())) or [False]
        for action in actions_for(rights=rights, in_bin=in_bin)
    ]


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
    if _draft_in_vain(request, operation):
        yield Button("Preview again", reverse("admin:audit_operation_again", args=[operation.pk]))
    if operation.state in {State.APPLIED, State.REFUSED} and (
        uids := _left_out(request, operation)
    ):
        label = f"Keep the {len(uids):,} left out selected"
        address = reverse("admin:audit_operation_select", args=[operation.pk])
        yield Button(label, address, does=False)


for path, order in (("cancel", _cancel), ("undo", _undo), ("again", _again)):
    register_page(Operation, FurtherPage(path, _ordered(order)))
register_page(Operation, FurtherPage("select", _select))
register_buttons(Operation, _buttons)
