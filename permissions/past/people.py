"""What somebody was at a moment, and what differs for them at another: answered from history alone.

What somebody could do at a moment, task by task, is `permissions.past.rights`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from permissions.past import rights_queries as queries
from permissions.past.holders import TaskRights
from permissions.past.rights import Standing


# So many tasks are compared in one go, and a page is given up on after so many of them.
_WINDOW = 500
_MOST_WINDOWS = 20


class RoleHeld(NamedTuple):
    """A role that somebody held, and through which group if it was through one."""

    project: str
    code: int
    name: str
    group: str | None


class PersonThen(NamedTuple):
    """What somebody was at a moment."""

    username: str
    is_active: bool
    is_staff: bool
    is_superuser: bool
    groups: Sequence[str]
    roles: Sequence[RoleHeld]


class RightsCompared(NamedTuple):
    """A task on which somebody could do one thing at the one moment and another at the other."""

    task_id: int
    before: TaskRights | None
    after: TaskRights | None


class Compared(NamedTuple):
    """A page of what differs, by task; `next` is the key to go on after, if there is more."""

    changes: Sequence[RightsCompared]
    next: int | None


@dataclass(frozen=True, kw_only=True)
class Moments:
    """Two moments, and a page of what differs: what follows the key `after`, so many of it at most."""

    at: datetime
    compared_with: datetime
    limit: int
    after: int = 0


def person_then(*, user_id: int, at: datetime) -> PersonThen | None:
    """Return what somebody was; None if the account did not exist."""
    arguments: dict[str, Any] = {"user": user_id, "at": at}
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_PERSON, arguments)
        account = cursor.fetchone()
        if account is None:
            return None
        cursor.execute(queries.READ_GROUPS_AND_ROLES, arguments)
        rows = cursor.fetchall()
    groups = [group for _, code, _, group in rows if code is None]
    roles = [RoleHeld(project or "", *held) for project, *held in rows if held[0] is not None]
    return PersonThen._make((*account, groups, roles))


def compare_rights(*, user_id: int, moments: Moments, flags: int) -> Compared:
    """Return on which tasks somebody could do other things at the other moment, of these flags.

    A page may be short, even empty, and others follow all the same: `next` says so.
    """
    standings = [Standing.of(user_id=user_id, at=at) for at in (moments.at, moments.compared_with)]
    changes: list[RightsCompared] = []
    after = moments.after
    for _ in range(_MOST_WINDOWS):
        possible = [each.tasks(after=after, limit=_WINDOW) if each else [] for each in standings]
        # Beyond the end of the shorter side nothing is known of it yet.
        end = min((keys[-1] for keys in possible if len(keys) == _WINDOW), default=None)
        keys = sorted({key for side in possible for key in side if end is None or key <= end})
        before, now = (each.rights(keys) if each else [] for each in standings)
        changes += _differing(before, now, flags=flags)
        if len(changes) > moments.limit:
            return Compared(changes[: moments.limit], changes[moments.limit - 1].task_id)
        if end is None:
            return Compared(changes, None)
        after = end
    return Compared(changes, after)


def _differing(
    before: Sequence[TaskRights], after: Sequence[TaskRights], *, flags: int
) -> Iterator[RightsCompared]:
    had = {rights.task.id: rights for rights in before}
    has = {rights.task.id: rights for rights in after}
    for key in sorted(had.keys() | has.keys()):
        sides = (had.get(key), has.get(key))
        was, became = (side.flags & flags if side else 0 for side in sides)
        if was != became:
            yield RightsCompared(key, *sides)
