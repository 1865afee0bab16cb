"""Who may do what to many tasks at once: asked here, answered by the app that knows.

One statement answers for ten thousand tasks where guardian answers for one; a property test keeps the
two equal. `permissions` registers its answer when the applications are ready.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured


# The right without which a task is not there for an actor: a permission's codename.
VIEW = "view_task"


class Held(NamedTuple):
    """The rights, as permission codenames, that an actor holds on each of some tasks."""

    codenames: frozenset[str]
    task_ids: Sequence[int]


class Authority(Protocol):
    """What the pipeline asks."""

    def rights(self, *, actor: User, task_ids: Sequence[int]) -> list[Held]:
        """Return the rights on the tasks, grouped; a task in no group gives none."""

    def rights_anywhere(self, *, actor: User) -> frozenset[str]:
        """Return the rights, as permission codenames, that the actor holds on some task or other."""

    def may_add_tasks(self, *, actor: User, project_ids: Sequence[int]) -> frozenset[int]:
        """Return those of the projects to which the actor may add tasks."""

    def may_add_tasks_anywhere(self, *, actor: User) -> bool:
        """Return whether there is a project to which the actor may add tasks."""

    def token_is_valid(self, *, token_id: int, at_address: str | None) -> bool:
        """Return whether the token that an operation came with may still be used."""


_registered: list[Authority] = []


def register_authority(authority: Authority) -> None:
    """Make `authority` the one that is asked."""
    _registered[:] = [authority]


def authority() -> Authority:
    """Return the registered authority.

    Raises:
        ImproperlyConfigured: nobody is registered, so nobody may do anything.
    """
    if not _registered:
        msg = "no authority is registered: is the permissions app installed?"
        raise ImproperlyConfigured(msg)
    return _registered[0]


def rights_on(*, actor: User, task_ids: Sequence[int]) -> dict[int, frozenset[str]]:
    """Return the rights, as permission codenames, that the actor holds on each of the tasks."""
    rights: dict[int, frozenset[str]] = dict.fromkeys(task_ids, frozenset())
    for held in authority().rights(actor=actor, task_ids=task_ids):
        rights.update(dict.fromkeys(held.task_ids, held.codenames))
    return rights
