"""The change that copies tasks, and its undo.

It stands here, and not with the other changes of tasks, because a copy keeps its source's permissions
(`docs/decisions/0012-a-copy-gives-nothing-new.md`).
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple, Self

from django.contrib.auth.models import User
from django.db import connection

from audit.models import Operation
from audit.recorder import record_update
from permissions import queries
from permissions.flags import BY_CODENAME, Flag, bits_of, vendor_names
from permissions.models import TaskPermission
from tasks.batch.change import Change
from tasks.batch.plan import Outcome, OutcomeKind, Reason
from tasks.changes import RecycleTasks
from tasks.changes.settings import SettingsRow, settings_invalid
from tasks.creation import NewTask, insert_tasks
from tasks.models import new_uid
from tasks.names import NameInProject, free_numbers, hold_names
from tasks.type_schemas import TypeSchema, read_schemas


# What stands between a source's name and its copy's number, as the vendor has it.
VENDORS_WORD = "copy"
# A name has 200 characters at most; this leaves room for two hyphens and any number besides the word.
_ROOM = 188

_NO_COPY = json.dumps({"copy": None})


class SourceRow(NamedTuple):
    """A task to copy, what governs it, what its creator holds by that, and the id for its copy.

    There is no id yet in a preview: nothing is promised before it is true.
    """

    id: int
    uid: str
    task_type_id: int
    version: int
    settings: str
    project_id: int
    name: str
    enabled: bool
    disabled_reason: str
    matrix_id: int
    own_matrix_id: int | None
    follows: bool
    creators_flags: int
    uid_of_copy: str

    def stem(self, word: str) -> NameInProject:
        """What stands before the number in the copy's name."""
        return NameInProject(self.project_id, f"{self.name[: _ROOM - len(word)]}-{word}-")


class Copy(NamedTuple):
    """A source and the name that its copy gets."""

    source: SourceRow
    name: str


@dataclass(frozen=True, kw_only=True)
class CopyTasks(Change[SourceRow]):
    """Copies tasks within their projects: settings, references to secrets, state and permissions.

    The actor becomes the copies' creator, and so holds what the matrix gives a task's creator: a copy
    by which the actor would come to hold more than on its source, besides managing it, is refused.
    A copy is named as its source, with `word`, of forty characters at most, and the first free number.
    """

    kind: ClassVar[str] = "copy_tasks"
    title: ClassVar[str] = "Copy"
    right: ClassVar[str] = "copy_task"

    word: str = VENDORS_WORD

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, Any]) -> Self:
        """Return the change that `parameters()` described."""
        return cls(word=parameters["word"])

    def parameters(self) -> dict[str, Any]:
        """Return the word for the names."""
        return {"word": self.word}

    def read(self, *, uids: Sequence[str], lock: bool) -> list[SourceRow]:
        """Return the sources with their permissions; locked, nobody else takes names meanwhile."""
        statement = queries.READ_SOURCES + (queries.LOCK_SOURCES if lock else "")
        with connection.cursor() as cursor:
            cursor.execute(statement, {"uids": list(uids)})
            rows = [SourceRow._make((*row, new_uid() if lock else "")) for row in cursor.fetchall()]
        if lock:
            hold_names(project_ids=[row.project_id for row in rows])
        return rows

    def plan(
        self, *, actor: User, rows: Sequence[tuple[SourceRow, frozenset[str]]]
    ) -> Iterator[Outcome]:
        """Yield the name of each task's copy, or what forbids to copy it."""
        del actor
        types = read_schemas({row.task_type_id for row, _ in rows})
        refused = {row.uid: _refusal(row, held, types) for row, held in rows}
        names = _names([row for row, _ in rows if not refused[row.uid]], word=self.word)
        for row, _ in rows:
            yield refused[row.uid] or _copy_outcome(Copy(row, names[row.uid]), types)

    def companions(self, *, outcomes: Sequence[Outcome]) -> list[str]:
        """Return the sources of which another's copy begins with the same name."""
        copied = [outcome for outcome in outcomes if outcome.kind is OutcomeKind.CHANGE]
        stems = {outcome.uid: outcome.write.source.stem(self.word) for outcome in copied}
        shared = Counter(stems.values())
        return [uid for uid, stem in stems.items() if shared[stem] > 1]

    def write(self, *, outcomes: Sequence[Outcome], operation: Operation, at: datetime) -> int:
        """Insert the copies, give them what governs their sources, and record both."""
        copies: list[Copy] = [outcome.write for outcome in outcomes]
        added = insert_tasks(
            operation=operation,
            at=at,
            tasks=[_new_task(copy, operation=operation, at=at) for copy in copies],
        )
        _keep_permissions(copies=copies, operation=operation, at=at)
        return added


@dataclass(frozen=True, kw_only=True)
class RecycleCopies(RecycleTasks):
    """Moves the copies that an operation made to the recycle bin, unless they were changed since."""

    kind: ClassVar[str] = "recycle_copies"
    title: ClassVar[str] = "Undo copying"
    of_operation: ClassVar[str] = queries.READ_COPIES_OF_OPERATION


CopyTasks.inverse = RecycleCopies


def uid_of_copy(outcome: Outcome) -> str:
    """Return the id of the copy that an applied outcome made."""
    return str(json.loads(outcome.after)["copy"]["uid"])


def _refusal(
    row: SourceRow, held: frozenset[str], types: Mapping[int, TypeSchema]
) -> Outcome | None:
    """Return why the task cannot be copied, if so."""
    more = row.creators_flags & ~sum(BY_CODENAME[codename].bit for codename in held)
    # Who makes a task manages it; that alone hands on nothing that its maker does not hold.
    if gained := more & ~bits_of([Flag.MANAGE]):
        names = ", ".join(vendor_names(gained))
        return Outcome(
            row.uid,
            OutcomeKind.DENIED,
            task_id=row.id,
            mark=_mark(row, types),
            before=_NO_COPY,
            reason=Reason.NOT_HELD,
            detail=f"as the copy's creator you would hold {names}, which you do not hold on this task",
        )
    if problems := types[row.task_type_id].schema.problems(json.loads(row.settings)):
        invalid = settings_invalid(row=SettingsRow._make(row[:5]), problems=problems, types=types)
        return invalid._replace(mark=_mark(row, types), before=_NO_COPY)
    return None


def _names(rows: Sequence[SourceRow], *, word: str) -> dict[str, str]:
    """Return the name of each task's copy, such as name-copy-1: the first that is free."""
    stems = {row.uid: row.stem(word) for row in rows}
    free = {
        stem: iter(numbers)
        for stem, numbers in free_numbers(wanted=Counter(stems.values())).items()
    }
    return {uid: f"{stem.name}{next(free[stem])}" for uid, stem in stems.items()}


def _copy_outcome(copy: Copy, types: Mapping[int, TypeSchema]) -> Outcome:
    row, name = copy
    after = {"name": name, "uid": row.uid_of_copy} if row.uid_of_copy else {"name": name}
    return Outcome(
        row.uid,
        OutcomeKind.CHANGE,
        task_id=row.id,
        mark=f"{_mark(row, types)}.{name}",
        before=_NO_COPY,
        after=json.dumps({"copy": after}, ensure_ascii=False),
        changed=["/copy"],
        write=copy,
    )


def _mark(row: SourceRow, types: Mapping[int, TypeSchema]) -> str:
    governed = f"{row.matrix_id}.{row.own_matrix_id or ''}.{row.creators_flags}"
    return f"{row.version}.{row.task_type_id}.{types[row.task_type_id].version}.{governed}"


def _new_task(copy: Copy, *, operation: Operation, at: datetime) -> NewTask:
    source, name = copy
    assert operation.actor_id is not None  # noqa: S101 - a change runs on somebody's authority
    return NewTask(
        uid=source.uid_of_copy,
        name=name,
        project_id=source.project_id,
        task_type_id=source.task_type_id,
        settings=source.settings,
        created_by_id=operation.actor_id,
        created_at=at,
        enabled=source.enabled,
        disabled_reason=source.disabled_reason,
    )


def _keep_permissions(*, copies: Sequence[Copy], operation: Operation, at: datetime) -> None:
    """Govern the copies as their sources; the database made them follow their projects."""
    sources = {
        copy.source.uid_of_copy: copy.source
        for copy in copies
        if not copy.source.follows or copy.source.own_matrix_id is not None
    }
    if not sources:
        return
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_TASK_IDS, {"uids": list(sources)})
        found = [(task_id, sources[uid]) for task_id, uid in cursor.fetchall()]
    record_update(
        model=TaskPermission,
        operation=operation,
        at=at,
        keys=[task_id for task_id, _ in found],
        columns={
            "matrix": [source.matrix_id for _, source in found],
            "own_matrix": [source.own_matrix_id for _, source in found],
        },
    )
