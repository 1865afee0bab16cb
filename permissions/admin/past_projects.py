"""What somebody could do at a moment: project by project, and in one of them task by task; in pages."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import HttpRequest

from audit.admin.history import LAST_PAGE
from audit.admin.requests import is_key, page_number
from permissions.admin.past import HolderRow, flags_held, way_in_words
from permissions.past.holders import Moment, TaskRights
from permissions.past.projects import MOST_TASKS, Alike, ProjectRights, read_projects
from permissions.past.rights import read_rights


_PROJECTS, _TASKS = 20, 50
# So many different answers are told of a project; of the rest, on how many tasks they are.
_TOLD = 3


class ProjectRow(NamedTuple):
    """On how many tasks of a project somebody held the same: in which ways, and for each flag whether.

    The last row of a project may be its rest: tasks of which other things are true, not told here.
    """

    project: str
    query: str
    tasks: int
    ways: Sequence[str] = ()
    held: Sequence[bool] = ()


class ProjectsShown(NamedTuple):
    """A page of projects; of those that are cut, not all tasks are counted."""

    rows: Sequence[ProjectRow]
    total: int
    number: int
    pages: int
    query: str
    cut: Sequence[str]
    most: int


class TasksShown(NamedTuple):
    """A page of the tasks of a project; where there are more, the query that asks for them."""

    rows: Sequence[HolderRow]
    following: str
    first: str
    projects: str


def shown_rights(request: HttpRequest, *, user_id: int, at: datetime) -> dict[str, Any]:
    """Return the page that is asked for: of projects, or of one project's tasks."""
    project = request.GET.get("project", "")
    if is_key(project):
        return {"tasks": _tasks(request, user_id, at, int(project))}
    return {"projects": _projects(request, user_id, at)}


def _projects(request: HttpRequest, user_id: int, at: datetime) -> ProjectsShown:
    number = page_number(request.GET.get("page", ""), last=LAST_PAGE)
    offset = (number - 1) * _PROJECTS
    page = read_projects(user_id=user_id, at=at, offset=offset, limit=_PROJECTS)
    return ProjectsShown(
        rows=[row for project in page.projects for row in _rows(request, project)],
        total=page.total,
        number=number,
        pages=min(-(-page.total // _PROJECTS), LAST_PAGE),
        query=_query(request),
        cut=[project.name for project in page.projects if project.is_cut],
        most=MOST_TASKS,
    )


def _rows(request: HttpRequest, project: ProjectRights) -> Iterator[ProjectRow]:
    query = _query(request, project=project.id)
    for alike in project.alike[:_TOLD] or [Alike(0, [])]:
        ways = [way_in_words(way) for way in alike.ways]
        yield ProjectRow(project.name, query, alike.tasks, ways, flags_held(alike.flags))
    if rest := sum(alike.tasks for alike in project.alike[_TOLD:]):
        yield ProjectRow(project.name, query, rest)


def _tasks(request: HttpRequest, user_id: int, at: datetime, project_id: int) -> TasksShown:
    asked = request.GET.get("after", "")
    after = int(asked) if is_key(asked) else 0
    moment = Moment(at=at, after=after, limit=_TASKS)
    page = read_rights(user_id=user_id, moment=moment, project_id=project_id)
    following = page.following
    return TasksShown(
        rows=[_task_row(rights) for rights in page.rights],
        following=_query(request, project=project_id, after=following) if following else "",
        first=_query(request, project=project_id) if after else "",
        projects=_query(request),
    )


def _task_row(rights: TaskRights) -> HolderRow:
    name = f"{rights.task.name} in {rights.task.project_name}"
    return HolderRow(name, flags_held(rights.flags), [way_in_words(way) for way in rights.ways])


def _query(request: HttpRequest, **place: int) -> str:
    """Return the query that asks about the same moment at another place."""
    return urlencode({"at": request.GET["at"], **place})
