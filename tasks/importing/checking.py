"""Records become tasks here, or a list of everything that is wrong with them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import connection

from audit.models import Operation
from tasks import queries
from tasks.creation import NewTask
from tasks.importing.directory import Directory, KnownProject, may_not_add
from tasks.importing.records import Record
from tasks.importing.rows import Row, row_of
from tasks.importing.settings import NOT_JUDGED, judge_settings
from tasks.models import new_uid


_EARLIER_ROW = "an earlier row"
_EXISTING_TASK = "a task that exists"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The project and type of rows that name none, and whether the rows' creators count."""

    project: str = ""
    task_type: str = ""
    ignore_creators: bool = False


class Checked(NamedTuple):
    """A record after all checks: the task and its secrets by reference, or the problems."""

    place: str
    problems: Sequence[str]
    task: NewTask | None
    secrets: Mapping[str, str]


class Taken(NamedTuple):
    """Ids, and names in their projects, that no further task may have; each with who has it."""

    uids: dict[str, str]
    names: dict[tuple[int, str], str]


class Checker:
    """Checks records, chunk by chunk, against the database and against each other."""

    def __init__(self, *, actor: User, terms: Terms, operation: Operation, at: datetime) -> None:
        self._actor = actor
        self._terms = terms
        self.operation = operation
        self.at = at
        self._directory = Directory(actor=actor)
        self._defaults = {
            "uid": "",
            "project": terms.project,
            "type": terms.task_type,
            "settings": {},
            "enabled": True,
            "disabled_reason": "",
            "creator": actor.get_username(),
        }

    def check(self, records: Sequence[Record]) -> Iterator[Checked]:
        """Yield what became of each record; the statements do not depend on their number."""
        rows = [self._row(record) for record in records]
        self._directory.learn_projects({row.project for row in rows if row.project})
        self._directory.learn_types({row.type for row in rows if row.type})
        self._directory.learn_accounts({row.creator for row in rows if row.creator})
        taken = self._read_taken(rows)
        for row in rows:
            yield self._checked(row, taken)

    def _row(self, record: Record) -> Row:
        if self._terms.ignore_creators and "creator" in record.fields:
            others = {name: value for name, value in record.fields.items() if name != "creator"}
            record = record._replace(fields=others)
        return row_of(record, defaults=self._defaults)

    def _read_taken(self, rows: Sequence[Row]) -> Taken:
        projects = self._directory.projects
        wanted = [
            (projects[row.project].id, row.name)
            for row in rows
            if row.name and row.project in projects
        ]
        arguments: dict[str, Any] = {
            "uids": [row.uid for row in rows if row.uid],
            "projects": [project_id for project_id, _ in wanted],
            "names": [name for _, name in wanted],
            "operation": self.operation.pk,
        }
        taken = Taken({}, {})
        with connection.cursor() as cursor:
            cursor.execute(queries.READ_TAKEN, arguments)
            for uid, project_id, name, earlier in cursor.fetchall():
                holder = _EARLIER_ROW if earlier else _EXISTING_TASK
                if uid:
                    taken.uids[uid] = holder
                else:
                    taken.names[project_id, name] = holder
        return taken

    def _checked(self, row: Row, taken: Taken) -> Checked:
        project = self._directory.projects.get(row.project or "")
        task_type = self._directory.types.get(row.type or "")
        creator = self._directory.accounts.get(row.creator or "")
        problems = [*row.problems, *self._unknown(row), *_collisions(row, project, taken)]
        judged = judge_settings(row, task_type) if task_type else NOT_JUDGED
        problems += judged.problems
        if problems or not (project and task_type and creator and row.name):
            return Checked(row.place, problems, None, {})
        uid = row.uid or new_uid()
        taken.uids[uid] = taken.names[project.id, row.name] = _EARLIER_ROW
        task = NewTask(
            uid=uid,
            name=row.name,
            project_id=project.id,
            task_type_id=task_type.id,
            settings=judged.text,
            created_by_id=creator,
            created_at=self.at,
            enabled=bool(row.enabled),
            disabled_reason=row.disabled_reason or "",
        )
        return Checked(row.place, (), task, judged.secrets)

    def _unknown(self, row: Row) -> Iterator[str]:
        """Yield which names of the row name nothing, or nothing that the actor may use."""
        project = self._directory.projects.get(row.project or "")
        if row.project and not project:
            yield f"project: there is no project {row.project!r}"
        elif project and not project.may_add:
            yield f"project: {may_not_add(actor=self._actor, project=project)}"
        if row.type and row.type not in self._directory.types:
            yield f"type: there is no task type {row.type!r}"
        if row.creator and row.creator not in self._directory.accounts:
            yield f"creator: there is no account {row.creator!r}"


def _collisions(row: Row, project: KnownProject | None, taken: Taken) -> Iterator[str]:
    if holder := taken.uids.get(row.uid or ""):
        yield f"uid: {row.uid} is the id of {holder}"
    if project and (holder := taken.names.get((project.id, row.name or ""))):
        yield f"name: {row.name!r} is the name of {holder} in {project.name!r}"
