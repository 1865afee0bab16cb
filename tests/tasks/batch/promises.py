"""What every batch promises, checked against the tables before and after it."""

import json
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from audit.models import Operation, State
from permissions.changes import RestorePermissions, SetPermissions
from permissions.flags import Flag
from permissions.models import TaskPermission
from tasks.batch.change import Change, Restore
from tasks.batch.plan import Outcome, OutcomeKind, Plan, Reason
from tasks.changes import RestoreEnabled, RestoreSettings, SetEnabled, UpdateSettings
from tasks.models import Task
from tests.observed import Observed, history_rows, names_of, without_references


@dataclass(frozen=True)
class Attempt:
    """A batch that was applied: its plan, what its actor held, and all tasks before and after.

    `held` are flags by uid, `masters` the tasks whose creator's row the actor may change.
    """

    change: Change[Any]
    plan: Plan
    operation: Operation
    held: dict[str, int]
    masters: set[str]
    before: dict[str, Observed]
    after: dict[str, Observed]

    def check(self) -> None:
        """Assert everything that holds of an applied batch."""
        self.check_what_was_done()
        self.check_records()
        self.check_grants()

    def check_what_was_done(self) -> None:
        """What was to change is as the plan says; everything else is untouched, to the letter."""
        changed = {outcome.uid for outcome in self.plan.changes}
        for uid, task in self.before.items():
            if uid not in changed:
                assert self.after[uid] == task
        for outcome in self.plan.changes:
            was, is_now = self.before[outcome.uid], self.after[outcome.uid]
            assert json.loads(outcome.before) == document_of(self.change, was)
            said = without_references(json.loads(outcome.after))
            assert said == without_references(document_of(self.change, is_now))
            assert was.wanted != is_now.wanted
            moved = is_now.version - was.version
            assert moved == (1 if history_of(self.change) == "Task" else 0)

    def check_records(self) -> None:
        """Each changed task has one history row of the operation; nothing else has any."""
        keys = sorted(self.after[outcome.uid].key for outcome in self.plan.changes)
        nothing: dict[str, list[int]] = {"Task": [], "TaskPermission": []}
        assert history_rows(self.operation.pk) == {**nothing, history_of(self.change): keys}
        assert (self.operation.state, self.operation.kind) == (State.APPLIED, self.change.kind)
        counts = (self.operation.targets, self.operation.changed, self.operation.unchanged)
        targets = len(self.plan.outcomes)
        assert counts == (targets, len(keys), targets - len(keys))

    def check_grants(self) -> None:
        """Nobody gave a role, in force or kept aside, a flag that they did not hold themselves.

        And only who may changed what a task's creator holds.
        """
        for uid, flags in self.held.items():
            was, is_now = self.before[uid], self.after[uid]
            known = [was.roles, was.own_roles or was.roles]
            for roles, former in zip([is_now.roles, is_now.own_roles], known, strict=True):
                for code, bits in (roles or {}).items():
                    granted = bits & ~former.get(code, 0)
                    assert not granted & ~flags, f"role {code} of {uid} was given {granted}"
                if uid not in self.masters:
                    assert (roles or former).get(-3, 0) == former.get(-3, 0)


def check_against_rights(change: Change[Any], plan: Plan, held: dict[str, int]) -> None:
    """Assert that what is not seen is missing, what may not be changed denied, and nothing else."""
    right = next(flag.bit for flag in Flag if flag.codename == change.right)
    missing = Outcome(
        "", OutcomeKind.MISSING, reason=Reason.NOT_FOUND, detail="there is no such task"
    )
    for outcome in plan.outcomes:
        flags = held.get(outcome.uid, 0)
        if not flags & Flag.VIEW.bit:
            assert outcome._replace(uid="") == missing
        elif not flags & right:
            assert (outcome.kind, outcome.reason) == (OutcomeKind.DENIED, Reason.NO_RIGHT)
            assert not outcome.before
        else:
            assert outcome.kind is not OutcomeKind.MISSING
            assert outcome.reason is not Reason.NO_RIGHT


# What an undo is about: the model, and the columns that it takes back.
UNDONE: dict[type[Restore[Any]], tuple[type[Task | TaskPermission], tuple[str, ...]]] = {
    RestoreSettings: (Task, ("settings",)),
    RestoreEnabled: (Task, ("enabled", "disabled_reason")),
    RestorePermissions: (TaskPermission, ("matrix_id", "own_matrix_id")),
}


def check_undo_against_history(change: Restore[Any], plan: Plan) -> None:
    """Assert that the plan undoes what is as the operation left it, and names what is not."""
    model, columns = UNDONE[type(change)]
    for outcome in plan.outcomes:
        if outcome.reason in {Reason.NOT_FOUND, Reason.NO_RIGHT}:
            continue
        key = Task.objects.get(uid=outcome.uid).pk
        rows = list(model.history.filter(pk_of(model, key)).order_by("history_id"))
        (place,) = (
            place for place, row in enumerate(rows) if str(row.operation_id) == change.operation_id
        )
        before, left, now = (
            tuple(getattr(row, column) for column in columns)
            for row in (rows[place - 1], rows[place], model._base_manager.get(pk=key))
        )
        if now == before:
            assert (outcome.kind, outcome.reason) == (OutcomeKind.UNCHANGED, None)
        elif now == left:
            assert outcome.reason is not Reason.CHANGED_SINCE
            assert outcome.kind is not OutcomeKind.UNCHANGED
        else:
            kind = OutcomeKind.UNCHANGED if change.skip_conflicts else OutcomeKind.CONFLICT
            assert (outcome.kind, outcome.reason) == (kind, Reason.CHANGED_SINCE)


def pk_of(model: type[Task | TaskPermission], key: int) -> Q:
    """Return the condition for the history of one row."""
    return Q(task_id=key) if model is TaskPermission else Q(id=key)


def history_of(change: Change[Any]) -> str:
    """Return the model whose history the change writes."""
    permissions = isinstance(change, SetPermissions | RestorePermissions)
    return "TaskPermission" if permissions else "Task"


def document_of(change: Change[Any], task: Observed) -> Any:
    """Return what an outcome of the change should say of the task."""
    if isinstance(change, UpdateSettings | RestoreSettings):
        return task.settings
    if isinstance(change, SetEnabled | RestoreEnabled):
        return {"enabled": task.enabled, "disabled_reason": task.disabled_reason}
    document: dict[str, Any] = {"follows_project": task.follows, "roles": names_of(task.roles)}
    if task.own_roles is not None:
        document["own_roles"] = names_of(task.own_roles)
    return document


def comparable(plan: Plan) -> list[Any]:
    """Return the plan without what differs from one binding of its change to the next."""
    return [without_references(outcome._replace(write=None)) for outcome in plan.outcomes]
