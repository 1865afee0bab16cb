"""The undo of changes of projects' matrices, for who undoes operations without asking what they were of."""

from django.contrib.auth.models import User

from audit.context import Origin
from permissions import project_pipeline
from permissions.changes import RestoreProjectMatrix, SetProjectMatrix
from permissions.project_pipeline import MatrixDrifted, MatrixRefused
from tasks.batch.batch import Applied, Receipt
from tasks.batch.errors import PlanDrifted, PlanRefused
from tasks.batch.plan import Plan
from tasks.batch.revert import Undo, register_undoer


class MatrixUndoer:
    """Undoes what an operation did to a project's own matrix."""

    right = "manage_task"

    def preview(self, *, actor: User, undo: Undo, origin: Origin, expected: str) -> Plan:
        """Return what the undo would do to the project.

        Raises:
            PlanDrifted: the plan is not the expected one.
        """
        del origin
        change = _change(actor, undo)
        plan = project_pipeline.preview(actor=actor, change=change)
        if expected and expected != plan.fingerprint:
            raise PlanDrifted(uids=[change.project_uid])
        return plan.of_project

    def apply(
        self,
        *,
        actor: User,
        undo: Undo,
        origin: Origin,
        expected: str,
        receipt: Receipt | None,
    ) -> Applied:
        """Undo it.

        Raises:
            PlanRefused: the actor may not, or it cannot be undone.
            PlanDrifted: the plan is not the expected one.
        """
        change = _change(actor, undo)
        try:
            operation, plan = project_pipeline.apply(
                actor=actor,
                change=change,
                origin=origin,
                expected=expected,
                reason=undo.reason,
                receipt=receipt,
            )
        except MatrixRefused as error:
            raise PlanRefused(error.plan.of_project) from error
        except MatrixDrifted as error:
            raise PlanDrifted(uids=[change.project_uid]) from error
        return Applied(operation, plan.of_project)


def _change(actor: User, undo: Undo) -> RestoreProjectMatrix:
    return project_pipeline.change_to_undo(
        actor=actor,
        operation_id=undo.operation_id,
        skip_conflicts=undo.skip_conflicts,
        overwrite=undo.overwrite,
    )


register_undoer(kinds=(SetProjectMatrix.kind, RestoreProjectMatrix.kind), undoer=MatrixUndoer())
