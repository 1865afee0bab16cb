"""What happens when another writer takes a name between a batch's plan and its write: plan again.

Changes that give names keep each other out (`tasks.names.hold_names`), but an import or a hand at the
database asks nobody, and the database's constraint is what notices.
"""

from collections.abc import Callable
from typing import TypeVar

import psycopg
from django.db import IntegrityError

from tasks.batch.errors import Overtaken


# The rules that a sound plan can break because somebody else was faster.
_RULES = frozenset({"task_name_in_project"})
_ATTEMPTS = 3

ResultT = TypeVar("ResultT")


def again_if_overtaken(attempt: Callable[[], ResultT]) -> ResultT:
    """Return what the attempt returns, made anew, in a transaction of its own, if it was overtaken.

    Raises:
        Overtaken: every attempt was.
    """
    for _ in range(_ATTEMPTS):
        try:
            return attempt()
        except IntegrityError as error:
            if _rule_of(error) not in _RULES:
                raise
            overtaken = error
    raise Overtaken from overtaken


def _rule_of(error: IntegrityError) -> str | None:
    cause = error.__cause__
    return cause.diag.constraint_name if isinstance(cause, psycopg.Error) else None
