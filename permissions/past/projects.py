"""What somebody could do at a moment, project by project: on how many tasks what, and why.

What they could do on each task is `permissions.past.rights`.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from permissions.past import rights_queries as queries
from permissions.past.holders import Way, flags_of, read_rows
from permissions.past.rights import MatrixWays, Standing


# So many tasks of a project are looked at, and those that are gone.
MOST_TASKS = 2_000


class Alike(NamedTuple):
    """So many tasks of a project, on which somebody held the same in the same ways."""

    tasks: int
    ways: Sequence[Way]

    @property
    def flags(self) -> int:
        """All that the ways give together."""
        return flags_of(self.ways)


class ProjectRights(NamedTuple):
    """A project by its name of then, and what somebody held on its tasks, on most of them first.

    It is cut where it had more tasks than are looked at.
    """

    id: int
    name: str
    alike: Sequence[Alike]
    is_cut: bool


class ProjectsPage(NamedTuple):
    """Some projects, by name, and how many there are in all."""

    projects: Sequence[ProjectRights]
    total: int


def read_projects(*, user_id: int, at: datetime, offset: int, limit: int) -> ProjectsPage:
    """Return in which projects the user may have held anything, and on how many of their tasks they did.

    In a fixed number of queries, none of which looks at more tasks than `limit` projects may have.
    """
    standing = Standing.of(user_id=user_id, at=at)
    if standing is None:
        return ProjectsPage([], 0)
    asked = {
        "user": user_id,
        "at": at,
        "projects": sorted(standing.projects),
        "everything": standing.is_superuser,
        "limit": limit,
        "offset": offset,
    }
    rows = read_rows(queries.READ_PROJECTS, asked)
    if not rows:
        return ProjectsPage([], 0)
    counted = _count(standing, [project_id for project_id, *_ in rows])
    ways = standing.ways({matrix for each in counted.values() for matrix, _ in each if matrix})
    projects = [
        ProjectRights(
            project_id,
            name,
            _alike(standing, counted[project_id], ways),
            counted[project_id].total() >= MOST_TASKS,
        )
        for project_id, name, _ in rows
    ]
    return ProjectsPage(projects, rows[0][2])


# The tasks of a project that a matrix governed, and whether the user had created them; None governed those
# that did not exist.
_Governed = Counter[tuple[int | None, bool]]


def _count(standing: Standing, projects: Sequence[int]) -> Mapping[int, _Governed]:
    asked: dict[str, Any] = {
        "user": standing.user_id,
        "at": standing.at,
        "projects": projects,
        "open": [each for each in projects if standing.is_superuser or each in standing.projects],
        "most": MOST_TASKS,
    }
    counted: dict[int, _Governed] = defaultdict(Counter)
    for project_id, matrix_id, is_created, tasks in read_rows(queries.COUNT_GOVERNED, asked):
        counted[project_id][matrix_id, is_created] = tasks
    return counted


def _alike(
    standing: Standing, governed: _Governed, ways: Mapping[int, MatrixWays]
) -> Sequence[Alike]:
    found: Counter[tuple[Way, ...]] = Counter()
    for (matrix_id, is_created), tasks in governed.items():
        if matrix_id is not None:
            held = standing.held(ways.get(matrix_id), is_created=is_created)
            found[tuple(held)] += tasks
    del found[()]
    ranked = sorted(found.items(), key=lambda each: (-each[1], str(each[0])))
    return [Alike(tasks, held) for held, tasks in ranked]
