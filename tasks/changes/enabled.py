"""The change that enables and disables, and its undo."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple, Self

from django.contrib.auth.models import User
from django.db import connection

from audit.models import Operation
from audit.recorder import record_update
from tasks import queries
from tasks.batch.change import Change
from tasks.batch.plan import Outcome, OutcomeKind
from tasks.changes.restoring import RestorableRow, RestoreTask
from tasks.models import Task


class EnabledRow(NamedTuple):
    """A task as `SetEnabled` reads it."""

    id: int
    uid: str
    version: int
    enabled: bool
    disabled_reason: str


_TOLD: Mapping[object, str] = {True: "Enable", False: "Disable"}


@dataclass(frozen=True, kw_only=True)
class SetEnabled(Change[EnabledRow]):
    """Enables tasks, or disables them with a reason."""

    kind: ClassVar[str] = "set_enabled"
    title: ClassVar[str] = "Enable or disable"
    right: ClassVar[str] = "disable_task"

    enabled: bool
    reason: str = ""

    @classmethod
    def told(cls, parameters: Mapping[str, Any]) -> str:
        """Return which of the two it did."""
        return _TOLD.get(parameters.get("enabled"), cls.title)

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the change that `parameters()` described."""
        return cls(enabled=parameters["enabled"], reason=parameters["reason"])

    def parameters(self) -> dict[str, Any]:
        """Return the wanted state and the reason for it."""
        return {"enabled": self.enabled, "reason": self.reason}

    def read(self, *, uids: Sequence[str], lock: bool) -> list[EnabledRow]:
        """Return the tasks with their present state."""
        statement = queries.READ_ENABLED + (queries.LOCK_TASKS if lock else "")
        with connection.cursor() as cursor:
            cursor.execute(statement, {"uids": list(uids)})
            return [EnabledRow._make(row) for row in cursor.fetchall()]

    def plan(
        self, *, actor: User, rows: Sequence[tuple[EnabledRow, frozenset[str]]]
    ) -> Iterator[Outcome]:
        """Yield each task's state before and after; an enabled task has no reason to be disabled."""
        del actor
        wanted = (self.enabled, "" if self.enabled else self.reason)
        for row, _ in rows:
            yield _enabled_outcome(row, wanted)

    def write(self, *, outcomes: Sequence[Outcome], operation: Operation, at: datetime) -> int:
        """Write the state and its history."""
        return _write_enabled(outcomes=outcomes, operation=operation, at=at)


@dataclass(frozen=True, kw_only=True)
class RestoreEnabled(RestoreTask):
    """Enables or disables tasks as they were before an operation."""

    kind: ClassVar[str] = "restore_enabled"
    title: ClassVar[str] = "Undo enabling or disabling"
    right: ClassVar[str] = "disable_task"

    def plan(
        self, *, actor: User, rows: Sequence[tuple[RestorableRow, frozenset[str]]]
    ) -> Iterator[Outcome]:
        """Yield each task's state now and as it was."""
        del actor
        for row, _ in rows:
            outcome = _enabled_outcome(
                EnabledRow(row.id, row.uid, row.version, row.enabled, row.disabled_reason),
                (row.enabled_before, row.disabled_reason_before),
            )
            untouched = row.enabled_untouched or outcome.kind is OutcomeKind.UNCHANGED
            yield (outcome if untouched else self.changed_since(outcome, is_recycled=row.recycled))

    def write(self, *, outcomes: Sequence[Outcome], operation: Operation, at: datetime) -> int:
        """Write the former state and its history."""
        return _write_enabled(outcomes=outcomes, operation=operation, at=at)


# An undo is itself an operation, so it can be undone by its like.
SetEnabled.inverse = RestoreEnabled.inverse = RestoreEnabled


def _enabled_outcome(row: EnabledRow, wanted: tuple[bool, str]) -> Outcome:
    before = (row.enabled, row.disabled_reason)
    return Outcome(
        row.uid,
        OutcomeKind.UNCHANGED if before == wanted else OutcomeKind.CHANGE,
        task_id=row.id,
        mark=str(row.version),
        before=_enabled_json(before),
        after=_enabled_json(wanted),
        changed=[] if before == wanted else ["/enabled", "/disabled_reason"],
        write=wanted,
    )


def _enabled_json(state: tuple[bool, str]) -> str:
    return json.dumps({"enabled": state[0], "disabled_reason": state[1]}, ensure_ascii=False)


def _write_enabled(*, outcomes: Sequence[Outcome], operation: Operation, at: datetime) -> int:
    return record_update(
        model=Task,
        operation=operation,
        at=at,
        keys=[outcome.task_id for outcome in outcomes if outcome.task_id is not None],
        columns={
            "enabled": [outcome.write[0] for outcome in outcomes],
            "disabled_reason": [outcome.write[1] for outcome in outcomes],
        },
    )
