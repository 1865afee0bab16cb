"""From an operation to what undoes it: a batch like any other, judged as of now.

Operations that are no batches of tasks are undone by whoever registers for their kinds.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

from django.contrib.auth.models import User

from audit.context import Origin
from audit.models import State
from tasks.batch import pipeline
from tasks.batch.batch import Applied, Batch, Receipt
from tasks.batch.change import Change
from tasks.batch.errors import NotRevertible
from tasks.batch.operations import visible_operation
from tasks.batch.plan import Plan


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


class Undoer(Protocol):
    """Undoes operations of some kinds; `right` is what it takes, a permission's codename."""

    right: str

    def preview(self, *, actor: User, undo: Undo, origin: Origin, expected: str) -> Plan:
        """Return what the undo would do; raise PlanDrifted if that is not the expected plan."""

    def apply(
        self,
        *,
        actor: User,
        undo: Undo,
        origin: Origin,
        expected: str,
        receipt: Receipt | None,
    ) -> Applied:
        """Undo it, or raise what a batch raises."""


_undoers: dict[str, Undoer] = {}


def register_undoer(*, kinds: Collection[str], undoer: Undoer) -> None:
    """Let operations of these kinds be undone by `undoer`."""
    _undoers.update(dict.fromkeys(kinds, undoer))


def undoer_of(kind: str) -> Undoer | None:
    """Return who undoes operations of this kind, if that is no batch."""
    return _undoers.get(kind)


@dataclass(frozen=True, kw_only=True)
class AskedUndo:
    """An undo that somebody asked for, whatever its operation was of."""

    undo: Undo
    origin: Origin
    expected: str = ""

    def preview(self, *, actor: User) -> Plan:
        """Return what undoing would do now.

        Raises:
            BatchError: it cannot be undone, or not as expected.
        """
        if undoer := self._undoer(actor):
            return undoer.preview(
                actor=actor, undo=self.undo, origin=self.origin, expected=self.expected
            )
        return pipeline.preview(actor=actor, batch=self._batch(actor))

    def apply(
        self, *, actor: User, receipt: Receipt | None = None, in_worker: bool = False
    ) -> Applied:
        """Undo the operation now or, what is a batch, in the worker if asked.

        Raises:
            BatchError: it cannot be undone, or not as expected.
        """
        if undoer := self._undoer(actor):
            return undoer.apply(
                actor=actor,
                undo=self.undo,
                origin=self.origin,
                expected=self.expected,
                receipt=receipt,
            )
        carry_out = pipeline.submit if in_worker else pipeline.apply
        return carry_out(actor=actor, batch=self._batch(actor), receipt=receipt)

    def _undoer(self, actor: User) -> Undoer | None:
        operation = visible_operation(actor=actor, operation_id=self.undo.operation_id)
        return undoer_of(operation.kind)

    def _batch(self, actor: User) -> Batch:
        batch = batch_to_undo(actor=actor, undo=self.undo, origin=self.origin)
        return replace(batch, expected=self.expected)
