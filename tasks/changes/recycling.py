"""Into the recycle bin and out of it: each change is the other's undo."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple, Self

from django.contrib.auth.models import User
from django.db import connection

from audit.models import Operation
from audit.recorder import record_update
from tasks import queries
from tasks.batch.change import Restore
from tasks.batch.plan import Outcome, OutcomeKind, Reason
from tasks.changes.restoring import uids_of_operation
from tasks.models import Task
from tasks.names import NameInProject, hold_names, taken_names


class RecyclableRow(NamedTuple):
    """A task on either side of the recycle bin's lid, and whether it is as the operation left it."""

    id: int
    uid: str
    project_id: int
    name: str
    version: int
    recycled: bool
    untouched: bool

    @property
    def place(self) -> NameInProject:
        """The name that the task has outside the recycle bin."""
        return NameInProject(self.project_id, self.name)


@dataclass(frozen=True, kw_only=True)
class _MoveTasks(Restore[RecyclableRow]):
    """Moves tasks to the other side of the lid.

    With an operation it is that operation's undo: it also finds targets that are there already, and
    whatever has been changed since is in conflict.
    """

    right: ClassVar[str] = "delete_task"
    recycles: ClassVar[bool]
    of_operation: ClassVar[str] = queries.READ_RECYCLABLE_OF_OPERATION

    operation_id: str = ""

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the change that `parameters()` described."""
        return super().from_parameters(parameters) if parameters else cls()

    def parameters(self) -> dict[str, Any]:
        """Return nothing, or for an undo the operation and what to do about conflicts."""
        return super().parameters() if self.operation_id else {}

    @classmethod
    def uids_of(cls, *, operation_id: str) -> list[str]:
        """Return the ids of the tasks that the operation changed."""
        return uids_of_operation(operation_id)

    def read(self, *, uids: Sequence[str], lock: bool) -> list[RecyclableRow]:
        """Return the tasks with their names and on which side they are."""
        statement = self.of_operation if self.operation_id else queries.READ_RECYCLABLE
        with connection.cursor() as cursor:
            cursor.execute(
                statement + (queries.LOCK_TASK if lock else ""),
                {
                    "uids": list(uids),
                    "recycled": not self.recycles,
                    "operation": self.operation_id or None,
                },
            )
            return [RecyclableRow._make(row) for row in cursor.fetchall()]

    def plan(
        self, *, actor: User, rows: Sequence[tuple[RecyclableRow, frozenset[str]]]
    ) -> Iterator[Outcome]:
        """Yield for each task on which side it is and shall be."""
        del actor
        for row, _ in rows:
            yield self.outcome_of(row)

    def outcome_of(self, row: RecyclableRow) -> Outcome:
        """Return the outcome of moving this task, as far as the task itself goes."""
        moves = row.recycled is not self.recycles
        outcome = Outcome(
            row.uid,
            OutcomeKind.CHANGE if moves else OutcomeKind.UNCHANGED,
            task_id=row.id,
            mark=str(row.version),
            before=_as_json(recycled=row.recycled),
            after=_as_json(recycled=self.recycles),
            changed=["/recycled"] if moves else [],
        )
        return self.changed_since(outcome) if moves and not row.untouched else outcome

    def write(self, *, outcomes: Sequence[Outcome], operation: Operation, at: datetime) -> int:
        """Write when the tasks were recycled, or that they are not, and their history."""
        return record_update(
            model=Task,
            operation=operation,
            at=at,
            keys=[outcome.task_id for outcome in outcomes if outcome.task_id is not None],
            columns={"recycled_at": [at if self.recycles else None] * len(outcomes)},
        )


@dataclass(frozen=True, kw_only=True)
class RecycleTasks(_MoveTasks):
    """Moves tasks to the recycle bin, where no other change finds them."""

    kind: ClassVar[str] = "recycle_tasks"
    title: ClassVar[str] = "Move to the recycle bin"
    recycles: ClassVar[bool] = True


@dataclass(frozen=True, kw_only=True)
class RestoreTasks(_MoveTasks):
    """Takes tasks out of the recycle bin, as far as their names are free."""

    kind: ClassVar[str] = "restore_tasks"
    title: ClassVar[str] = "Restore from the recycle bin"
    recycles: ClassVar[bool] = False

    def read(self, *, uids: Sequence[str], lock: bool) -> list[RecyclableRow]:
        """Return the tasks with their names; locked, nobody else gives these names away meanwhile."""
        rows = super().read(uids=uids, lock=lock)
        if lock:
            hold_names(project_ids=[row.project_id for row in rows])
        return rows

    def plan(
        self, *, actor: User, rows: Sequence[tuple[RecyclableRow, frozenset[str]]]
    ) -> Iterator[Outcome]:
        """Yield each task's side before and after, or that its name is not free."""
        del actor
        outcomes = [(row, self.outcome_of(row)) for row, _ in rows]
        returning = [row for row, outcome in outcomes if outcome.kind is OutcomeKind.CHANGE]
        in_the_way = _in_the_way(returning)
        for row, outcome in outcomes:
            if outcome.kind is not OutcomeKind.CHANGE:
                yield outcome
            elif detail := in_the_way.get(row.place):
                yield outcome._replace(
                    kind=OutcomeKind.INVALID,
                    after="",
                    changed=(),
                    reason=Reason.NAME_TAKEN,
                    detail=detail,
                    write=row.place,
                )
            else:
                yield outcome._replace(write=row.place)

    def companions(self, *, outcomes: Sequence[Outcome]) -> list[str]:
        """Return two of the tasks that would have one name: beside either, no other comes back."""
        namesakes: dict[NameInProject, list[str]] = defaultdict(list)
        for outcome in outcomes:
            if outcome.write:
                namesakes[outcome.write].append(outcome.uid)
        return [uid for uids in namesakes.values() if len(uids) > 1 for uid in uids[:2]]


RecycleTasks.inverse = RestoreTasks
RestoreTasks.inverse = RecycleTasks


def _in_the_way(returning: Iterable[RecyclableRow]) -> dict[NameInProject, str]:
    """Return which names cannot be given back, each with the reason."""
    wanted = Counter(row.place for row in returning)
    in_the_way = {
        place: f"another of the tasks to restore has the name {place.name!r} in its project"
        for place, count in wanted.items()
        if count > 1
    }
    for place in taken_names(wanted=wanted):
        in_the_way[place] = f"another task of its project has the name {place.name!r}"
    return in_the_way


def _as_json(*, recycled: bool) -> str:
    return json.dumps({"recycled": recycled})
