"""Why a user may do something to a task, or may not: which role, held how, through which matrix.

Answers from the tables behind the view that guardian reads, so that a refusal can be explained too: the
view has no rows for what nobody holds. Tests hold every answer equal to guardian's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Q, QuerySet

from audit.visibility import may_audit
from permissions import explain_queries
from permissions.flags import ALL, NONE, Flag
from tasks.arrays import EqualsAny
from tasks.batch.authority import rights_on
from tasks.models import Task


class Via(StrEnum):
    """How a role is held; the values are those of the view."""

    MEMBER = "member"
    GROUP = "group"
    PROJECT_CREATOR = "project creator"
    TASK_CREATOR = "task creator"


class Verdict(StrEnum):
    """Why the answer is what it is; the first that fits, in this order."""

    INACTIVE = "inactive"
    SUPERUSER = "superuser"
    HELD = "held"
    NO_ROLE = "no role"
    NOT_SET = "not set"


class Way(NamedTuple):
    """One way in which the user holds a role; `group` is the name of the group, if it is by one."""

    via: Via
    group: str


class ExplainedRole(NamedTuple):
    """A role of the project, what it holds on the task, and how the user holds it.

    `flags` are those in force, `None` where the matrix has no row for the role; `project_flags` are
    those of the project's own matrix.
    """

    code: int
    name: str
    flags: int | None
    project_flags: int | None
    ways: Sequence[Way]

    def holds(self, flag: Flag) -> bool:
        """Return whether the role holds the flag on the task."""
        return bool((self.flags or NONE) & flag.bit)

    def holds_in_project(self, flag: Flag) -> bool:
        """Return whether the role holds the flag wherever the project's permissions are followed."""
        return bool((self.project_flags or NONE) & flag.bit)


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """All that decides what a user may do to a task."""

    is_active: bool
    is_superuser: bool
    project: str
    matrix_id: int
    follows: bool
    roles: Sequence[ExplainedRole]

    @property
    def held(self) -> list[ExplainedRole]:
        """The roles that the user holds."""
        return [role for role in self.roles if role.ways]

    @property
    def flags(self) -> int:
        """What the user may do, as bits."""
        if not self.is_active:
            return NONE
        if self.is_superuser:
            return ALL
        flags = NONE
        for role in self.held:
            flags |= role.flags or NONE
        return flags

    def verdict(self, *, flag: Flag) -> Verdict:
        """Return what decides about the flag."""
        if not self.is_active:
            return Verdict.INACTIVE
        if self.is_superuser:
            return Verdict.SUPERUSER
        if any(role.holds(flag) for role in self.held):
            return Verdict.HELD
        return Verdict.NOT_SET if self.held else Verdict.NO_ROLE

    def allows(self, *, flag: Flag) -> bool:
        """Return whether the user may; equal to `user.has_perm` of the flag's permission."""
        return self.verdict(flag=flag) in {Verdict.SUPERUSER, Verdict.HELD}


class Extent(StrEnum):
    """How far an actor's questions may reach."""

    NOBODY = "nobody"
    SELF = "self"
    PROJECT = "project"
    EVERYBODY = "everybody"


class Askable(NamedTuple):
    """The users about whom an actor may ask; any other name is answered like one that nobody has."""

    extent: Extent
    users: QuerySet[User]


def explain(*, user: User, task: Task) -> Explanation:
    """Return what decides about the user's rights on the task, in one statement.

    Raises:
        User.DoesNotExist: the account or the task has gone.
    """
    with connection.cursor() as cursor:
        cursor.execute(explain_queries.READ_EXPLANATION, {"user": user.pk, "task": task.pk})
        rows = cursor.fetchall()
    if not rows:
        raise User.DoesNotExist
    is_active, is_superuser, project, matrix_id, follows = rows[0][:5]
    return Explanation(
        is_active=is_active,
        is_superuser=is_superuser,
        project=project,
        matrix_id=matrix_id,
        follows=follows,
        roles=list(_roles(row[5:] for row in rows)),
    )


def askable(*, actor: User, task: Task) -> Askable:
    """Return about whose rights on the task the actor may ask."""
    extent = extent_of(actor=actor, task=task)
    if extent is Extent.NOBODY:
        return Askable(extent, User.objects.none())
    if extent is Extent.EVERYBODY:
        return Askable(extent, User.objects.all())
    if extent is Extent.SELF:
        return Askable(extent, User.objects.filter(pk=actor.pk))
    people = [*_people(task.project_id), task.created_by_id, actor.pk]
    return Askable(extent, User.objects.filter(Q(EqualsAny("id", people))))


def extent_of(*, actor: User, task: Task) -> Extent:
    """Return how far the actor's questions about rights on the task may reach.

    Superusers and auditors ask about anybody, on any task. Who may manage a task's permissions asks
    about the people of its project; who may only view it asks about themselves.
    """
    if not actor.is_active:
        return Extent.NOBODY
    if actor.is_superuser or may_audit(actor=actor):
        return Extent.EVERYBODY
    rights = rights_on(actor=actor, task_ids=[task.pk])[task.pk]
    if Flag.VIEW.codename not in rights:
        return Extent.NOBODY
    return Extent.PROJECT if Flag.MANAGE.codename in rights else Extent.SELF


def _people(project_id: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(explain_queries.READ_PEOPLE, {"project": project_id})
        return [user_id for (user_id,) in cursor.fetchall()]


def _roles(rows: Iterator[Sequence[Any]]) -> Iterator[ExplainedRole]:
    for (code, name, flags, project_flags), ways in groupby(rows, key=lambda row: row[:4]):
        held = [Way(Via(via), group) for *_, via, group in ways if via]
        yield ExplainedRole(code, name, flags, project_flags, held)
