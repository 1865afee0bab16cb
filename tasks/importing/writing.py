"""The import itself: one operation in one transaction, chunk by chunk, so that memory stays flat."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit.context import Origin, recording
from audit.models import Operation, State
from audit.recorder import new_operation
from tasks.creation import insert_tasks
from tasks.importing.checking import Checked, Checker, Terms
from tasks.importing.directory import Directory, may_not_add
from tasks.importing.records import FileUnreadable, Record
from tasks.secrets import store_secrets


CHUNK = 2000


class ImportRefused(Exception):
    """Nothing was imported, for a reason that lies in no single row."""


class BadRow(NamedTuple):
    """A record that cannot be imported: where it stands and everything that is wrong."""

    place: str
    problems: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Import:
    """Records, what holds for all of them, and what shall become of them.

    Nothing is kept if a row is bad, unless `skip_bad`; with `dry_run` nothing is kept at all.
    """

    records: Iterable[Record]
    terms: Terms
    origin: Origin
    file_name: str
    skip_bad: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Watcher:
    """Who is told of every bad row, and of every chunk that is done."""

    bad_row: Callable[[BadRow], None]
    chunk_done: Callable[[], None]


class Imported(NamedTuple):
    """How many tasks were added and rows bad, and whether what was added is kept."""

    operation: Operation
    added: int
    bad: int
    kept: bool


def import_tasks(*, actor: User, wanted: Import, watcher: Watcher) -> Imported:
    """Add the tasks of all records, or none of them.

    Raises:
        FileUnreadable: the file is broken, or holds no task.
        ImportRefused: the actor may not, a given project or type does not exist, or the database
            changed meanwhile.
    """
    _check_terms(actor=actor, terms=wanted.terms)
    now = timezone.now()
    operation = new_operation(
        actor=actor, kind="import_tasks", origin=wanted.origin, at=now, parameters=_told(wanted)
    )
    operation.state, operation.started_at = State.RUNNING, now
    checker = Checker(actor=actor, terms=wanted.terms, operation=operation, at=now)
    with transaction.atomic(durable=True):
        with recording(operation):
            # Checked statement by statement: a queue of a million checks until the end would grow
            # with the file. So the operation must stand before what names it.
            operation.save(force_insert=True)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            added, bad = _write_all(wanted.records, checker=checker, watcher=watcher)
        _finish(operation, added=added, bad=bad)
        kept = added > 0 and not wanted.dry_run and (wanted.skip_bad or not bad)
        transaction.set_rollback(not kept)
    if kept and added >= CHUNK:
        _refresh_statistics()
    return Imported(operation, added, bad, kept)


def _write_all(records: Iterable[Record], *, checker: Checker, watcher: Watcher) -> tuple[int, int]:
    """Write what is good of every chunk; return how many rows were good and how many bad.

    Raises:
        FileUnreadable: the file holds no task.
    """
    added = bad = 0
    iterator = iter(records)
    while chunk := list(islice(iterator, CHUNK)):
        checked = list(checker.check(chunk))
        added += _write(checked, operation=checker.operation, at=checker.at)
        for row in checked:
            if row.task is None:
                bad += 1
                watcher.bad_row(BadRow(row.place, row.problems))
        watcher.chunk_done()
    if not added + bad:
        raise FileUnreadable("the file holds no task")
    return added, bad


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


def _write(checked: Sequence[Checked], *, operation: Operation, at: datetime) -> int:
    tasks = [row.task for row in checked if row.task]
    secrets = {name: value for row in checked for name, value in row.secrets.items()}
    if not tasks:
        return 0
    try:
        if secrets:
            store_secrets(secrets)
        return insert_tasks(operation=operation, at=at, tasks=tasks)
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
