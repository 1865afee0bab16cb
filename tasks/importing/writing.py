"""The import itself: one operation in one transaction, chunk by chunk, so that memory stays flat."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, Protocol

from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit.context import Origin, recording
from audit.models import Channel, Operation, State
from audit.recorder import new_operation
from tasks.creation import insert_tasks
from tasks.importing.checking import Checked, Checker, Terms
from tasks.importing.directory import Directory, may_not_add
from tasks.importing.records import FileUnreadable, Record
from tasks.secrets import store_secrets


CHUNK = 2000


class ImportRefused(Exception):
    """Nothing was imported, for a reason that lies in no single row."""


class ImportDrifted(ImportRefused):
    """The rows would fare otherwise than when they were looked at; nothing was imported."""


@dataclass(frozen=True, kw_only=True)
class Import:
    """Records, what holds for all of them, and what shall become of them.

    Nothing is kept if a row is bad, unless `skip_bad`; with `dry_run` nothing is kept at all. `expected`
    is the mark of a dry run: then the same must become of every row.
    """

    records: Iterable[Record]
    terms: Terms
    origin: Origin
    file_name: str
    skip_bad: bool = False
    dry_run: bool = False
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told what became of every row, and of every chunk that is done."""

    row: Callable[[Checked], None]
    chunk_done: Callable[[], None]


class Receipt(Protocol):
    """Is claimed before anything is written, and settled in the transaction that keeps it."""

    def claim(self) -> None:
        """Wait for whoever claimed it before, and raise if they settled it."""

    def settle(self, *, operation: Operation) -> None:
        """Note the operation."""


class Imported(NamedTuple):
    """How many tasks were added and rows bad, a mark of what became of each, and whether it is kept."""

    operation: Operation
    added: int
    bad: int
    mark: str
    kept: bool


def import_tasks(
    *, actor: User, wanted: Import, watcher: Watcher, receipt: Receipt | None = None
) -> Imported:
    """Add the tasks of all records, or none of them.

    Raises:
        FileUnreadable: the file is broken, or holds no task.
        ImportRefused: the actor may not, a given project or type does not exist, or the database
            changed meanwhile.
        ImportDrifted: something else would become of the rows than was expected.
    """
    _check_terms(actor=actor, terms=wanted.terms)
    now = timezone.now()
    origin = replace(wanted.origin, channel=Channel.IMPORT)
    operation = new_operation(
        actor=actor, kind="import_tasks", origin=origin, at=now, parameters=_told(wanted)
    )
    operation.state, operation.started_at = State.RUNNING, now
    checker = Checker(actor=actor, terms=wanted.terms, operation=operation, at=now)
    with transaction.atomic(durable=True):
        if receipt:
            receipt.claim()
        with recording(operation):
            # Checked statement by statement: a queue of a million checks until the end would grow
            # with the file. So the operation must stand before what names it.
            operation.save(force_insert=True)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            tally = _write_all(wanted.records, checker=checker, watcher=watcher)
        _finish(operation, added=tally.added, bad=tally.bad)
        if wanted.expected not in {"", tally.mark}:
            raise ImportDrifted("something else would become of the rows now")
        kept = tally.added > 0 and not wanted.dry_run and (wanted.skip_bad or not tally.bad)
        if kept and receipt:
            receipt.settle(operation=operation)
        transaction.set_rollback(not kept)
    if kept and tally.added >= CHUNK:
        _refresh_statistics()
    return Imported(operation, tally.added, tally.bad, tally.mark, kept)


class _Tally:
    """Counts good and bad rows, and sums up in a mark what became of each."""

    def __init__(self) -> None:
        self.added = self.bad = 0
        self._digest = hashlib.sha256()

    def count(self, row: Checked) -> None:
        """Count the row."""
        fate: list[Any] = [row.place]
        if row.task is None:
            self.bad += 1
            fate += row.problems
        else:
            self.added += 1
            fate += [row.task.project_id, row.task.task_type_id, row.task.created_by_id]
        self._digest.update(json.dumps(fate).encode())

    @property
    def mark(self) -> str:
        """What became of all rows so far, in short."""
        return self._digest.hexdigest()


def _write_all(records: Iterable[Record], *, checker: Checker, watcher: Watcher) -> _Tally:
    """Write what is good of every chunk; return what became of the rows.

    Raises:
        FileUnreadable: the file holds no task.
    """
    tally = _Tally()
    iterator = iter(records)
    while chunk := list(islice(iterator, CHUNK)):
        checked = list(checker.check(chunk))
        _write(checked, operation=checker.operation, at=checker.at)
        for row in checked:
            tally.count(row)
            watcher.row(row)
        watcher.chunk_done()
    if not tally.added + tally.bad:
        raise FileUnreadable("the file holds no task")
    return tally


def _refresh_statistics() -> None:
    """Let the planner know of the new rows now; by itself it learns of them up to minutes later."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _check_terms(*, actor: User, terms: Terms) -> None:
    if not actor.is_active:
        raise ImportRefused(f"the account {actor.get_username()!r} is not active")
    directory = Directory(actor=actor)
    if terms.project:
        directory.learn_projects([terms.project])
        project = directory.projects.get(terms.project)
        if project is None:
            raise ImportRefused(f"there is no project {terms.project!r}")
        if not project.may_add:
            raise ImportRefused(may_not_add(actor=actor, project=project))
    if terms.task_type:
        directory.learn_types([terms.task_type])
        if terms.task_type not in directory.types:
            raise ImportRefused(f"there is no task type {terms.task_type!r}")


def _told(wanted: Import) -> Mapping[str, object]:
    return {
        "file": wanted.file_name,
        "project": wanted.terms.project,
        "type": wanted.terms.task_type,
        "ignore_creators": wanted.terms.ignore_creators,
        "skip_bad": wanted.skip_bad,
    }


def _write(checked: Sequence[Checked], *, operation: Operation, at: datetime) -> None:
    tasks = [row.task for row in checked if row.task]
    secrets = {name: value for row in checked for name, value in row.secrets.items()}
    if not tasks:
        return
    try:
        if secrets:
            store_secrets(secrets)
        insert_tasks(operation=operation, at=at, tasks=tasks)
    except IntegrityError as error:
        # Everything was looked up just before, so somebody else wrote in between.
        raise ImportRefused(
            "the same ids or names were added, or what they refer to was removed, by somebody else"
            " meanwhile; nothing was imported: run it again"
        ) from error


def _finish(operation: Operation, *, added: int, bad: int) -> None:
    operation.state = State.APPLIED
    operation.targets = added
    operation.changed = added
    operation.parameters = {**operation.parameters, "skipped": bad}
    operation.save()
