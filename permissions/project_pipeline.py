"""Preview and apply: the only ways in which a project's own matrix changes.

What `tasks.batch.pipeline` is for tasks, under the same rules: locked before it is judged, nobody grants a
flag that they do not hold, bound by a fingerprint, recorded under an operation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from audit.context import Origin
from audit.models import Operation
from audit.recorder import (
    administrative_operation,
    new_operation,
    record_insert,
    record_update,
)
from permissions import project_queries
from permissions.changes.project_matrix import (
    MatrixChange,
    RestoreProjectMatrix,
    SetProjectMatrix,
)
from permissions.consequences import Reach, read_reach, warnings_of_project
from permissions.flags import NONE, Flag, flags_in
from permissions.matrix import Grant, read_matrices
from permissions.models import RolePermission
from permissions.states import ProjectRoles, Situation, State, Step, Wanted, judge, read_projects
from tasks.batch.batch import Applied, Receipt
from tasks.batch.errors import NotRevertible
from tasks.batch.operations import visible_operation
from tasks.batch.plan import REFUSED_KINDS, Outcome, OutcomeKind, Plan, PlanWarning, Reason
from tasks.batch.refusals import record_refused_attempt
from tasks.models import Project
from tasks.visibility import visible_projects


NO_REACH = Reach()


@dataclass(frozen=True)
class MatrixPlan:
    """What a change of a project's matrix would do: to its rows, and how far that reaches.

    The outcome is the project's. `gains` and `losses` are flags by role code; `warnings` name no tasks.
    """

    change: MatrixChange
    outcome: Outcome
    gains: Mapping[int, Sequence[Flag]] = field(default_factory=dict)
    losses: Mapping[int, Sequence[Flag]] = field(default_factory=dict)
    reach: Reach = NO_REACH
    warnings: Sequence[PlanWarning] = ()

    @cached_property
    def of_project(self) -> Plan:
        """The plan as one of a single target, the project, for who knows nothing of matrices."""
        return Plan(
            kind=self.change.kind,
            identity=self.change.parameters(),
            outcomes=[self.outcome],
            warnings=self.warnings,
            noun="project",
        )

    @property
    def fingerprint(self) -> str:
        """A keyed digest over the change and the matrix that it was judged by."""
        return self.of_project.fingerprint


class AppliedMatrix(NamedTuple):
    """A recorded operation and the plan that it carried out."""

    operation: Operation
    plan: MatrixPlan


class MatrixRefused(Exception):
    """The matrix cannot be changed so; the plan's outcome says why."""

    def __init__(self, plan: MatrixPlan) -> None:
        super().__init__(plan.outcome.detail)
        self.plan = plan


class MatrixDrifted(Exception):
    """The given fingerprint is not that of the present plan; nothing was changed."""

    def __str__(self) -> str:
        return "the permissions changed since the preview"


def preview(*, actor: User, change: MatrixChange) -> MatrixPlan:
    """Return what applying the change now would do."""
    return _plan(actor=actor, change=change)


def apply(
    *,
    actor: User,
    change: MatrixChange,
    origin: Origin,
    expected: str = "",
    reason: str = "",
    receipt: Receipt | None = None,
) -> AppliedMatrix:
    """Apply the change under an operation of its own.

    Raises:
        MatrixRefused: the actor may not, or the change cannot be made.
        MatrixDrifted: the plan is not the expected one.
    """
    try:
        with administrative_operation(
            actor=actor,
            kind=change.kind,
            origin=origin,
            parameters=change.parameters(),
            reason=reason,
        ) as operation:
            if receipt:
                receipt.claim()
            plan = _apply(operation=operation, actor=actor, change=change, expected=expected)
            if receipt:
                receipt.settle(applied=Applied(operation, plan.of_project))
    except (MatrixRefused, MatrixDrifted) as error:
        _record_refused(actor, change, origin, reason, error)
        raise
    return AppliedMatrix(operation, plan)


def _apply(*, operation: Operation, actor: User, change: MatrixChange, expected: str) -> MatrixPlan:
    keys = _lock(project_uid=change.project_uid)
    plan = _plan(actor=actor, change=change)
    if expected and expected != plan.fingerprint:
        raise MatrixDrifted
    if plan.outcome.kind in REFUSED_KINDS:
        raise MatrixRefused(plan)
    operation.fingerprint = plan.fingerprint
    operation.reverts_id = change.reverts
    operation.targets = 1
    operation.changed = int(plan.outcome.kind is OutcomeKind.CHANGE)
    operation.unchanged = 1 - operation.changed
    if operation.changed:
        _write(step=plan.outcome.write, keys=keys, operation=operation, at=timezone.now())
    return plan


def _record_refused(
    actor: User,
    change: MatrixChange,
    origin: Origin,
    reason: str,
    error: MatrixRefused | MatrixDrifted,
) -> None:
    operation = new_operation(
        actor=actor,
        kind=change.kind,
        origin=origin,
        at=timezone.now(),
        parameters=change.parameters(),
        reason=reason,
    )
    operation.targets = 1
    operation.reverts_id = change.reverts
    refusal = {"target": change.project_uid, "code": "drifted", "detail": str(error)}
    if isinstance(error, MatrixRefused):
        refusal["code"] = str(error.plan.outcome.reason)
    record_refused_attempt(operation=operation, refusals=[refusal], asked=change.parameters())


def read_situation(*, actor: User, project: Project) -> Situation:
    """Return what a change of the matrix is judged by: its rows, its roles, what the actor holds there."""
    return _situation(project.pk, read_projects(actor=actor, project_ids=[project.pk])[project.pk])


def may_change(*, actor: User, project_id: int) -> bool:
    """Return whether the actor may change anything in the project's matrix, which may not exist."""
    roles = read_projects(actor=actor, project_ids=[project_id]).get(project_id)
    return roles is not None and bool(_situation(project_id, roles).held & Flag.MANAGE.bit)


def change_to_undo(
    *, actor: User, operation_id: UUID, skip_conflicts: bool = False, overwrite: bool = False
) -> RestoreProjectMatrix:
    """Return the change that takes back what the operation did to a project's matrix.

    Raises:
        OperationUnknown: there is no such operation, or it is somebody else's.
        NotRevertible: it is of another kind, or changed nothing.
    """
    operation = visible_operation(actor=actor, operation_id=operation_id)
    if operation.kind not in {SetProjectMatrix.kind, RestoreProjectMatrix.kind}:
        raise NotRevertible(
            f"an operation of the kind {operation.kind} changes no project's matrix"
        )
    if not operation.changed:
        raise NotRevertible("the operation changed nothing")
    return RestoreProjectMatrix(
        project_uid=operation.parameters["project"],
        operation_id=str(operation.pk),
        skip_conflicts=skip_conflicts,
        overwrite=overwrite,
    )


def _lock(*, project_uid: str) -> dict[int, int]:
    """Keep others from editing the project's matrix; return the keys of its rows by role code."""
    with connection.cursor() as cursor:
        cursor.execute(project_queries.LOCK_PROJECT_MATRIX, {"project": project_uid})
        cursor.execute(project_queries.LOCK_MATRIX_ROWS, {"project": project_uid})
        return dict(cursor.fetchall())


def _plan(*, actor: User, change: MatrixChange) -> MatrixPlan:
    # Read again: the actor may have waited for the lock.
    account = User.objects.filter(pk=actor.pk).first()
    project = account and visible_projects(actor=account).filter(uid=change.project_uid).first()
    if not (account and project):
        detail = "there is no such project"
        missing = Outcome(change.project_uid, OutcomeKind.MISSING, reason=Reason.NOT_FOUND)
        return MatrixPlan(change, missing._replace(detail=detail))
    situation = read_situation(actor=account, project=project)
    if not situation.held & Flag.MANAGE.bit:
        detail = "you hold no role that manages the tasks of this project"
        denied = Outcome(project.uid, OutcomeKind.DENIED, reason=Reason.NO_RIGHT, detail=detail)
        return MatrixPlan(change, denied)
    outcome = judge(situation=situation, wanted=change.wanted)._replace(uid=project.uid)
    if outcome.kind is not OutcomeKind.CHANGE:
        return MatrixPlan(change, outcome)
    return _with_reach(MatrixPlan(change, outcome))


def _situation(project_id: int, roles: ProjectRoles) -> Situation:
    rows = read_matrices([roles.matrix_id])[roles.matrix_id]
    held = NONE
    for code, role in roles.roles.items():
        held |= rows[code].flags if role.held and code in rows else NONE
    matrix = Wanted(rows, roles.matrix_id)
    return Situation(project_id, roles, matrix, State(matrix, None, follows=True), held)


def _with_reach(plan: MatrixPlan) -> MatrixPlan:
    step: Step = plan.outcome.write
    before, after = step.now.effective, step.then.effective
    gains, losses = {}, {}
    for code, grant in after.rows.items():
        was = before.rows[code].flags if code in before.rows else NONE
        if gained := flags_in(grant.flags & ~was):
            gains[code] = gained
        if lost := flags_in(was & ~grant.flags):
            losses[code] = lost
    reach = read_reach(step=step, codes=gains.keys() | losses.keys())
    warnings = warnings_of_project(step=step, reach=reach)
    return MatrixPlan(plan.change, plan.outcome, gains, losses, reach, warnings)


def _write(*, step: Step, keys: Mapping[int, int], operation: Operation, at: datetime) -> None:
    before, after = step.now.effective, step.then.effective
    changed = {code: grant for code, grant in after.rows.items() if before.rows.get(code) != grant}
    known = {code: grant for code, grant in changed.items() if code in keys}
    added = {code: grant for code, grant in changed.items() if code not in keys}
    with connection.cursor() as cursor:
        cursor.execute(project_queries.COUNT_MATRIX_VERSION, {"matrix": before.matrix_id})
    if known:
        record_update(
            model=RolePermission,
            operation=operation,
            at=at,
            keys=[keys[code] for code in known],
            columns=_columns(known),
        )
    if added:
        record_insert(
            model=RolePermission,
            operation=operation,
            columns={
                "matrix": [before.matrix_id] * len(added),
                "role": [grant.role_id for grant in added.values()],
                "role_code": list(added),
                **_columns(added),
            },
        )


def _columns(grants: Mapping[int, Grant]) -> dict[str, list[bool]]:
    return {
        flag.vendor_name: [bool(grant.flags & flag.bit) for grant in grants.values()]
        for flag in Flag
    }
