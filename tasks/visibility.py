"""Which tasks and projects an actor may see: asked here, answered by the app that knows.

Lists and searches narrow these querysets further; nothing that an interface shows comes from
elsewhere. `permissions` registers its answer when the applications are ready.

Auditors read all of them, in the admin, and may do nothing to any: what is done asks what is visible.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet

from audit.visibility import may_audit
from tasks.models import Project, Task


class Reach(NamedTuple):
    """Where the tasks are that an actor may view: in `projects`, by their ids, or few `elsewhere`, by key.

    `tasks` is quick to say of one task whether it is among them, not to list them.
    """

    tasks: QuerySet[Task]
    projects: Sequence[str]
    elsewhere: Sequence[int]


class Visibility(Protocol):
    """What interfaces ask."""

    def tasks(self, *, actor: User) -> QuerySet[Task]:
        """Return the tasks that the actor may view."""

    def projects(self, *, actor: User) -> QuerySet[Project]:
        """Return the projects that the actor has anything to do with."""

    def reach(self, *, actor: User) -> Reach:
        """Return where the tasks are that the actor may view."""


_registered: list[Visibility] = []


def register_visibility(visibility: Visibility) -> None:
    """Make `visibility` the one that is asked."""
    _registered[:] = [visibility]


def visible_tasks(*, actor: User) -> QuerySet[Task]:
    """Return the tasks that the actor may view, recycled ones included."""
    return _visibility().tasks(actor=actor)


def visible_projects(*, actor: User) -> QuerySet[Project]:
    """Return the projects in which the actor holds a role, or created or may view a task."""
    return _visibility().projects(actor=actor)


def readable_tasks(*, actor: User) -> QuerySet[Task]:
    """Return the tasks about which the actor reads: all of them to auditors, else what they may view."""
    return Task.objects.all() if may_audit(actor=actor) else visible_tasks(actor=actor)


def readable_projects(*, actor: User) -> QuerySet[Project]:
    """Return the projects about which the actor reads: all of them to auditors, else what they see."""
    return Project.objects.all() if may_audit(actor=actor) else visible_projects(actor=actor)


def reach_of(*, actor: User) -> Reach:
    """Return where the tasks are that the actor may view, recycled ones included."""
    return _visibility().reach(actor=actor)


def _visibility() -> Visibility:
    if not _registered:
        msg = "no visibility is registered: is the permissions app installed?"
        raise ImproperlyConfigured(msg)
    return _registered[0]
