"""What is said of targets that a change does not find.

A target that the actor may not view is missing like one that does not exist, in the same words. Of one
that they may view is said on which side of the recycle bin's lid it is, and the change looked on the
other.
"""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import connection

from tasks import queries
from tasks.batch.authority import VIEW, rights_on
from tasks.batch.plan import Outcome, OutcomeKind, Reason


def missing(uid: str) -> Outcome:
    """Return the outcome of a target of which nothing is said."""
    return Outcome(
        uid, OutcomeKind.MISSING, reason=Reason.NOT_FOUND, detail="there is no such task"
    )


def not_found(*, actor: User, uids: Sequence[str]) -> dict[str, Outcome]:
    """Return the outcomes of targets that a change did not find, in three statements at most."""
    if not uids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(queries.READ_SIDES, {"uids": list(uids)})
        sides = cursor.fetchall()
    held = rights_on(actor=actor, task_ids=[task_id for task_id, _, _ in sides])
    told = {
        uid: missing(uid)._replace(
            task_id=task_id, detail=f"it is {'' if recycled else 'not '}in the recycle bin"
        )
        for task_id, uid, recycled in sides
        if VIEW in held[task_id]
    }
    return {uid: told.get(uid) or missing(uid) for uid in uids}
