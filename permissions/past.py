"""Who could do what at a moment, and why: answered from history alone, as the system answered then.

Owns the questions about the past of permissions; those about settings are `tasks.past`. The rule of
time is `audit.past`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import connection
from psycopg import sql

from audit.visibility import may_audit
from permissions import past_queries as queries
from permissions.flags import ALL, NONE, Flag
from tasks.models import Task
from tasks.past import TaskUnknown, find_task


# As many tasks are looked at in one go, while a page is being filled.
_CHUNK = 500
# A page is given up on, and goes on with the next, after so many of them.
_MOST_CHUNKS = 20


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
        return _together(self.ways)


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
        return _together(self.ways)


class RightsPage(NamedTuple):
    """Some tasks, fewer where few fit, and the key behind which to go on; None at the end."""

    rights: list[TaskRights]
    following: int | None


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
    rows = _read(queries.FIND_ACCOUNT, {"name": name, "at": at})
    if not rows:
        raise PersonUnknown
    key: int = rows[0][0]
    return key


def task_then(*, task_id: int, at: datetime) -> TaskThen | None:
    """Return the task as it was; None if it did not exist."""
    return _tasks_then([task_id], at).get(task_id)


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
    rows = _read(queries.READ_HOLDERS, arguments)
    return [
        Holder(user_id, username, [Way._make(row[2:]) for row in ways])
        for (user_id, username), ways in groupby(rows, key=itemgetter(0, 1))
    ]


def what_could(*, user_id: int, moment: Moment) -> list[TaskRights]:
    """Return the tasks on which the user held any flag, by key, and why."""
    page = read_rights(user_id=user_id, moment=moment)
    found = page.rights
    while page.following is not None and (moment.limit is None or len(found) < moment.limit):
        page = read_rights(user_id=user_id, moment=replace(moment, after=page.following))
        found += page.rights
    return found[: moment.limit]


def read_rights(*, user_id: int, moment: Moment) -> RightsPage:
    """Return a page of the tasks on which the user held any flag, having looked at so many at most."""
    account = _read(queries.READ_ACCOUNT, {"user": user_id, "at": moment.at})
    if not account or not account[0][1]:
        return RightsPage([], None)
    search = _Search(user_id=user_id, at=moment.at, is_superuser=account[0][2])
    found: list[TaskRights] = []
    after = moment.after
    # On most tasks that are possible the user held something: the first look need not go far.
    size = _CHUNK if moment.limit is None else min(2 * moment.limit, _CHUNK)
    for _ in range(_MOST_CHUNKS):
        possible = search.possible(after=after, limit=size)
        found += search.rights(possible)
        if moment.limit is not None and len(found) >= moment.limit:
            page = found[: moment.limit]
            return RightsPage(page, page[-1].task.id)
        if len(possible) < size:
            return RightsPage(found, None)
        size = _CHUNK
        after = possible[-1]
    return RightsPage(found, after)


class _Search:
    """Looks through the tasks on which a user may have held something."""

    def __init__(self, *, user_id: int, at: datetime, is_superuser: bool) -> None:
        self._user_id, self._at = user_id, at
        self._of_everything = [Way(None, None, "superuser", None, ALL)] if is_superuser else []
        self._ways = _ways_by_matrix(
            _read(queries.READ_STANDING, {"user": user_id, "at": at}),
        )

    def possible(self, *, after: int, limit: int) -> list[int]:
        """Return the next tasks to look at, by key."""
        arguments: dict[str, Any] = {
            "after": after,
            "limit": limit,
            "user": self._user_id,
            "matrices": list(self._ways),
        }
        everything = queries.FIND_ALL_TASKS if self._of_everything else queries.FIND_TASKS
        with connection.cursor() as cursor:
            cursor.execute(everything, arguments)
            return [key for (key,) in cursor.fetchall()]

    def rights(self, task_ids: Sequence[int]) -> list[TaskRights]:
        """Return those of the tasks on which the user held anything."""
        tasks = _tasks_then(task_ids, self._at)
        created = {key: task for key, task in tasks.items() if task.creator_id == self._user_id}
        matrices = sorted({task.matrix_id for task in created.values()})
        of_creators = _ways_by_matrix(
            _read(queries.READ_CREATORS_ROWS, {"matrices": matrices, "at": self._at})
            if matrices
            else []
        )
        rights = [
            TaskRights(
                task,
                [
                    *self._of_everything,
                    *self._ways.get(task.matrix_id, ()),
                    *(of_creators.get(task.matrix_id, ()) if key in created else ()),
                ],
            )
            for key, task in tasks.items()
        ]
        return [right for right in rights if right.flags]


def compare_holders(
    *, before: Sequence[Holder], after: Sequence[Holder], flag: Flag
) -> tuple[list[Holder], list[Holder]]:
    """Return who gained the flag between two moments, and who lost it; each with the ways of its moment."""
    had = {holder.user_id for holder in before if holder.flags & flag.bit}
    has = {holder.user_id for holder in after if holder.flags & flag.bit}
    gained = [holder for holder in after if holder.user_id in has - had]
    lost = [holder for holder in before if holder.user_id in had - has]
    return gained, lost


def _tasks_then(task_ids: Sequence[int], at: datetime) -> dict[int, TaskThen]:
    rows = _read(queries.READ_TASKS, {"ids": list(task_ids), "at": at})
    return {row[0]: TaskThen._make(row) for row in rows}


def _ways_by_matrix(rows: Iterable[tuple[Any, ...]]) -> dict[int, list[Way]]:
    ways: dict[int, list[Way]] = {}
    for matrix_id, *way in rows:
        ways.setdefault(matrix_id, []).append(Way._make(way))
    return ways


def _together(ways: Iterable[Way]) -> int:
    flags = NONE
    for way in ways:
        flags |= way.flags
    return flags


def _read(statement: sql.Composed, arguments: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, arguments)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows
