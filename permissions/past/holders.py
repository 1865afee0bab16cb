"""Who could do what with a task at a moment, and why; what its settings were is `tasks.past`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from itertools import groupby
from operator import itemgetter, or_
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import connection
from psycopg import sql

from audit.visibility import may_audit
from permissions.flags import ALL, NONE
from permissions.past import queries
from tasks.models import Task
from tasks.past import TaskUnknown, find_task


class PersonUnknown(Exception):
    """No account ever had this name."""


class Way(NamedTuple):
    """One way in which somebody held flags: a role and how it was held, or being a superuser.

    `via` is "member", "group" (then `group` names it), "project creator", "task creator" or
    "superuser", who needs no role.
    """

    role_code: int | None
    role_name: str | None
    via: str
    group: str | None
    flags: int


class Holder(NamedTuple):
    """Somebody who could do something, by the name of then, and every way in which."""

    user_id: int
    username: str
    ways: Sequence[Way]

    @property
    def flags(self) -> int:
        """All that the ways give together."""
        return flags_of(self.ways)


class TaskThen(NamedTuple):
    """A task as it was, and whose matrix governed it."""

    id: int
    uid: str
    name: str
    creator_id: int
    is_recycled: bool
    project_uid: str
    project_name: str
    matrix_id: int
    follows_project: bool


class TaskRights(NamedTuple):
    """What somebody could do on a task, and every way in which."""

    task: TaskThen
    ways: Sequence[Way]

    @property
    def flags(self) -> int:
        """All that the ways give together."""
        return flags_of(self.ways)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A page of an answer about a moment: what follows the key `after`, so many of it, or all."""

    at: datetime
    after: int = 0
    limit: int | None = None


def task_to_ask_about(*, actor: User, uid: str) -> int:
    """Return the key of a task whose rights the actor may ask about: auditors may, and its managers.

    Raises:
        TaskUnknown: there never was one, or it is none of the actor's business.
    """
    key = find_task(uid=uid)
    if not may_audit(actor=actor):
        task = Task.objects.filter(pk=key).first()
        if task is None or not actor.has_perm("tasks.manage_task", task):
            raise TaskUnknown
    return key


def find_account(*, name: str, at: datetime) -> int:
    """Return the key of the account that had the name then, or else last had it.

    Raises:
        PersonUnknown: none ever had it.
    """
    rows = read_rows(queries.FIND_ACCOUNT, {"name": name, "at": at})
    if not rows:
        raise PersonUnknown
    key: int = rows[0][0]
    return key


def task_then(*, task_id: int, at: datetime) -> TaskThen | None:
    """Return the task as it was; None if it did not exist."""
    return tasks_then(task_ids=[task_id], at=at).get(task_id)


def who_could(
    *, task: TaskThen, moment: Moment, flags: int = ALL, user_id: int | None = None
) -> list[Holder]:
    """Return who held any of the flags on the task, by the key of the account, and why."""
    arguments: dict[str, Any] = {
        "at": moment.at,
        "matrix": task.matrix_id,
        "creator": task.creator_id,
        "flags": flags,
        "user": user_id,
        "after": moment.after,
        "limit": moment.limit,
    }
    rows = read_rows(queries.READ_HOLDERS, arguments)
    return [
        Holder(user_id, username, [Way._make(row[2:]) for row in ways])
        for (user_id, username), ways in groupby(rows, key=itemgetter(0, 1))
    ]


def tasks_then(*, task_ids: Sequence[int], at: datetime) -> dict[int, TaskThen]:
    """Return the tasks as they were, by key, those that existed."""
    rows = read_rows(queries.READ_TASKS, {"ids": list(task_ids), "at": at})
    return {row[0]: TaskThen._make(row) for row in rows}


def flags_of(ways: Iterable[Way]) -> int:
    """Return all that the ways give together."""
    return reduce(or_, (way.flags for way in ways), NONE)


def read_rows(statement: sql.Composed | str, arguments: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return the rows that a statement finds."""
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
