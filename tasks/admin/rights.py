"""Which rights the visitor holds on the task of a page, asked once per request."""

from django.http import HttpRequest

from audit.admin.requests import actor_of
from tasks.batch.authority import authority


_ATTRIBUTE = "bulkhead_rights"


def rights_on(*, request: HttpRequest, task_id: int) -> frozenset[str]:
    """Return the visitor's rights on the task, as permission codenames."""
    known: dict[int, frozenset[str]] = getattr(request, _ATTRIBUTE, {})
    if task_id not in known:
        held = authority().rights(actor=actor_of(request), task_ids=[task_id])
        known = {**known, task_id: frozenset().union(*(group.codenames for group in held))}
        setattr(request, _ATTRIBUTE, known)
    return known[task_id]
