"""What somebody was at a moment, and what differs for them at another: answered from history alone.

What somebody could do at a moment, task by task, is `permissions.past_rights.what_could`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from psycopg import sql

from audit.past import as_of
from permissions.past import TaskRights
from permissions.past_rights import Standing


# So many tasks are compared in one go, and a page is given up on after so many of them.
_WINDOW = 500
_MOST_WINDOWS = 20

_ACCOUNT = as_of(
    history="permissions_historicaluser",
    of="named.id",
    columns="username, is_active, is_staff, is_superuser",
)
_READ_ACCOUNT = sql.SQL("""
SELECT account.username, account.is_active, account.is_staff, account.is_superuser
FROM (SELECT %(user)s::bigint AS id) AS named
CROSS JOIN {account} AS account
""").format(account=_ACCOUNT)

# The groups that somebody was in and, by them or without, the roles that they held.
_READ_STANDING = sql.SQL("""
WITH belonging AS MATERIALIZED (
    SELECT belonging.group_id
    FROM (
        SELECT DISTINCT id FROM permissions_historicaluser_groups WHERE user_id = %(user)s
    ) AS named
    CROSS JOIN {belonging} AS belonging
    WHERE belonging.user_id = %(user)s
),
member AS MATERIALIZED (
    SELECT member.role_id, member.group_id
    FROM (
        SELECT id FROM permissions_historicalrolemember WHERE user_id = %(user)s
        UNION
        SELECT id
        FROM permissions_historicalrolemember
        WHERE group_id IN (SELECT group_id FROM belonging)
    ) AS named
    CROSS JOIN {member} AS member
    WHERE member.user_id = %(user)s
       OR member.group_id IN (SELECT group_id FROM belonging)
)
SELECT NULL, NULL, NULL, groups.name
FROM belonging AS held
CROSS JOIN {group} AS groups
UNION ALL
SELECT project.name, role.code, role.name, groups.name
FROM member AS held
CROSS JOIN {role} AS role
LEFT JOIN {project} AS project ON true
LEFT JOIN {group} AS groups ON true
ORDER BY 1 NULLS FIRST, 2, 4 NULLS FIRST
""").format(
    belonging=as_of(
        history="permissions_historicaluser_groups", of="named.id", columns="user_id, group_id"
    ),
    member=as_of(
        history="permissions_historicalrolemember",
        of="named.id",
        columns="role_id, user_id, group_id",
    ),
    role=as_of(
        history="permissions_historicalrole", of="held.role_id", columns="code, name, project_id"
    ),
    group=as_of(history="permissions_historicalgroup", of="held.group_id", columns="name"),
    project=as_of(history="tasks_historicalproject", of="role.project_id", columns="name"),
)


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
        cursor.execute(_READ_ACCOUNT, arguments)
        account = cursor.fetchone()
        if account is None:
            return None
        cursor.execute(_READ_STANDING, arguments)
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
