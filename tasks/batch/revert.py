"""From an operation to the batch that undoes it: a batch like any other, judged as of now."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User

from audit.context import Origin
from audit.models import State
from tasks.batch.change import Change
from tasks.batch.errors import NotRevertible
from tasks.batch.operations import visible_operation
from tasks.batch.pipeline import Batch


_WHY_NOT = {
    State.QUEUED: "the operation has not run yet",
    State.RUNNING: "the operation is still running",
    State.REFUSED: "the operation was refused and changed nothing",
    State.FAILED: "the operation failed and changed nothing",
    State.CANCELLED: "the operation was cancelled and changed nothing",
}


@dataclass(frozen=True, kw_only=True)
class Undo:
    """Which operation to undo, and whether to leave alone what has changed since, or to undo that too."""

    operation_id: UUID
    skip_conflicts: bool = False
    overwrite: bool = False
    reason: str = ""


def batch_to_undo(*, actor: User, undo: Undo, origin: Origin) -> Batch:
    """Return the batch that takes back what the operation changed.

    Raises:
        OperationUnknown: there is no such operation, or it is somebody else's.
        NotRevertible: it changed nothing, or what it did cannot be undone.
    """
    operation = visible_operation(actor=actor, operation_id=undo.operation_id)
    kind = Change.of_kind(operation.kind)
    if kind is None or kind.inverse is None:
        raise NotRevertible(f"an operation of the kind {operation.kind} is not undone here")
    if operation.state != State.APPLIED:
        raise NotRevertible(_WHY_NOT[State(operation.state)])
    uids = kind.inverse.uids_of(operation_id=str(operation.pk))
    if not uids:
        raise NotRevertible("the operation changed nothing that is still there")
    change = kind.inverse(
        operation_id=str(operation.pk),
        skip_conflicts=undo.skip_conflicts,
        overwrite=undo.overwrite,
    )
    return Batch(change=change, uids=uids, origin=origin, reason=undo.reason, reverts=operation.pk)
