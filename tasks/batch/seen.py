"""What an actor sees of some targets, for forms that show what is there before anything is changed."""

from collections.abc import Sequence
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db import connection

from tasks import queries
from tasks.batch.authority import authority


_VIEW = "view_task"
_NOTHING: frozenset[str] = frozenset()


class Seen(NamedTuple):
    """A target that the actor may view, and the rights that the actor holds on it."""

    id: int
    task_type_id: int
    held: frozenset[str]


def seen_targets(*, actor: User, uids: Sequence[str]) -> list[Seen]:
    """Return those of the targets that the actor may view, in key order, in three statements at most."""
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_TARGETS, {"uids": list(uids)})
        rows = cursor.fetchall()
    held = {
        task_id: group.codenames
        for group in authority().rights(actor=actor, task_ids=[task_id for task_id, _ in rows])
        for task_id in group.task_ids
    }
    return [
        Seen(task_id, type_id, rights)
        for task_id, type_id in rows
        if _VIEW in (rights := held.get(task_id, _NOTHING))
    ]
