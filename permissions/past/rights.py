"""What somebody could do at a moment, task by task, and why: answered from history alone.

Whatever they held is few; the tasks on which they held it may be all there are. So these are gone through
by key, some at a time, and what governed just these is asked.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Self

from permissions.flags import ALL
from permissions.past import queries as past_queries
from permissions.past import rights_queries as queries
from permissions.past.holders import Moment, TaskRights, Way, read_rows, tasks_then
from permissions.roles import ADMINISTRATOR, TASK_CREATOR


# As many tasks are looked at in one go, while a page is being filled.
_CHUNK = 500
# A page is given up on, and goes on with the next, after so many of them.
_MOST_CHUNKS = 20
# Of up to so many projects, each is asked for its next tasks by itself.
_FEW_PROJECTS = 50

_SUPERUSER = Way(None, None, "superuser", None, ALL)


class RightsPage(NamedTuple):
    """Some tasks, fewer where few fit, and the key behind which to go on; None at the end."""

    rights: list[TaskRights]
    following: int | None


class Held(NamedTuple):
    """How a role was held."""

    via: str
    group: str | None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What somebody held, by role; the projects of these roles, and those that they created."""

    user_id: int
    at: datetime
    is_superuser: bool
    roles: dict[int, list[Held]] = field(default_factory=lambda: defaultdict(list))
    projects: set[int] = field(default_factory=set)
    created: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, *, user_id: int, at: datetime) -> Self | None:
        """Return what somebody held; None if there was no account, or if it was inactive."""
        asked = {"user": user_id, "at": at}
        account = read_rows(past_queries.READ_ACCOUNT, asked)
        if not account or not account[0][1]:
            return None
        standing = cls(user_id=user_id, at=at, is_superuser=account[0][2])
        for project_id, role_id, *held in read_rows(queries.READ_STANDING, asked):
            standing.projects.add(project_id)
            if role_id is None:
                standing.created.add(project_id)
            else:
                standing.roles[role_id].append(Held._make(held))
        return standing

    def tasks(self, *, after: int, limit: int, project_id: int | None = None) -> list[int]:
        """Return the next tasks on which they may have held anything, by key; of one project or of all."""
        projects = sorted(self.projects)
        find = queries.FIND_TASKS
        if project_id is not None:
            is_open = self.is_superuser or project_id in self.projects
            projects = [project_id] if is_open else []
        elif self.is_superuser:
            find = queries.FIND_ALL_TASKS
        elif len(projects) > _FEW_PROJECTS:
            find = queries.FIND_TASKS_OF_MANY
        asked = {
            "after": after,
            "limit": limit,
            "user": self.user_id,
            "projects": projects,
            "project": project_id,
        }
        return [key for (key,) in read_rows(find, asked)]

    def rights(self, task_ids: Sequence[int]) -> list[TaskRights]:
        """Return those of the tasks on which they held anything."""
        tasks = tasks_then(task_ids=task_ids, at=self.at)
        ways = self.ways({task.matrix_id for task in tasks.values()})
        rights = []
        for task in tasks.values():
            is_created = task.creator_id == self.user_id
            held = self.held(ways.get(task.matrix_id), is_created=is_created)
            rights.append(TaskRights(task, held))
        return [right for right in rights if right.flags]

    def held(self, given: "MatrixWays | None", *, is_created: bool) -> list[Way]:
        """Return in which ways they held anything on a task, by what its matrix gave them."""
        everywhere = [_SUPERUSER] if self.is_superuser else []
        of_roles, of_creators = given or ([], [])
        return [*everywhere, *of_roles, *(of_creators if is_created else ())]

    def ways(self, matrices: set[int]) -> dict[int, "MatrixWays"]:
        """Return in which ways these matrices gave them anything."""
        if not matrices:
            return {}
        asked = {"matrices": sorted(matrices), "roles": list(self.roles), "at": self.at}
        ways: dict[int, MatrixWays] = defaultdict(lambda: MatrixWays([], []))
        for matrix, project, role, row_code, code, name, flags in read_rows(
            queries.READ_GRANTED, asked
        ):
            given = ways[matrix]
            for held in self.roles.get(role, ()):
                given.of_roles.append(Way(code, name, *held, flags))
            if row_code == ADMINISTRATOR and project in self.created:
                given.of_roles.append(Way(code, name, "project creator", None, flags))
            if row_code == TASK_CREATOR:
                given.of_creators.append(Way(code, name, "task creator", None, flags))
        for given in ways.values():
            given.of_roles.sort(key=_order)
        return ways


class MatrixWays(NamedTuple):
    """In which ways a matrix gave somebody flags: on each of its tasks, and on those that they created."""

    of_roles: list[Way]
    of_creators: list[Way]


def read_rights(*, user_id: int, moment: Moment, project_id: int | None = None) -> RightsPage:
    """Return a page of the tasks on which the user held any flag, having looked at so many at most.

    Of one project or of all.
    """
    standing = Standing.of(user_id=user_id, at=moment.at)
    if standing is None:
        return RightsPage([], None)
    found: list[TaskRights] = []
    after = moment.after
    # On most tasks that are possible the user held something: the first look need not go far.
    size = _CHUNK if moment.limit is None else min(2 * moment.limit, _CHUNK)
    for _ in range(_MOST_CHUNKS):
        possible = standing.tasks(after=after, limit=size, project_id=project_id)
        found += standing.rights(possible)
        if moment.limit is not None and len(found) >= moment.limit:
            page = found[: moment.limit]
            return RightsPage(page, page[-1].task.id)
        if len(possible) < size:
            return RightsPage(found, None)
        size = _CHUNK
        after = possible[-1]
    return RightsPage(found, after)


def _order(way: Way) -> tuple[str, int, bool, str]:
    return way.via, way.role_code or 0, way.group is None, way.group or ""
