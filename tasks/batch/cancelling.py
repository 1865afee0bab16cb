"""Cancelling an accepted operation: at once while it waits, at the worker's next look while it runs.

A running operation holds its own row until it commits, so the wish to cancel stands beside its progress.
The worker looks there whenever it reports; at the end it locks that row, so that a wish either came in
time, and nothing is changed, or meets a finished operation and is told so. Nobody's statement is broken
off: what waits for a lock of somebody else's stops when it has got it.
"""

from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from audit.models import UNFINISHED, Operation, Progress, State
from tasks.batch.errors import Cancelled, TooLate
from tasks.batch.operations import visible_operation


def cancel(*, actor: User, operation_id: UUID) -> Operation:
    """Cancel an operation that is not finished; one that is cancelled already stays so.

    Raises:
        OperationUnknown: there is none, or it is somebody else's.
        TooLate: it is finished.
    """
    visible_operation(actor=actor, operation_id=operation_id)
    now = timezone.now()
    with transaction.atomic():
        Operation.objects.filter(pk=operation_id, state=State.QUEUED).update(
            state=State.CANCELLED,
            cancelled_by=actor,
            cancelled_by_name=actor.get_username(),
            requested=None,
            finished_at=now,
        )
        # Waits for a worker that is done and only has to commit; so the operation is read after it.
        progress = _locked_progress(operation_id)
        operation = Operation.objects.get(pk=operation_id)
        if progress and operation.state in UNFINISHED:
            if progress.cancelled_at is None:
                progress.cancelled_at, progress.cancelled_by = now, actor
                progress.save(update_fields=["cancelled_at", "cancelled_by"])
        elif operation.state != State.CANCELLED:
            raise TooLate(state=operation.state)
    return operation


def refuse_if_cancelled(*, operation_id: UUID) -> None:
    """Let nobody cancel the operation any more, in the transaction that is about to commit.

    Raises:
        Cancelled: somebody has.
    """
    progress = _locked_progress(operation_id)
    if progress and progress.cancelled_at:
        raise Cancelled


def end_as_cancelled(*, operation_id: UUID) -> Operation:
    """Record that the operation was cancelled, and by whom, after its transaction was rolled back."""
    with transaction.atomic():
        operation = Operation.objects.select_for_update(of=("self",)).get(pk=operation_id)
        if operation.state in UNFINISHED:
            by = Progress.objects.select_related("cancelled_by").get(pk=operation_id).cancelled_by
            operation.state = State.CANCELLED
            operation.cancelled_by = by
            operation.cancelled_by_name = by.get_username() if by else ""
            operation.requested = None
            operation.finished_at = timezone.now()
            operation.save()
    return operation


def _locked_progress(operation_id: UUID) -> Progress | None:
    progress = Progress.objects.select_for_update(of=("self",), no_key=True)
    return progress.filter(pk=operation_id).first()
